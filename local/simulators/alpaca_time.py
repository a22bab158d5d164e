"""Instants of the Alpaca simulator: aware UTC, the texts in which Alpaca writes them, and New York's days."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def rfc3339(moment: datetime) -> str:
    """2024-06-24T13:30:04.214535Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def id_time(moment: datetime) -> str:
    """The first part of an activity's id: New York's wall clock to the millisecond."""
    local = moment.astimezone(NEW_YORK)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


def new_york_day(moment: datetime) -> date:
    """The day that it is in New York."""
    return moment.astimezone(NEW_YORK).date()


def in_new_york(day: date, clock: time) -> datetime:
    """A wall-clock time of New York, in UTC."""
    return datetime.combine(day, clock, NEW_YORK).astimezone(UTC)


def parse(text: str, zone: ZoneInfo) -> datetime:
    """A time, or the start of a day in a zone. Raises ValueError."""
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text!r} is neither a day nor a time")
    return datetime.fromisoformat(text).astimezone(UTC)


def ns(moment: datetime) -> int:
    """Nanoseconds since 1970."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000
