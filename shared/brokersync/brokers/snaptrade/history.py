"""How an account's activities are asked for: windows of whole days, each read to its end before the next one.

Pages are counted by offset, from the newest on, in a list that SnapTrade renews once a day. So a window is believed
only if its total stayed the same from page to page and each of its activities came once; else it is read again, later.
How many activities a long window has is asked first, and a shorter one taken where a chunk should not hold them all.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from brokersync.brokers.exact_json import an_object, validated
from brokersync.brokers.snaptrade.answers import read
from brokersync.brokers.snaptrade.client import PAGE_SIZE, SnapTradeClient, asked
from brokersync.brokers.snaptrade.identity import Cursor
from brokersync.brokers.snaptrade.models import NEW_YORK, OptionalTime, Pagination
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import Checkpoint, FetchStep, RawPage
from brokersync.domain.times import BrokerTime, from_date

_MOST_ROWS: Final = 5 * PAGE_SIZE  # in a chunk
_SURE_DAYS: Final = 30  # so few are not counted before: a trader of the day may have more than a chunk in them
_DAY: Final = timedelta(days=1)
_TIME: Final = TypeAdapter(OptionalTime)


class ChangedError(Exception):
    """SnapTrade changed the list of activities while it was read."""


class PausedError(Exception):
    """A Personal key may ask only so often about one account: the rest, from `day` on, comes in a minute."""

    def __init__(self, day: date) -> None:
        super().__init__(day)
        self.day = day


@dataclass(slots=True)
class _Window:
    """What was read of some days."""

    total: int
    ids: set[str] = field(default_factory=set)
    rows: int = 0
    newest: datetime | None = None


class History:
    """The activities of an account from `start` on, with a checkpoint after each window."""

    def __init__(
        self, client: SnapTradeClient, cursor: Cursor, *, start: date, now: datetime, waterline: datetime | None
    ) -> None:
        """`waterline` is how far SnapTrade says it has loaded transactions."""
        self._client = client
        self.cursor = cursor
        self._start = start
        self._now = now
        self._today = now.astimezone(UTC).date()
        self._waterline = waterline

    def steps(self) -> Iterator[FetchStep]:
        """Ask until today. Raises ChangedError, PausedError, and what error answers mean."""
        first, width = self._start, (self._today - self._start).days + 1
        while first <= self._today:
            width = yield from self._that_fits(first, min(width, (self._today - first).days + 1))
            last = first + timedelta(days=width - 1)
            window = yield from self._window(first, last)
            yield self._checkpoint(first, last, window)
            first, width = last + _DAY, width * 2
            if first <= self._today and self._client.is_personal:
                raise PausedError(first)

    def _that_fits(self, first: date, width: int) -> Generator[FetchStep, None, int]:
        """How many days hold no more than a chunk should; a few weeks always do, near enough."""
        while width > _SURE_DAYS:
            last = first + timedelta(days=width - 1)
            total = _pagination((yield from asked(self._client.count(self.cursor.account_id, first, last)))).total
            if total <= _MOST_ROWS:
                break
            width = max(_SURE_DAYS, min(width // 2, width * _MOST_ROWS // (2 * total)))
        return width

    def _window(self, first: date, last: date) -> Generator[FetchStep, None, _Window]:
        """All activities of some days."""
        window = _Window(total=-1)
        while window.rows != window.total:
            page = yield from asked(self._client.activities(self.cursor.account_id, first, last, window.rows))
            told = self._add(window, page)
            if not told and window.rows < window.total:
                raise BrokerChangedError(
                    f"activities: SnapTrade tells {window.total} of {first} to {last}, and ends after {window.rows}."
                )
        return window

    def _add(self, window: _Window, page: RawPage) -> int:
        """Count a page in; returns how many rows it has. Raises ChangedError, BrokerChangedError."""
        told = _pagination(page)
        rows = read(page).rows
        if window.total not in (-1, told.total) or told.offset != window.rows:
            raise ChangedError
        window.total = told.total
        for row in rows:
            window.rows += 1
            if not isinstance(row, dict):
                continue
            name = str(row.get("id", f"row {window.rows}"))
            if name in window.ids:
                raise ChangedError
            window.ids.add(name)
            moment = _moment(row.get("trade_date"))
            if moment is not None and moment.utc <= self._now:
                window.newest = max(filter(None, (window.newest, moment.utc)))
        return len(rows)

    def _checkpoint(self, first: date, last: date, window: _Window) -> Checkpoint:
        if window.newest is not None:
            served = max(filter(None, (self.cursor.served, window.newest.date())))
            self.cursor = replace(self.cursor, served=served)
        # Days may be those of UTC or of New York: of the first and the last one, only what is in both is proven.
        start = from_date(first, first.isoformat(), NEW_YORK).utc
        end = datetime.combine(last + _DAY, time(), UTC)
        reached = min(end, self._now, self._waterline) if self._waterline else None
        proven = reached is not None and start < reached
        return Checkpoint(
            cursor=str(self.cursor),
            covered_from=start if proven else None,
            covered_to=reached if proven else None,
            waterline=self._waterline,
        )


def _pagination(page: RawPage) -> Pagination:
    told = read(page).top.get("pagination")
    return validated(Pagination, an_object(told, "pagination"), page.section)


def _moment(value: object) -> BrokerTime | None:
    """When an activity happened; None where that can't be read, which the mapper reports."""
    try:
        return _TIME.validate_python(value)
    except ValidationError:
        return None
