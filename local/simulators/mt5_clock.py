"""A trade server's wall clock, reckoned by the rules of the United States' daylight saving, or a fixed offset."""

from datetime import UTC, datetime, timedelta
from typing import Final

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
DAY: Final = 86_400 * SECOND
NEW_YORK_PLUS_7: Final = "America/New_York+7"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def offset_minutes(rule: str, ns: int) -> int:
    """How far the server's clock is ahead of UTC: `America/New_York+7` or a fixed `+03:00`. Raises ValueError."""
    if rule == NEW_YORK_PLUS_7:
        return 180 if _is_summer(_EPOCH + timedelta(microseconds=ns // 1000)) else 120
    sign, hours, minutes = rule[:1], rule[1:3], rule[4:6]
    if sign not in "+-" or len(rule) != 6 or rule[3] != ":":
        raise ValueError(f"{rule!r} is neither {NEW_YORK_PLUS_7} nor an offset such as +03:00")
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def wall_ms(rule: str, ns: int) -> int:
    """What the server's clock shows, as MetaTrader writes it: milliseconds since 1970 of a clock without zone."""
    return (ns + offset_minutes(rule, ns) * MINUTE) // MILLISECOND


def when_open(ns: int) -> int:
    """This instant, or where the markets are closed (Friday to Sunday, 22:00 UTC) the one of their opening."""
    moment = _EPOCH + timedelta(microseconds=ns // 1000)
    opens = (moment - timedelta(days=(moment.weekday() + 1) % 7)).replace(hour=22, minute=0, second=0, microsecond=0)
    closes = opens - timedelta(days=2)
    if moment.weekday() in (4, 5):  # the Sunday that comes
        opens, closes = opens + timedelta(days=7), closes + timedelta(days=7)
    return (opens - _EPOCH) // timedelta(milliseconds=1) * MILLISECOND if closes <= moment < opens else ns


def _is_summer(moment: datetime) -> bool:
    """From 2:00 on the second Sunday of March to 2:00 on the first Sunday of November, in New York."""
    begins = _sunday(moment.year, 3, 2) + timedelta(hours=7)
    ends = _sunday(moment.year, 11, 1) + timedelta(hours=6)
    return begins <= moment < ends


def _sunday(year: int, month: int, which: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (which - 1))
