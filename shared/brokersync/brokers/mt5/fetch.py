"""One fetch of one account. Every page is yielded before anybody looks into it.

A terminal has one login at a time, and answers may not say whose they are. So the account's info comes first and last,
and nothing counts before the last one has named the same account.
"""

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from brokersync.brokers.exact_json import validated
from brokersync.brokers.mt5 import mapper
from brokersync.brokers.mt5.addresses import Resolve
from brokersync.brokers.mt5.answers import Answer
from brokersync.brokers.mt5.client import BridgeClient
from brokersync.brokers.mt5.completeness import (
    DAY,
    DOUBTED_FOR,
    LONGEST_WINDOW,
    SECOND,
    Cursor,
    Tally,
    explains,
    overlapping,
)
from brokersync.brokers.mt5.models import Deal, Info, Position
from brokersync.domain.errors import BrokerChangedError, ErrorCode, NeedsReviewError, UserActionNeededError
from brokersync.domain.pages import Checkpoint, FetchStep, RawPage
from brokersync.ports.brokers import FetchContext

FIRST_WINDOW: Final = 32 * DAY
"""The time that a load asks for first; a year where little is new."""
_FEW, _MANY = 2_000, 10_000  # deals in an answer: below, the next window is twice as long; above, half
_WINDOWS_PER_CHECKPOINT = 5
_TRIES = 2  # asking makes a terminal load its history, and a trade may happen between two answers


