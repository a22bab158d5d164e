"""IBKR's days in the simulator: New York's wall clock, business days, and which day's statement is built."""

import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
BUILT_AT: Final = timedelta(hours=26)
"""After the midnight a day begins with: its statement is there from two in the next morning."""

_FIXED_HOLIDAYS: Final = frozenset({(1, 1), (6, 19), (7, 4), (12, 25)})
_DAY: Final = timedelta(days=1)


class SimulatedClock:
    """The time in the simulator: real time until it is set; then from there on, or frozen."""

    def __init__(self, now: datetime | None = None, *, frozen: bool = False) -> None:
        """`now` is aware; None for real time."""
        self._lock = threading.Lock()
        self._ahead = timedelta(0)
        self._fixed: datetime | None = None
        if now is not None:
            self.set(now, frozen=frozen)

    def now(self) -> datetime:
        """Aware UTC."""
        with self._lock:
            return self._fixed or datetime.fromtimestamp(time.time(), UTC) + self._ahead

    def set(self, now: datetime, *, frozen: bool) -> None:
        """Set it to an aware time; frozen, it stays there until it is set again."""
        with self._lock:
            self._fixed = now.astimezone(UTC) if frozen else None
            self._ahead = now - datetime.fromtimestamp(time.time(), UTC)

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._fixed is not None


def is_business_day(day: date) -> bool:
    """Monday to Friday, without the holidays that fall on the same date every year."""
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS


def business_day_before(day: date) -> date:
    """The last business day before a day."""
    day -= _DAY
    while not is_business_day(day):
        day -= _DAY
    return day


def business_day_after(day: date) -> date:
    """The first business day after a day."""
    day += _DAY
    while not is_business_day(day):
        day += _DAY
    return day


def business_days(first: date, last: date) -> list[date]:
    """The business days from `first` to `last`, both included."""
    return [day for day in (first + n * _DAY for n in range((last - first).days + 1)) if is_business_day(day)]


def built_through(now: datetime) -> date:
    """The newest business day whose statement is built at `now` (aware)."""
    local = now.astimezone(NEW_YORK).replace(tzinfo=None)
    return business_day_before((local - BUILT_AT).date() + _DAY)


def nanoseconds(wall_clock: datetime) -> int:
    """Nanoseconds since 1970, UTC, of a wall-clock time in New York."""
    return int(wall_clock.replace(tzinfo=NEW_YORK).timestamp()) * 1_000_000_000
