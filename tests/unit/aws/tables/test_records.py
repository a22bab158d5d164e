"""Records: whatever the domain can hold is read back as it was (I8)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.aws.tables.records import Record, number_text, utc_text
from brokersync.domain.coverage import Coverage
from brokersync.domain.feeds import Announcement, Wanted
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.runs import RunStats
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import CashEvent, Execution

DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**20), max_value=10**20),
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-(10**27), 10**27), st.integers(-100, 90)
    ),
    st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
)
st.register_type_strategy(Decimal, DECIMALS)
TIMES = st.datetimes(timezones=st.just(UTC))
st.register_type_strategy(datetime, TIMES)
ANY = st.one_of(*(st.from_type(kind) for kind in (Execution, CashEvent, Balance, PositionsSection, BrokerTime)))
FEED_PARTS = st.one_of(*(st.from_type(kind) for kind in (Wanted, Coverage, RunStats)))
EVENTS = st.builds(
    Announcement,
    event_id=st.text(),
    detail_type=st.text(),
    detail=st.dictionaries(st.text(min_size=1), st.text() | st.integers(-(10**37), 10**37)),
)


@given(ANY | FEED_PARTS | EVENTS)
def test_i8_every_value_of_the_domain_survives_storage(value: object):
    # given any value
    record = Record(type(value))
    # when it is stored and read
    stored = record.encode(value)
    # then it is the same, to the last digit
    assert record.decode(stored) == value


@pytest.mark.parametrize("text", ["1." + "0" * 60, "1E+125", "-1E-130", "9" * 38, "0." + "1" * 38, "-0", "0E-200"])
def test_i8_a_number_is_stored_exactly(text: str):
    # given a number that DynamoDB can hold
    stored = number_text(Decimal(text))
    # then it is the same number, plainly written, with no more digits than count
    assert Decimal(stored) == Decimal(text)
    assert len(stored.strip("-0.").replace(".", "")) <= 38
    assert "E" not in stored


@pytest.mark.parametrize("text", ["1" * 39, "1E+126", "1E-131", "NaN", "Infinity"])
def test_i8_a_number_that_would_be_rounded_is_an_error(text: str):
    # given a number that DynamoDB would round or refuse
    with pytest.raises(ArithmeticError):
        number_text(Decimal(text))


def test_what_equals_its_default_takes_no_room():
    # given a value with nothing but defaults, and a field that was added after it was stored
    @dataclass(frozen=True, kw_only=True)
    class Grown:
        name: str
        added: int = 7

    # then the default is not stored, and what is missing is read as the default
    assert Record(Grown).encode(Grown(name="x")) == {"name": {"S": "x"}}
    assert Record(Grown).decode({"name": {"S": "x"}, "gone": {"S": "an older field"}}) == Grown(name="x", added=7)


def test_a_type_without_stored_form_is_refused_when_the_table_is_declared():
    # given a field that no attribute value can hold exactly
    @dataclass(frozen=True)
    class Careless:
        price: float

    with pytest.raises(TypeError, match="no stored form for <class 'float'>"):
        Record(Careless)


@given(TIMES, TIMES)
def test_texts_of_times_compare_as_the_times_do(one: datetime, other: datetime):
    # given two times, one of them told in another zone
    texts = utc_text(one), utc_text(other)
    # then their texts sort as they do, and come back
    assert (texts[0] < texts[1]) == (one < other)
    assert datetime.fromisoformat(texts[0]) == one


def test_a_time_is_stored_in_utc_and_never_naive():
    # given a time of another zone
    moment = datetime(2026, 3, 2, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    # then it is stored in UTC
    assert utc_text(moment) == "2026-03-02T10:30:00.000000Z"
    with pytest.raises(ValueError, match="without zone"):
        utc_text(datetime(2026, 3, 2, 10, 30))


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.1000", "0.1"), ("100000.0000", "100000"), ("-0.0", "0"), ("0", "0"), ("120", "120"), ("-7.50", "-7.5")],
)
def test_i8_equal_numbers_are_sent_as_equal_texts(number, text):
    assert number_text(Decimal(number)) == text