class Fetch:
    """The steps of one fetch."""

    def __init__(self, context: FetchContext, resolving: Resolve) -> None:
        if len(context.accounts) != 1:
            raise ValueError(f"a feed of an MT5 bridge is one account, not {len(context.accounts)}")
        self._context = context
        self._login = context.accounts[0]
        self._client = BridgeClient(context, self._login, resolving=resolving)
        self._clock = self._client.settings.clock
        # A server that is ahead of us, or a bridge whose clock is, would cut off the newest deals.
        self._to = self._clock.wall_ms(context.now) // SECOND * SECOND + DAY
        self._cursor = self._begin(context)
        self._tally = Tally(self._cursor)
        # Of a load that goes on, the beginning was told; what is read again once more proves nothing by being empty.
        goes_on = bool(context.cursor) and self._cursor.loading
        self._covered_from = None if goes_on else self._clock.instant(self._cursor.start).utc
        self._balances: list[Decimal] = []
        self._seen = self._cursor.seen
        self._saw_positions = False

    def steps(self) -> Iterator[FetchStep]:
        """Pages and checkpoints, to the end of what there is."""
        info = yield from self._info()
        start = yield from self._earlier_windows()
        yield from self._last_window(start, info.currency_digits)

    def _begin(self, context: FetchContext) -> Cursor:
        """Where to read from: a first load, on from the cursor, or all once more after a day in doubt."""
        history_start = self._clock.wall_ms(context.history_start) if context.history_start else None
        if not context.cursor:
            return Cursor.first(history_start)
        cursor = Cursor.read(context.cursor)
        if cursor.doubted_since is None or context.now - cursor.doubted_since < DOUBTED_FOR:
            return cursor
        return Cursor.first(history_start).model_copy(update={"opening": None, "seen": cursor.seen, "at": cursor.at})

    # --- windows ----------------------------------------------------------------------------------------------------

    def _earlier_windows(self) -> Generator[FetchStep, None, int]:
        """Everything but the last window, with a checkpoint now and then; returns where the last one starts."""
        start, asked, stored = self._cursor.start, 0, 0
        length = FIRST_WINDOW if self._cursor.loading else LONGEST_WINDOW
        while start + length < self._to - DAY:  # none but the last one reaches into the future
            deals = yield from self._window(start, start + length)
            start, asked = start + length, asked + 1
            if len(deals) < _FEW:
                length = min(length * 2, LONGEST_WINDOW)
            elif len(deals) > _MANY:
                length = max(length // 2 // SECOND * SECOND, DAY)
            if asked == _WINDOWS_PER_CHECKPOINT or len(self._tally) - stored >= _FEW:
                yield from self._info()
                yield self._checkpoint_at(start)
                asked, stored = 0, len(self._tally)
        return start

    def _window(self, start: int, end: int) -> Generator[FetchStep, None, Sequence[Deal | None]]:
        """The deals of a window. Raises NeedsReviewError when deals that were served before are not among them."""
        for _ in range(_TRIES):
            page = self._client.history(start, end)
            deals = _deals(self._own((yield from self._asked(page))))
            self._tally.add(deals)
            self._look_at_clock([deal.wall_ms for deal in deals if deal], page.received_at)
            lost = self._cursor.served - self._tally.count(self._cursor.reached)
            if start > self._cursor.start or lost <= 0:
                return deals
        yield from self._info()  # another login's deals would be missed, too
        accepted = self._context.accepted_through
        if accepted is not None and self._clock.wall_ms(accepted) >= self._cursor.reached:
            return deals
        raise NeedsReviewError(
            ErrorCode.EMPTY_WHERE_HISTORY,
            "The terminal tells fewer deals than before, for days of which we hold some. Nothing was changed.",
            detail=f"{lost} of {self._cursor.served} deals are missing, asked twice",
        )

    def _last_window(self, start: int, digits: int) -> Iterator[FetchStep]:
        """The deals until now, the positions, and whether the balance is what the deals add up to."""
        due: Decimal | None = None
        doubted = False
        for attempt in range(_TRIES):
            yield from self._window(start, self._to)
            if attempt == 0:
                yield from self._positions()
            due = self._due(digits)
            yield from self._info(due)
            doubted = due is not None and not explains(due, self._balances, digits)
            if not doubted:
                break
        yield Checkpoint(
            cursor=self._settled(proven=due is not None and not doubted).text,
            covered_from=self._covered_from,
            covered_to=self._context.now,
            last=not doubted,
        )
        if doubted:
            # The page of the last info says so too, and keeps the cursor where it is: history is missing.
            since = self._cursor.doubted_since or self._context.now
            doubt = self._cursor.model_copy(update={"doubted_since": since})
            yield Checkpoint(cursor=doubt.text, last=True, stays=True)

    def _due(self, digits: int) -> Decimal | None:
        """What the balance has to be by the deals; None when what it was before them isn't known.

        That is so, too, when deals came late that explain nothing: they were missing when it was reckoned.
        """
        due, cursor = self._tally.balance(), self._cursor
        settled = not cursor.loading and cursor.doubted_since is None
        late = settled and self._tally.count(cursor.reached) > cursor.served
        return None if due is None or (late and not explains(due, self._balances, digits)) else due

    # --- cursors ----------------------------------------------------------------------------------------------------

    def _checkpoint_at(self, end: int) -> Checkpoint:
        """In the middle of a load: the next run goes on here."""
        self._tally.move_to(overlapping(end))
        cursor = Cursor(
            start=self._tally.start,
            opening=self._tally.opening,
            served=self._tally.count(self._tally.reached),
            reached=self._tally.reached,
            loading=self._cursor.loading,
            seen=self._cursor.seen,
            at=self._cursor.at,
        )
        covered_from, self._covered_from = self._covered_from, None
        return Checkpoint(cursor=cursor.text, covered_from=covered_from, covered_to=self._clock.instant(end).utc)

    def _settled(self, *, proven: bool) -> Cursor:
        """At the end: all but the overlap is summed up in what the balance was before it."""
        reached = self._tally.reached
        before, after = self._balances[-2:]
        if before == after:
            self._tally.close(after)
        elif not proven:
            self._tally.close(None)  # something was booked meanwhile: nobody knows which balance fits the deals
        # In an account where nothing ever happened, a year back is as good as the beginning.
        self._tally.move_to(overlapping(reached) if reached else self._to - LONGEST_WINDOW)
        # What is not seen now can only happen later, once both deals and positions were looked at.
        newer = self._saw_positions and self._seen > self._cursor.seen
        return Cursor(
            start=self._tally.start,
            opening=self._tally.opening,
            served=self._tally.count(reached),
            reached=reached,
            seen=self._seen if newer else self._cursor.seen,
            at=self._context.now if newer else self._cursor.at,
        )

    # --- answers ----------------------------------------------------------------------------------------------------

    def _asked(self, page: RawPage) -> Generator[FetchStep, None, Answer]:
        yield page
        return self._client.read(page)

    def _own(self, answer: Answer) -> Answer:
        """An answer that names no account, or the right one."""
        _logged_in(answer.login)
        mapper.permitted(answer.login, (self._login,))
        return answer

    def _info(self, due: Decimal | None = None) -> Generator[FetchStep, None, Info]:
        """The account's figures, which other pages need. `due` is what the balance should be by the deals."""
        page = self._client.info({} if due is None else {mapper.DEALS_BALANCE: format(due, "f")})
        answer = yield from self._asked(page)
        _logged_in(str(answer.info.get("login", "")))
        info = validated(Info, self._own(answer).info, page.section)
        mapper.permitted(info.login, (self._login,))
        if info.broker_utc_offset_seconds and not self._clock.is_utc:
            raise _wrong_zone("the bridge converts its times to UTC itself: enter UTC")
        self._balances.append(info.balance)
        self._client.facts = {
            mapper.LOGIN: info.login,
            mapper.CURRENCY: info.currency,
            mapper.MARGIN_MODE: str(info.margin_mode),
            mapper.SERVER_ZONE: self._clock.rule,
        }
        return info

    def _positions(self) -> Iterator[FetchStep]:
        """The open positions. An error that the bridge tells of them alone leaves the trades to be stored."""
        page = self._client.positions()
        try:
            answer = self._own((yield from self._asked(page)))
        except BrokerChangedError:
            return
        # Positions are never loaded late: one that changed since we looked last did so after that.
        touched = [position.touched_ms for row in answer.rows if (position := _position(row))]
        newer = [at for at in touched if at > self._cursor.seen]
        self._look_at_clock(newer, page.received_at, not_before=self._cursor.at)
        self._saw_positions = True

    def _look_at_clock(self, times: Sequence[int], now: datetime, *, not_before: datetime | None = None) -> None:
        """Raises UserActionNeededError (setup_incomplete) when times can't be by the zone that was set."""
        if not times:
            return
        newest = max(times)
        if problem := self._clock.contradiction(newest, now, not_before=not_before):
            raise _wrong_zone(problem)
        self._seen = max(self._seen, newest)


def _deals(answer: Answer) -> Sequence[Deal | None]:
    """The deals of an answer; None for a row that the mapper will report."""
    read: list[Deal | None] = []
    for row in answer.rows:
        try:
            read.append(Deal.model_validate(row))
        except ValidationError:
            read.append(None)
    return read


def _position(row: object) -> Position | None:
    try:
        return Position.model_validate(row)
    except ValidationError:
        return None


def _logged_in(login: str) -> None:
    if login == "0":
        raise UserActionNeededError(
            ErrorCode.SETUP_INCOMPLETE, "The terminal behind the bridge is not logged in to any account: log it in."
        )


def _wrong_zone(problem: str) -> UserActionNeededError:
    return UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, f"Trade server's time zone (server_zone): {problem}.")
