"""SnapTrade's provider: what a sync asks for, and in which order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from brokersync.brokers.snaptrade import mapper
from brokersync.brokers.snaptrade.answers import recognise
from brokersync.brokers.snaptrade.client import PopulatingError, SnapTradeClient, asked
from brokersync.brokers.snaptrade.finding import drained, find, listed
from brokersync.brokers.snaptrade.history import ChangedError, History, PausedError
from brokersync.brokers.snaptrade.identity import Cursor, numbers_of
from brokersync.brokers.snaptrade.manifest import MANIFEST
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, ComeBack, FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.ports.brokers import FetchContext

_WAITS: Final = "waits"
_FROM: Final = "from"
_DELAYS: Final = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=15))
_MOST_WAITS: Final = 16  # some three hours
_STALE: Final = timedelta(days=7)  # longer than any weekend with its holidays
_EARLIEST: Final = date(2000, 1, 1)


class SnapTradeProvider:
    """See ports.Provider. A feed is one account of an institution, whichever connection shows it; see identity."""

    @property
    def manifest(self) -> Manifest:
        """SnapTrade's facts."""
        return MANIFEST

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """The account and its connection, its activities since the cursor less the overlap, its balances and positions.

        A connection that is disabled, whose answers would be old ones, ends the fetch before any of them.
        """
        waits = int(context.state.get(_WAITS, "0"))
        try:
            yield from _steps(context)
        except PausedError as paused:
            yield ComeBack(
                at=context.now + timedelta(minutes=1),
                state={_FROM: paused.day.isoformat()},
                safe_message="There is more history to load.",
            )
        except ChangedError:
            yield _later(context, waits, "SnapTrade is renewing the account's history just now.")
        except PopulatingError:
            yield _later(context, waits, "SnapTrade is still loading the account's data.")

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What SnapTrade's answers say; see mapper."""
        return mapper.normalise(pages, accounts)

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        """All accounts of the user, each once though several connections show it."""
        found: dict[str, AccountInfo] = {}
        try:
            shown = drained(listed(SnapTradeClient(context)))
        except PopulatingError:
            raise RetryLaterError(ErrorCode.WORK_IN_PROGRESS, "SnapTrade is still loading the accounts.") from None
        for one in shown:
            number = numbers_of(one.account, one.connection.brokerage.slug)[0]
            found.setdefault(
                number,
                AccountInfo(
                    broker_account_id=number,
                    currency=one.account.balance.total.currency,
                    name=one.account.name,
                ),
            )
        return list(found.values())

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved answer: accounts, a connection, activities, balances or positions.

        Such an answer doesn't say when it was given: it counts as received now.
        """
        return RawPage(
            section=recognise(body, name).section,
            method="GET",
            path=name,
            params={},
            status=200,
            received_at=datetime.now(UTC),
            body=body,
        )


def _steps(context: FetchContext) -> Iterator[FetchStep]:
    if len(context.accounts) != 1:
        raise ValueError(f"a feed of SnapTrade is one account, not {len(context.accounts)}")
    number, client, cursor = context.accounts[0], SnapTradeClient(context), Cursor.parse(context.cursor)
    client.facts = {mapper.NUMBER: number}
    found = yield from find(client, number, cursor.account_id)
    client.facts = mapper.facts_of(number, found.account)
    cursor = replace(cursor, account_id=found.account.id)
    yield Checkpoint(cursor=context.cursor)
    loaded = found.account.sync_status.transactions
    if not loaded.initial_sync_completed:
        yield from _figures(client, cursor.account_id, reached=context.cursor)
        raise PopulatingError
    waterline = None
    if loaded.last_successful_sync is not None:
        waterline = datetime.combine(loaded.last_successful_sync + timedelta(days=1), time(), UTC)
    start = _start(context, cursor, loaded.first_transaction_date)
    history = History(client, cursor, start=start, now=context.now, waterline=waterline)
    yield from history.steps()
    yield from _figures(client, cursor.account_id, reached=str(history.cursor))
    if waterline is not None and context.now - waterline > _STALE:
        raise RetryLaterError(
            ErrorCode.BROKER_UNAVAILABLE,
            f"SnapTrade has loaded no transactions since {loaded.last_successful_sync}. What there was is stored.",
        )


def _figures(client: SnapTradeClient, account_id: str, *, reached: str) -> Iterator[FetchStep]:
    yield from asked(client.balances(account_id))
    yield from asked(client.positions(account_id))
    yield Checkpoint(cursor=reached, last=True)


def _start(context: FetchContext, cursor: Cursor, first_transaction: date | None) -> date:
    """The day from which to ask: where a pause was made, else the overlap before what was served."""
    if _FROM in context.state:
        return date.fromisoformat(context.state[_FROM])
    if cursor.served is not None:
        return cursor.served - MANIFEST.overlap
    start = (first_transaction or _EARLIEST) - timedelta(days=1)
    if context.history_start is not None:
        start = max(start, context.history_start.astimezone(UTC).date())
    return start


def _later(context: FetchContext, waits: int, message: str) -> ComeBack:
    """Come back, later each time. Raises RetryLaterError when that has been done often enough."""
    if waits >= _MOST_WAITS:
        raise RetryLaterError(ErrorCode.WORK_IN_PROGRESS, f"{message} It has been for hours.")
    delay = _DELAYS[min(waits, len(_DELAYS) - 1)]
    return ComeBack(at=context.now + delay, state={_WAITS: str(waits + 1)}, safe_message=message)


provider = SnapTradeProvider()
