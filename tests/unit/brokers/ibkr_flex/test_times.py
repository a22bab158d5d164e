"""I8: times are New York's wall clock, in every format that a query can be set to."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.ibkr_flex.values import RowError, day, moment
from tests.unit.brokers.ibkr_flex.made import STOCK, only_trade

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    "text",
    [
        "20260115;093105",
        "20260115;09:31:05",
        "20260115,093105",
        "20260115, 093105",
        "20260115 093105",
        "20260115093105",
        "20260115T093105",
        "2026-01-15;093105",
        "2026-01-15, 09:31:05",
        "2026-01-15 09:31:05",
        "2026-01-15T09:31:05",
        "2026-01-15;09:31:05 EST",
    ],
)
def test_i8_every_format_names_the_same_instant(text: str) -> None:
    told = moment(text, "dateTime")
    assert told.utc == datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC)
    assert told.raw == text


@pytest.mark.parametrize("text", ["20260115", "2026-01-15"])
def test_i8_a_bare_date_says_that_it_is_one(text: str) -> None:
    told = moment(text, "dateTime")
    assert told.utc == datetime(2026, 1, 15, 5, tzinfo=UTC)
    assert told.zone == "America/New_York, date only"


def test_i8_date_and_time_may_be_two_attributes() -> None:
    row = {**STOCK, "dateTime": None, "tradeDate": "2026-01-15", "tradeTime": "093105"}
    assert only_trade(row).executed_at.utc == datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC)


def test_i8_a_trade_of_which_only_the_day_is_told_says_so() -> None:
    assert only_trade({**STOCK, "dateTime": None}).executed_at.zone == "America/New_York, date only"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("20260308;015959", "2026-03-08T06:59:59"),  # the night that loses an hour
        ("20260308;030000", "2026-03-08T07:00:00"),
        ("20261101;005959", "2026-11-01T04:59:59"),  # the night that has one twice
        ("20261101;013000", "2026-11-01T05:30:00"),
        ("20261101;013000 EST", "2026-11-01T06:30:00"),
        ("20261101;013000 EDT", "2026-11-01T05:30:00"),
        ("20261101;020000", "2026-11-01T07:00:00"),
        ("20260708;093000", "2026-07-08T13:30:00"),
    ],
)
def test_i8_summer_time_is_kept_at_its_borders(text: str, utc: str) -> None:
    assert moment(text, "dateTime").utc.isoformat() == f"{utc}+00:00"


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2050, 1, 1)).map(
        lambda at: at.replace(microsecond=0)
    )
)
def test_i8_any_wall_clock_time_is_placed_as_python_places_it(wall_clock: datetime) -> None:
    expected = wall_clock.replace(tzinfo=NEW_YORK)
    told = moment(f"{wall_clock:%Y%m%d;%H%M%S}", "dateTime")
    assert timedelta(microseconds=told.ns // 1000) == expected - datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "01/15/2026",
        "2026-0115",
        "20260230;093105",
        "20260115;246000",
        "20260115;093105 AEST",
        "20260115;093105Z",
        "2026-01-15;0931",
        "20260115;093105;1",
    ],
)
def test_i10_what_is_no_time_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(RowError, match="dateTime: "):
        moment(text, "dateTime")


@pytest.mark.parametrize("text", ["", "20261301", "01/15/2026"])
def test_i10_what_is_no_date_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(RowError, match="toDate: "):
        day(text, "toDate")
