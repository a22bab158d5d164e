"""How a stretch of activities is asked for without missing one: windows of whole days, and days of their own.

Alpaca gives 100 activities at a time, and its page tokens leave out activities of the same millisecond. So no token is
used. A window that comes back with fewer than 100 is complete, whatever its order; one that is full is asked again as a
shorter one, down to a single day; a full day is asked for by `date`, which has no limit. Empty years cost one request.

Days are those of UTC. Whether `date` means them or New York's is not documented, so the day before the first is asked
for too, and both together have to hold what the window held.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pydantic import ValidationError

from brokersync.brokers.alpaca.answers import read_rows
from brokersync.brokers.alpaca.client import PAGE_SIZE, AlpacaClient, raise_error
from brokersync.brokers.alpaca.models import When
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import Checkpoint, FetchStep, RawPage

_AIM: Final = 70  # activities that a window should bring: near the limit, and seldom over it
_MOST_WIDENING: Final = 4
_QUIET_DAYS: Final = 3  # after so many days that aren't full, windows are tried again: a weekend is no reason
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """What a page holds: how many rows, which ids, when its last one happened, and its newest until now."""

    count: int
    ids: frozenset[str]
    last: datetime | None
    newest: datetime | None


class History:
    """The activities since the start of a day, with a checkpoint after everything that is known to be complete.

    The cursor is the time of the newest activity that was served; what is dated after `now` (a dividend may be) doesn't
    move it.
    """

    def __init__(self, client: AlpacaClient, *, start: date, reached: datetime, now: datetime, first: bool) -> None:
        """`reached` is the cursor so far; `first` says that nothing of the account is known yet."""
        self._client = client
        self._start = start
        self._first = first
        self._today = now.astimezone(UTC).date()
        self._now = now
        self._reached = reached

    @property
    def cursor(self) -> str:
        """Where the feed stands."""
        return self._reached.isoformat()

    def steps(self) -> Iterator[FetchStep]:
        """Ask until today; pages are yielded before anybody looks into them."""
        day, width = self._start, max((self._today - self._start).days + 1, 1)
        while day <= self._today:
            end = day + timedelta(days=width)
            served = yield from self._ask(self._client.activities_between(day, end if end <= self._today else None))
            if served.count < PAGE_SIZE:
                yield self._checkpoint(day, end, served)
                day, width = end, _wider(width, served.count)
            elif width > 1:
                width = _narrower(day, width, served.last)
            else:
                day = yield from self._full_days(day, served)

    def _full_days(self, day: date, window: _Served) -> Generator[FetchStep, None, date]:
        """Days one by one, beginning with one whose window was full; returns the day from which to go on."""
        # Should days be New York's, the first hours of this one belong to the day before.
        served = yield from self._ask(self._client.activities_of(day - _DAY))
        missing = window.ids - served.ids
        quiet = 0
        while day <= self._today and quiet < _QUIET_DAYS:
            served = yield from self._ask(self._client.activities_of(day))
            missing -= served.ids
            if missing:
                raise BrokerChangedError(
                    f"activities: those of {day} lack {len(missing)} that Alpaca gave for the same hours before, "
                    f"such as {min(missing)[:60]}."
                )
            yield self._checkpoint(day, day + _DAY, served)
            quiet = 0 if served.count >= PAGE_SIZE else quiet + 1
            day += _DAY
        return day

    def _ask(self, page: RawPage) -> Generator[FetchStep, None, _Served]:
        yield page
        raise_error(page)
        return _served(page, self._now)

    def _checkpoint(self, day: date, end: date, served: _Served) -> Checkpoint:
        if served.newest is not None:
            self._reached = max(self._reached, served.newest)
        # An answer without trades is suspicious only if it is all there is: of several, one may well have none.
        alone = day == self._start and end > self._today
        return Checkpoint(
            cursor=self.cursor,
            covered_from=_midnight(day) if self._first or alone else None,
            covered_to=min(_midnight(end), self._now),
        )


def _served(page: RawPage, now: datetime) -> _Served:
    rows = read_rows(page)
    times = [moment for moment in map(_moment, rows) if moment is not None]
    return _Served(
        count=len(rows),
        ids=frozenset(_ids(rows)),
        last=times[-1] if times else None,
        newest=max((moment for moment in times if moment <= now), default=None),
    )


def _ids(rows: Iterable[object]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Mapping) and isinstance(row.get("id"), str):
            yield row["id"]


def _moment(row: object) -> datetime | None:
    """When an activity happened, or was written down where only its date is told; None for a row that doesn't say."""
    try:
        told = When.model_validate(row)
    except ValidationError:
        return None
    when = told.transaction_time or told.created_at or told.date
    return when.utc if when else None


def _wider(width: int, count: int) -> int:
    return max(1, min(width * _MOST_WIDENING, width * _AIM // max(count, 1)))


def _narrower(first: date, width: int, last: datetime | None) -> int:
    """A width that should fit: until the day in which a full page ended, and in any case less than it was."""
    reach = (last.date() - first).days if last else width
    return max(reach, 1) if reach < width else width // 2


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
