"""Sizes of items by DynamoDB's published rules."""

import pytest

from tests.bench.sizes import item_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "text"}, 4),
        ({"S": "\N{EURO SIGN}"}, 3),
        ({"N": "0"}, 1),
        ({"N": "100"}, 2),
        ({"N": "-12.34"}, 4),
        ({"N": "9" * 38}, 20),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"12345"}, 5),
        ({"M": {}}, 3),
        ({"M": {"ab": {"S": "c"}}}, 7),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
        ({"SS": ["a", "bc"]}, 3),
    ],
)
def test_a_value_is_as_large_as_dynamodb_says(value: dict, size: int):
    # given an attribute: its name counts, and its value by type
    assert item_size({"name": value}) == 4 + size
