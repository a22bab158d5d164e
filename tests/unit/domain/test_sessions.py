"""When a session's data can still be saved, by the exchange's own clock."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.manifests import TradingSession
from brokersync.domain.sessions import TURNS, Saving, is_unsaved, saving_at

CHICAGO = TradingSession(zone="America/Chicago", weekdays=(0, 1, 2, 3, 4), closes=time(16), rolls=time(17))


@pytest.mark.parametrize(
    ("closed", "what"),
    [
        (datetime(2026, 3, 6, 22, tzinfo=UTC), "the last Friday of winter time"),
        (datetime(2026, 3, 9, 21, tzinfo=UTC), "the first Monday of summer time"),
        (datetime(2026, 10, 30, 21, tzinfo=UTC), "the last Friday of summer time"),
        (datetime(2026, 11, 2, 22, tzinfo=UTC), "the first Monday of winter time"),
    ],
)
def test_the_hour_of_saving_is_the_exchanges_whatever_its_clocks_say(closed: datetime, what: str) -> None:
    # given the hour between close and loss, then exactly it is the time of saving
    saving = Saving(closed_at=closed, lost_at=closed + timedelta(hours=1))
    assert saving_at(CHICAGO, closed) == saving, what
    assert saving_at(CHICAGO, closed + timedelta(minutes=59, seconds=59)) == saving
    assert saving_at(CHICAGO, closed - timedelta(microseconds=1)) is None
    assert saving_at(CHICAGO, closed + timedelta(hours=1)) is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))
def test_nothing_is_saved_on_other_days(naive: datetime) -> None:
    # given any time, then a saving is inside its own bounds and on a day with a session
    moment = naive.replace(tzinfo=UTC)
    saving = saving_at(CHICAGO, moment)
    if saving is not None:
        assert saving.closed_at <= moment < saving.lost_at
        assert saving.closed_at.weekday() in CHICAGO.weekdays
        assert saving.lost_at - saving.closed_at == timedelta(hours=1)


@pytest.mark.parametrize(("minutes", "interval"), [(60, 15), (59, 10), (20, 5), (12, 5), (240, 60)])
def test_the_wheel_turns_fast_enough_for_four_tries_where_it_can(minutes: int, interval: int) -> None:
    closed = datetime(2026, 3, 6, 22, tzinfo=UTC)
    saving = Saving(closed_at=closed, lost_at=closed + timedelta(minutes=minutes))
    assert saving.interval == interval
    assert saving.interval * TURNS <= minutes or saving.interval == 5


def test_a_session_is_unsaved_once_half_the_time_is_over_and_nothing_came() -> None:
    # given a close
    closed = datetime(2026, 3, 6, 22, tzinfo=UTC)
    before, after = closed - timedelta(minutes=5), closed + timedelta(minutes=2)
    # then a feed without a success since then is unsaved in the second half of the time, when help can still come
    assert is_unsaved(CHICAGO, closed + timedelta(minutes=30), before)
    assert is_unsaved(CHICAGO, closed + timedelta(minutes=59), None)
    # and not before, not with one, and not when it is too late
    assert not is_unsaved(CHICAGO, closed + timedelta(minutes=29), before)
    assert not is_unsaved(CHICAGO, closed + timedelta(minutes=45), after)
    assert not is_unsaved(CHICAGO, closed + timedelta(minutes=60), before)
