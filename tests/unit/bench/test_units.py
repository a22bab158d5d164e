"""DynamoDB's bill, against the examples of its documentation and what was measured on real tables."""

import pytest

from tests.bench.units import Index, TableShape, query_units, read_units, refused_units, write_units

PLAIN = TableShape(key=("id",))
INDEXED = TableShape(
    key=("id",),
    indexes=(
        Index(key=("user", "id"), projected=frozenset({"id", "user"})),
        Index(key=("time", "id"), projected=None),
    ),
)


def item(size: int = 0, **attributes: str) -> dict[str, dict[str, str]]:
    """An item with these attributes, padded to a size in bytes."""
    raw = {name: {"S": value} for name, value in {"id": "1", **attributes}.items()}
    used = sum(len(name) + len(value["S"]) for name, value in raw.items())
    return {**raw, "pad": {"S": "x" * (size - used - 3)}} if size else raw


@pytest.mark.parametrize(("size", "units"), [(100, 1), (1024, 1), (1025, 2), (3072, 3)])
def test_a_write_costs_a_unit_per_started_kilobyte(size: int, units: int) -> None:
    # given an item of some size / when it is put where none was / then it costs by the kilobyte, twice in a transaction
    assert write_units(PLAIN, None, item(size)) == units
    assert write_units(PLAIN, None, item(size), transaction=True) == 2 * units


def test_an_update_costs_the_larger_of_both_images() -> None:
    # given an item of three kilobytes / when an update shrinks or grows it / then the larger one counts
    assert write_units(PLAIN, item(3000), item(100)) == 3
    assert write_units(PLAIN, item(100), item(3000)) == 3


def test_a_refused_write_costs_what_it_met() -> None:
    # given a condition that does not hold / when the write is refused / then the stored item counts, or one unit
    assert refused_units(item(2500)) == 3
    assert refused_units(None) == 1
    assert refused_units(item(2500), transaction=True) == 6


def test_an_index_costs_only_when_its_entry_changes() -> None:
    # given a table with an index of keys and one of everything, whose key `time` is sparse
    before = item(user="u", news="1")
    # when nothing of an entry changes, one comes, one changes, one moves, one goes
    unchanged = write_units(INDEXED, before, item(user="u", news="2"))
    comes = write_units(INDEXED, before, item(user="u", news="1", time="1"))
    changes = write_units(INDEXED, item(user="u", time="1", news="1"), item(user="u", time="1", news="2"))
    moves = write_units(INDEXED, item(user="u", time="1"), item(user="u", time="2"))
    goes = write_units(INDEXED, item(user="u", time="1"), item(user="u"))
    # then the table costs one unit each time, an entry one for each write it takes
    assert (unchanged, comes, changes, moves, goes) == (1, 2, 2, 3, 2)


def test_a_new_item_costs_one_write_per_index_it_appears_in() -> None:
    # given both indexes / when an item comes with all keys, or without the sparse one / then only its entries count
    assert write_units(INDEXED, None, item(user="u", time="1")) == 3
    assert write_units(INDEXED, None, item(user="u")) == 2


def test_a_transaction_doubles_the_table_and_not_its_indexes() -> None:
    # given both indexes / when an item is put in a transaction / then 2 for the table and 1 for each index
    assert write_units(INDEXED, None, item(user="u", time="1"), transaction=True) == 4


def test_reads_cost_by_four_kilobytes_and_half_when_eventually_consistent() -> None:
    # given sizes around the border / when they are read one by one / then each is rounded up by itself
    assert read_units([0], consistent=True) == 1
    assert read_units([4096], consistent=True) == 1
    assert read_units([4097, 100], consistent=True) == 3
    assert read_units([4097, 100], consistent=False) == 1.5
    assert read_units([8000], consistent=True, transaction=True) == 4
    # and a query rounds up once
    assert query_units([3000, 3000], consistent=False) == 1
    assert query_units([], consistent=False) == 0.5


def test_a_tables_shape_is_read_from_the_template() -> None:
    # given a table as the template declares it
    properties = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "KeySchema": [{"AttributeName": "slot"}, {"AttributeName": "id"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["user"]},
            },
            {"KeySchema": [{"AttributeName": "time"}], "Projection": {"ProjectionType": "ALL"}},
        ],
    }
    # when its shape is read
    shape = TableShape.of(properties)
    # then an entry has what the index projects, and nothing without the index's key
    due, everything = shape.indexes
    assert due.entry(item(slot="5", user="u", news="1")) == item(slot="5", user="u")
    assert due.entry(item(user="u")) is None
    assert everything.entry(item(time="1", news="1")) == item(time="1", news="1")
