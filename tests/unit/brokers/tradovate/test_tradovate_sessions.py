"""Which session a moment belongs to, through weekends and changes of the clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.tradovate import sessions

CHICAGO = ZoneInfo("America/Chicago")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-03-10T21:59:59Z", "2026-03-09T22:00:00Z"),  # 16:59:59 in Chicago, summer time
        ("2026-03-10T22:00:00Z", "2026-03-10T22:00:00Z"),
        ("2026-01-13T22:30:00Z", "2026-01-12T23:00:00Z"),  # winter time
        ("2026-03-08T12:00:00Z", "2026-03-07T23:00:00Z"),  # the clocks went forward in between
        ("2026-11-01T12:00:00Z", "2026-10-31T22:00:00Z"),  # and back
    ],
)
def test_a_session_begins_at_five_in_chicago(now: str, began: str) -> None:
    assert sessions.began(datetime.fromisoformat(now)) == datetime.fromisoformat(began)


@pytest.mark.parametrize(
    ("local", "traded"),
    [
        ("2026-03-10T15:59:59", True),  # Tuesday
        ("2026-03-10T16:00:00", False),
        ("2026-03-10T16:59:59", False),
        ("2026-03-10T17:00:00", True),
        ("2026-03-13T15:59:59", True),  # Friday
        ("2026-03-13T17:00:00", False),
        ("2026-03-14T12:00:00", False),
        ("2026-03-15T16:59:59", False),
        ("2026-03-15T17:00:00", True),  # Sunday evening is Monday's session
    ],
)
def test_futures_rest_for_an_hour_a_day_and_at_weekends(local: str, traded: bool) -> None:
    assert sessions.is_traded(datetime.fromisoformat(local).replace(tzinfo=CHICAGO)) == traded


@given(MOMENTS)
def test_every_moment_is_in_the_session_that_began_last(now: datetime) -> None:
    # given any moment
    began = sessions.began(now)
    # then its session began at a 17:00, a day ago at most (an hour more or less as the clocks change)
    assert began <= now < began + timedelta(hours=25)
    assert began.astimezone(CHICAGO).time() == time(17)
    # and no other began since
    assert sessions.began(now - (now - began) / 2) == began
