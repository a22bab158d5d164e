"""Which days to ask for next. Dates are days in New York; a window's both ends are included. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from brokersync.brokers.ibkr_flex.manifest import HISTORY, OVERLAP_DAYS, OVERVIEW, STATEMENT
from brokersync.brokers.ibkr_flex.values import ZONE, compact, from_compact

LONGEST: Final = timedelta(days=365)
OVERLAP: Final = timedelta(days=OVERLAP_DAYS)
EARLIEST: Final = date(2000, 1, 1)
"""Where a history begins for which neither plan nor accounts name a beginning."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days to ask for, and what for (the section of its page)."""

    first: date
    last: date
    section: str

    @classmethod
    def overview(cls, newest: date) -> Self:
        """The first look at a connection: the last days."""
        return cls(first=newest - OVERLAP, last=newest, section=OVERVIEW)

    @classmethod
    def after(cls, first: date, newest: date) -> Self:
        """The days from `first` on, as many as one statement can hold; it ends with a weekday."""
        first = min(first, newest)
        last = min(weekday_before(first + LONGEST), newest)
        return cls(first=first, last=last, section=STATEMENT if last == newest else HISTORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the ledger is complete: the last day that IBKR served; or, before any, where the history begins.

    As text: `20260925`, or `<20150312` (begins on 2015-03-12, nothing served yet), or nothing (never asked).
    """

    served: date | None = None
    begins: date | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor of a feed. Raises ValueError for a text that is none."""
        if not text:
            return cls()
        if text.startswith("<"):
            return cls(begins=from_compact(text[1:]))
        return cls(served=from_compact(text))

    def __str__(self) -> str:
        if self.served is not None:
            return compact(self.served)
        return f"<{compact(self.begins)}" if self.begins else ""

    def next_window(self, newest: date) -> Window:
        """What a sync asks for first. The last days are read again: IBKR corrects and books late."""
        if self.served is not None:
            return Window.after(self.served - OVERLAP, newest)
        if self.begins is not None:
            return Window.after(self.begins, newest)
        return Window.overview(newest)


def newest_day(now: datetime) -> date:
    """The newest day whose statement can exist at `now` (aware): the last weekday that is over in New York."""
    return weekday_before(now.astimezone(ZoneInfo(ZONE)).date())


def weekday_before(day: date) -> date:
    """The last Monday to Friday before a day."""
    day -= _DAY
    while day.weekday() >= 5:
        day -= _DAY
    return day


def history_begins(start: datetime | None, opened: date | None, newest: date) -> date:
    """Where a first load begins: at `start` (aware) or at the first account's opening, whichever is later."""
    days = [start.astimezone(ZoneInfo(ZONE)).date()] if start else []
    days += [opened] if opened else []
    return min(max(days, default=EARLIEST), newest)
