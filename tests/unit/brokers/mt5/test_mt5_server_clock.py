"""The trade server's clock: settings, daylight saving, and what contradicts a setting."""

from datetime import UTC, datetime, timedelta

import pytest

from brokersync.brokers.mt5.server_clock import BadZoneError, ServerClock
from brokersync.domain.times import to_ns
from local.simulators.mt5_clock import NEW_YORK_PLUS_7, when_open
from local.simulators.mt5_clock import wall_ms as simulated_wall_ms

MOST_BROKERS = ServerClock.of("America/New_York+7")


def shown(text: str) -> int:
    """A wall-clock time as MetaTrader writes it."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("setting", "wall", "utc"),
    [
        ("UTC", "2024-07-01T12:00:00", "2024-07-01T12:00:00"),
        ("+03:00", "2024-07-01T12:00:00", "2024-07-01T09:00:00"),
        ("+3", "2024-01-01T12:00:00", "2024-01-01T09:00:00"),
        ("UTC+2", "2024-01-01T12:00:00", "2024-01-01T10:00:00"),
        ("GMT-5", "2024-01-01T12:00:00", "2024-01-01T17:00:00"),
        ("+0530", "2024-01-01T12:00:00", "2024-01-01T06:30:00"),
        ("Europe/Athens", "2024-03-20T12:00:00", "2024-03-20T10:00:00"),  # Europe changes its clocks three weeks later
        ("America/New_York+7", "2024-03-20T12:00:00", "2024-03-20T09:00:00"),
        ("America/New_York+07:00", "2024-01-15T12:00:00", "2024-01-15T10:00:00"),
        ("America/New_York+7", "2024-03-08T23:59:59", "2024-03-08T21:59:59"),  # the last Friday of winter
        ("America/New_York+7", "2024-03-11T00:00:00", "2024-03-10T21:00:00"),  # the first Monday of summer
        ("America/New_York+7", "2024-11-01T23:59:59", "2024-11-01T20:59:59"),
        ("America/New_York+7", "2024-11-04T00:00:00", "2024-11-03T22:00:00"),
        # An hour that comes twice, on a Sunday, when only crypto is traded: its first time.
        ("America/New_York+7", "2024-11-03T08:30:00", "2024-11-03T05:30:00"),
    ],
)
def test_a_wall_clock_time_is_placed_by_the_setting(setting: str, wall: str, utc: str) -> None:
    # given / when
    placed = ServerClock.of(setting).instant(shown(wall) + 123)
    # then
    assert placed.utc == datetime.fromisoformat(f"{utc}.123+00:00")
    assert (placed.raw, placed.zone) == (str(shown(wall) + 123), setting)


def test_every_hour_of_ten_years_goes_there_and_back() -> None:
    # given the clock that the simulator reckons by the law, when markets are open
    for hours in range(0, 10 * 365 * 24, 5):
        moment = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        ns = to_ns(moment)
        if when_open(ns) != ns:
            continue
        # when / then
        wall = simulated_wall_ms(NEW_YORK_PLUS_7, ns)
        assert MOST_BROKERS.instant(wall).ns == ns
        assert MOST_BROKERS.wall_ms(moment) == wall


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "Moon",
        "+15:00",
        "3 hours",
        "Etc/GMT+3",
        "Europe/",
        "../etc/passwd",
        "+03:99",
        "America/New_York+",
        "EET+1+1",
    ],
)
def test_what_is_no_zone_is_refused(setting: str) -> None:
    with pytest.raises(BadZoneError):
        ServerClock.of(setting)


def test_a_time_in_the_future_contradicts_a_setting() -> None:
    # given a server three hours ahead of UTC
    now = datetime(2024, 7, 1, 12, tzinfo=UTC)
    newest = shown("2024-07-01T15:00:00")
    # when / then: half of the half hour by which zones differ may be anybody's clock
    assert ServerClock.of("+03:00").contradiction(newest, now) == ""
    assert ServerClock.of("+03:00").contradiction(newest + 14 * 60_000, now) == ""
    assert "0 h 16 min in the future" in ServerClock.of("+03:00").contradiction(newest + 16 * 60_000, now)
    assert "1 h 00 min in the future" in ServerClock.of("+02:00").contradiction(newest, now)
    # and a time in the past alone proves nothing
    assert ServerClock.of("+10:00").contradiction(newest, now) == ""


def test_news_from_before_our_last_look_contradict_a_setting() -> None:
    now = datetime(2024, 7, 1, 12, tzinfo=UTC)
    looked, newest = now - timedelta(minutes=5), shown("2024-07-01T14:58:00")
    assert ServerClock.of("+03:00").contradiction(newest, now, not_before=looked) == ""
    assert "before our last look" in ServerClock.of("+04:00").contradiction(newest, now, not_before=looked)


def test_an_hour_that_comes_twice_contradicts_nothing() -> None:
    # given a crypto position opened at half past one in New York, for the second time that night
    now = datetime(2024, 11, 3, 6, 31, tzinfo=UTC)
    looked = now - timedelta(minutes=10)
    # when / then
    assert MOST_BROKERS.contradiction(shown("2024-11-03T08:30:00"), now, not_before=looked) == ""
