"""One run's talk with the Flex Web Service: ask for a statement, come back for it, go on with the next window.

No run waits for IBKR: between SendRequest and GetStatement, and between two polls, it ends with ComeBack.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from brokersync.brokers.ibkr_flex.answers import (
    Envelope,
    Served,
    describe,
    is_text_table,
    opened_on,
    read_envelope,
    served_days,
)
from brokersync.brokers.ibkr_flex.client import FlexClient
from brokersync.brokers.ibkr_flex.codes import Meaning, error_of, fact_of
from brokersync.brokers.ibkr_flex.manifest import GET_STATEMENT, HISTORY, OVERVIEW, SEND_REQUEST, STATEMENT, UNEXPECTED
from brokersync.brokers.ibkr_flex.pending import Pending
from brokersync.brokers.ibkr_flex.values import ZONE
from brokersync.brokers.ibkr_flex.windows import Cursor, Window, history_begins, newest_day, weekday_before
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, SyncError, UserActionNeededError
from brokersync.domain.pages import Checkpoint, ComeBack, FetchStep, RawPage
from brokersync.domain.times import from_date
from brokersync.ports.brokers import FetchContext

FIRST_POLL: Final = timedelta(seconds=5)
NEXT_POLL: Final = timedelta(seconds=10)
MAX_POLLS: Final = 12
MAX_RENEWALS: Final = 2
REFUSAL_WAITS: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=14))
"""A query made minutes ago is not validated at first; after these waits (none longer than a queue can hold a message
back) the set-up is wrong."""


@dataclass(frozen=True, slots=True)
class _Next:
    """What to ask next (None: nothing more), and how long to wait before (None: not at all)."""

    pending: Pending | None
    wait: timedelta | None = None
    message: str = "IBKR is preparing the statement."


class Conversation:
    """One run. Made for one FetchContext, iterated once."""

    def __init__(self, context: FetchContext) -> None:
        """Raises UserActionNeededError when the credentials are incomplete."""
        self._client = FlexClient(context)
        self._context = context
        self._now = context.now
        self._newest = newest_day(context.now)
        self._cursor = Cursor.read(context.cursor)

    def steps(self) -> Iterator[FetchStep]:
        """Pages, checkpoints, and ComeBack at the end unless everything was served."""
        first = Pending.read(self._context.state) or self._next_window()
        following = _Next(first)
        while following.pending is not None:
            pending = following.pending
            try:
                following = yield from self._fetch(pending) if pending.reference else self._send(pending)
            except RetryLaterError as error:
                if pending == first or error.code is not ErrorCode.RATE_LIMITED or error.not_before is None:
                    raise
                # A run that waits for a limit is done again from its first state, unless it tells what it has reached.
                following = _Next(pending, error.not_before - self._now, error.safe_message)
            if following.pending is not None and following.wait is not None:
                # So that the envelopes of this run count as seen: the next ones, equal to them, are not stored anew.
                yield Checkpoint(cursor=str(self._cursor), last=True)
                yield ComeBack(
                    at=self._now + following.wait, state=following.pending.state(), safe_message=following.message
                )
                return

    # --- the two requests -------------------------------------------------------------------------------------------

    def _send(self, pending: Pending) -> Generator[FetchStep, None, _Next]:
        page = self._client.send_request(pending.window)
        yield self._seen(page)
        envelope = read_envelope(page.body)
        if page.section != SEND_REQUEST or envelope is None:
            raise _unexpected(page)
        if envelope.reference:
            return _Next(pending.referred(envelope.reference, envelope.url), FIRST_POLL)
        return self._go_on(pending, envelope)

    def _fetch(self, pending: Pending) -> Generator[FetchStep, None, _Next]:
        documented = self._client.statement_url
        url = pending.url if pending.by_url else documented
        page = self._client.get_statement(url, pending.reference, pending.window.section)
        yield self._seen(page)
        if page.section == UNEXPECTED:
            if pending.by_url or pending.url == documented or not self._client.trusts(pending.url):
                raise _unexpected(page)
            return _Next(replace(pending, by_url=True))  # for some accounts only the address that IBKR names answers
        if page.section == GET_STATEMENT:
            return self._go_on(pending, read_envelope(page.body) or Envelope())
        return (yield from self._serve(pending, page))

    def _seen(self, page: RawPage) -> RawPage:
        self._now = page.received_at
        return page

    def _go_on(self, pending: Pending, envelope: Envelope) -> _Next:
        """What follows from an error answer. Raises the SyncError that it means when nothing does."""
        fact = fact_of(envelope)
        match fact.meaning:
            case Meaning.PREPARING if pending.polls + 1 < MAX_POLLS:
                return _Next(pending.polled(), NEXT_POLL)
            case Meaning.UNKNOWN_REFERENCE if pending.renewals < MAX_RENEWALS:
                return _Next(pending.renewed())
            case Meaning.NOT_VALIDATED if pending.refusals < len(REFUSAL_WAITS):
                return _Next(pending.refused(), REFUSAL_WAITS[pending.refusals], fact.message)
            case Meaning.NOT_AVAILABLE:
                return self._without(pending, error_of(envelope, self._now))
            case _:
                raise error_of(envelope, self._now)

    # --- windows ----------------------------------------------------------------------------------------------------

    def _next_window(self) -> Pending:
        return Pending.of(self._cursor.next_window(self._newest))

    def _without(self, pending: Pending, error: SyncError) -> _Next:
        """IBKR has no statement for a window: try a day less; before the accounts' opening, the next window."""
        earlier = pending.stepped_back()
        if earlier is not None:
            return _Next(earlier)
        if pending.window.section == HISTORY and self._cursor.served is None:
            # Through ComeBack, not at once: so no window that is known to be empty is ever asked for again.
            following = Window.after(pending.ends + timedelta(days=1), self._newest)
            return _Next(Pending.of(following), FIRST_POLL)
        raise error

    def _serve(self, pending: Pending, page: RawPage) -> Generator[FetchStep, None, _Next]:
        """Move the cursor to what the statement served, and decide what is still owed."""
        window, served = pending.window, served_days(page.body)
        if served is None:
            if window.section == HISTORY:
                return self._without(pending, _unexpected(page))
            yield Checkpoint(cursor=str(self._cursor))  # its normalisation says best what is wrong with it
            raise _unexpected(page)
        if window.section == OVERVIEW:
            opened = opened_on(page.body)
            self._cursor = Cursor(begins=history_begins(self._context.history_start, opened, self._newest))
            yield Checkpoint(cursor=str(self._cursor))
            return _Next(self._next_window())
        before = self._cursor.served
        _refuse_other_days(window, served, before)
        last = min(served.last, window.last)
        self._cursor = Cursor(served=max(last, before or last))
        yield Checkpoint(
            cursor=str(self._cursor),
            covered_from=_midnight(max(window.first, served.first)),
            covered_to=_midnight(last + timedelta(days=1)),
            last=window.section == STATEMENT,
        )
        return _Next(self._next_window() if window.section == HISTORY else None)


def _refuse_other_days(window: Window, served: Served, before: date | None) -> None:
    """A statement of other days than asked for would leave a hole in what the cursor says is complete."""
    begins_late = before is not None and weekday_before(served.first) > before
    stands_still = window.section == HISTORY and before is not None and served.last <= before
    if begins_late or stands_still or served.last < window.first:
        raise BrokerChangedError(
            "IBKR served a statement of other days than we asked for.",
            detail=f"asked for {window.first} to {window.last}, got {served.first} to {served.last}; "
            f"served before: {before or 'nothing'}",
        )


def _midnight(day: date) -> datetime:
    return from_date(day, day.isoformat(), ZONE).utc


def _unexpected(page: RawPage) -> SyncError:
    if page.status == 200 and is_text_table(page.body):
        return UserActionNeededError(
            ErrorCode.SETUP_INCOMPLETE, "The Flex query's format is not XML: edit the query and choose XML."
        )
    return BrokerChangedError(
        f"IBKR's answer to {page.path} is not what its protocol says.",
        detail=f"{page.path}: HTTP {page.status}, {len(page.body)} bytes, {describe(page.body)}",
    )
