"""Instants of the Tradovate simulator: aware UTC, cut to milliseconds, and Chicago's trade dates."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CHICAGO = ZoneInfo("America/Chicago")
ROLL = time(17)


def trade_date(moment: datetime) -> date:
    """The day that a trade of this moment belongs to: from 17:00 in Chicago on the next one, after Friday's Monday."""
    day = session_date(moment)
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))


def session_date(moment: datetime) -> date:
    """The day in whose lists something of this moment is told: a new one every 17:00 in Chicago."""
    local = moment.astimezone(CHICAGO)
    return local.date() + timedelta(days=1) if local.time() >= ROLL else local.date()


def session_start(moment: datetime) -> datetime:
    """When the lists began that are told at this moment, in UTC."""
    return datetime.combine(session_date(moment) - timedelta(days=1), ROLL, CHICAGO).astimezone(UTC)


def to_ms(moment: datetime) -> datetime:
    """As Tradovate keeps it: to the millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """2022-10-25T19:31:02.965Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
