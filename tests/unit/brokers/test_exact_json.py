"""JSON without a lost digit, and errors that say what broke and where."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from brokersync.brokers.exact_json import a_list, an_object, decode, validated
from brokersync.domain.errors import BrokerChangedError, ErrorCode


class _Model(BaseModel):
    amount: Decimal
    count: int


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15))
def test_i8_a_number_keeps_every_digit(number: Decimal) -> None:
    # given a JSON number with more digits than a float holds
    body = f'{{"amount": {number:f}}}'.encode()
    # when / then
    assert decode(body, "answer") == {"amount": number}


def test_what_python_decodes_but_json_forbids_is_refused_with_its_place() -> None:
    # given
    body = b'{"rows": [\n {"price": 1.5,\n  "profit": NaN}]}'
    # when
    with pytest.raises(BrokerChangedError) as raised:
        decode(body, "summary")
    # then
    assert raised.value.code is ErrorCode.UNEXPECTED_ANSWER
    assert raised.value.safe_message == "summary has NaN, which is not a number in 'profit' at line 3 column 13."


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b'{"a": 1, "b": {"c": 2, "c": 3}}', "has the key 'c' twice in one object"),
        (b'{"a": [1, 2', "is cut off: the JSON ends in the middle, after 11 characters"),
        (b'{"a": "open', "is cut off"),
        (b"<html><body>Service Unavailable</body></html>", "is HTML or XML, not JSON"),
        (b"{'a': 1}", "is not JSON: Expecting property name enclosed in double quotes at line 1 column 2"),
        (b'{"a": \xff}', "is not UTF-8 text: invalid start byte at byte 6"),
        (b"[" * 100_000, "can't be read"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "can't be read"),
        (b'[Infinity, "NaN"]', "has Infinity, which is not a number at line 1 column 2"),
    ],
)
def test_i10_a_broken_text_says_what_and_where(body: bytes, problem: str) -> None:
    # when
    with pytest.raises(BrokerChangedError) as raised:
        decode(body, "transactions")
    # then
    assert raised.value.safe_message.startswith("transactions ")
    assert problem in raised.value.safe_message


def test_a_byte_order_mark_and_integers_are_fine() -> None:
    assert decode(b'\xef\xbb\xbf{"id": 9007199254740993}', "answer") == {"id": 9007199254740993}


@pytest.mark.parametrize(
    ("value", "kind"), [(None, "null"), ("x", "a text"), (Decimal("1.5"), "a number"), (True, "true or false")]
)
def test_a_wrong_shape_is_named(value: object, kind: str) -> None:
    with pytest.raises(BrokerChangedError, match=f"rows is {kind}, not a list"):
        a_list(value, "rows")
    with pytest.raises(BrokerChangedError, match=f"account is {kind}, not an object"):
        an_object(value, "account")


def test_a_failed_model_names_its_fields() -> None:
    # when
    with pytest.raises(BrokerChangedError) as raised:
        validated(_Model, {"amount": "abc", "count": "many"}, "summary")
    # then
    assert raised.value.safe_message.startswith("summary amount: ")
    assert "; count: " in raised.value.safe_message


def test_decoded_values_are_what_the_standard_decoder_gives_but_for_numbers() -> None:
    # given
    body = json.dumps({"text": "\u00e9\ud83d\ude00", "list": [1, None, True, "x"], "nested": {"a": {}}}).encode()
    # when / then
    assert decode(body, "answer") == json.loads(body)
