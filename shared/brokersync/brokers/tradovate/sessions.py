"""Which session Tradovate's lists hold at a moment. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from brokersync.brokers.tradovate.manifest import SESSION

_CHICAGO: Final = ZoneInfo(SESSION.zone)


def began(now: datetime) -> datetime:
    """When the session that is listed at `now` began, in UTC: the last 17:00 in Chicago. `now` is aware."""
    local = now.astimezone(_CHICAGO)
    day = local.date() if local.time() >= SESSION.rolls else local.date() - timedelta(days=1)
    return datetime.combine(day, SESSION.rolls, _CHICAGO).astimezone(UTC)


def is_traded(now: datetime) -> bool:
    """Whether the session is open at `now`. Else Tradovate may be archiving it, and an empty list proves nothing."""
    local = now.astimezone(_CHICAGO)
    if local.time() >= SESSION.rolls:  # the evening belongs to the next day's session
        return (local.date() + timedelta(days=1)).weekday() in SESSION.weekdays
    return local.time() < SESSION.closes and local.weekday() in SESSION.weekdays
