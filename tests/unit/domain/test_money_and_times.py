"""I8: amounts stay exact, instants keep every digit, and both refuse what they can't keep."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.money import BadNumberError, decimal_from, plain
from brokersync.domain.times import (
    from_date,
    from_rfc3339,
    from_unix_text,
    from_wall_clock,
    minute_of,
    start_of_minute,
    to_ns,
)

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20)


@given(amounts)
def test_i8_an_amount_survives_text_and_back_exactly(amount: Decimal) -> None:
    assert decimal_from(str(amount), "price") == amount
    assert Decimal(plain(amount)) == amount


@given(amounts, st.integers(min_value=0, max_value=6))
def test_i8_equal_amounts_have_one_text_whatever_their_zeros(amount: Decimal, zeros: int) -> None:
    padded = Decimal(format(amount, "f") + "0" * zeros)
    assert plain(padded) == plain(amount)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-inf", "", "abc", "1.2.3", 1.5, True, None, [], "1" * 39])
def test_i8_what_is_no_exact_number_is_refused_with_its_field(bad: object) -> None:
    with pytest.raises(BadNumberError, match="tradePrice") as refused:
        decimal_from(bad, "tradePrice")
    assert refused.value.field == "tradePrice"


def test_i8_nanoseconds_are_kept() -> None:
    moment = from_rfc3339("2016-10-25T19:45:38.558056359Z")
    assert moment.ns == 1477424738558056359
    assert moment.utc == datetime(2016, 10, 25, 19, 45, 38, 558056, tzinfo=UTC)
    assert moment.sort_key == "01477424738558056359"
    assert from_unix_text("1477424738.558056359").ns == moment.ns


def test_i8_offsets_in_the_value_are_applied() -> None:
    assert from_rfc3339("2026-03-01T10:00:00+02:00").ns == from_rfc3339("2026-03-01T08:00:00Z").ns


@pytest.mark.parametrize("bad", ["2016-10-25", "2016-10-25T19:45:38", "25.10.2016 19:45", "", "2016-13-25T19:45:38Z"])
def test_i8_a_time_without_zone_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|month"):
        from_rfc3339(bad)


@pytest.mark.parametrize("bad", ["", "soon", "NaN", "Infinity"])
def test_i8_unix_text_that_is_no_number_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="seconds since 1970"):
        from_unix_text(bad)


def test_i8_wall_clock_times_follow_the_zones_daylight_saving() -> None:
    # Given the same clock time in New York in summer and in winter
    summer = from_wall_clock(datetime(2026, 7, 1, 9, 30), "20260701;093000", "America/New_York")
    winter = from_wall_clock(datetime(2026, 12, 1, 9, 30), "20261201;093000", "America/New_York")
    # Then they are four and five hours behind UTC, and say so
    assert (summer.utc.hour, winter.utc.hour) == (13, 14)
    assert summer.zone == "America/New_York"
    assert from_date(date(2026, 7, 1), "20260701", "America/New_York").zone == "America/New_York, date only"


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        to_ns(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="has its zone"):
        from_wall_clock(datetime(2026, 1, 1, tzinfo=UTC), "", "America/New_York")


@given(st.integers(min_value=0, max_value=60_000_000))
def test_minutes_and_datetimes_agree(minute: int) -> None:
    assert minute_of(start_of_minute(minute)) == minute
