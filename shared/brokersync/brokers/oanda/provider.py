"""OANDA's provider: what a sync asks for, and in which order.

The ids of an account's transactions have no gaps. So the summary's `lastTransactionID` says whether there is anything
new, and counting proves that everything new has come: no overlap is read again, and a flat account in which nothing
happened costs one request.
"""

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime

from brokersync.brokers.exact_json import validated
from brokersync.brokers.oanda import mapper
from brokersync.brokers.oanda.answers import Kind, expect, recognise
from brokersync.brokers.oanda.client import OandaClient, raise_error
from brokersync.brokers.oanda.completeness import Served, read_ranges, read_served, read_summary
from brokersync.brokers.oanda.manifest import MANIFEST
from brokersync.brokers.oanda.models import AccountsAnswer, SummaryAnswer
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.ports.brokers import FetchContext

NOTHING_YET = ("", "0")  # cursors of an account of which nothing was loaded, or which had no transaction yet


class OandaProvider:
    """See ports.Provider. A feed is one account; its cursor is the id of the last transaction that was served."""

    @property
    def manifest(self) -> Manifest:
        """OANDA's facts."""
        return MANIFEST

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """Summary, then what is new since the cursor, then the open Trades if there are any.

        Trades that are stored stay stored when the open Trades can't be had.
        """
        return _Fetch(context).steps()

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What OANDA's answers say; see mapper."""
        return mapper.normalise(pages, accounts)

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        """The token's accounts, with the currency and name that their summaries give."""
        page = OandaClient(context).accounts()
        raise_error(page)
        listed = validated(AccountsAnswer, expect(page, Kind.ACCOUNTS).document, "accounts")
        return [_info(OandaClient(context, ref.id)) for ref in listed.accounts]

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved answer of any endpoint about an account, bare or wrapped with its request.

        Such an answer doesn't say when it was given: it counts as received now.
        """
        answer = recognise(body, name)
        return RawPage(
            section=answer.kind,
            method="GET",
            path=answer.url,
            params=answer.params,
            status=200,
            received_at=datetime.now(UTC),
            body=body,
        )


class _Fetch:
    """One fetch. Every page is yielded before anybody looks into it."""

    def __init__(self, context: FetchContext) -> None:
        if len(context.accounts) != 1:
            raise ValueError(f"a feed of OANDA is one account, not {len(context.accounts)}")
        self._context = context
        self._account = context.accounts[0]
        self._client = OandaClient(context, self._account)
        self._reached = 0 if context.cursor in NOTHING_YET else int(context.cursor)  # served through this id

    def steps(self) -> Iterator[FetchStep]:
        summary = yield from self._summary()
        if self._reached > summary.last_transaction_id:
            summary = yield from self._summary_after_all()
        self._client.facts = {mapper.CURRENCY: summary.account.currency}
        newest = summary.last_transaction_id
        if self._reached == 0 and newest > 0:
            newest = yield from self._first_load(newest)
        yield from self._since(newest)
        # A count of 0 proves that the account is flat, unless something happened after it was counted.
        if summary.account.open_trade_count or self._reached > summary.last_transaction_id:
            yield from self._asked(self._client.open_trades())
        yield Checkpoint(cursor=str(self._reached), covered_to=self._context.now, last=True)

    def _asked(self, page: RawPage) -> Generator[FetchStep, None, RawPage]:
        yield page
        raise_error(page)
        return page

    def _summary(self) -> Generator[FetchStep, None, SummaryAnswer]:
        page = yield from self._asked(self._client.summary())
        summary = read_summary(page)
        if summary.account.id != self._account:
            raise UserActionNeededError(
                ErrorCode.WRONG_ACCOUNT, "OANDA answered with another account's summary. Nothing of it was stored."
            )
        return summary

    def _summary_after_all(self) -> Generator[FetchStep, None, SummaryAnswer]:
        """Ask again when the newest transaction is older than what was served before.

        Ids only grow, so this is either an answer from before our last look, which asking again mends, or an account
        with another history under the same number (one that was reset, or another environment): then continuing would
        mix two accounts, and only the trader can say which one is meant.
        """
        summary = yield from self._summary()
        if self._reached > summary.last_transaction_id:
            raise UserActionNeededError(
                ErrorCode.WRONG_ACCOUNT,
                "The account at OANDA has fewer transactions than we have stored: it is another one than before.",
                detail=f"cursor {self._reached} is above lastTransactionID {summary.last_transaction_id}, asked twice",
            )
        return summary

    def _first_load(self, newest: int) -> Generator[FetchStep, None, int]:
        """All transactions since the history starts, in ranges of ids; returns the newest id that is known of.

        Where this is cut short, the next run goes on from its cursor like any other: what follows an id is the same
        whether it is asked for by range or as news.
        """
        start = self._context.history_start
        page = yield from self._asked(self._client.transaction_pages(_rfc3339(start) if start else ""))
        found = read_ranges(page, whole=start is None)
        covered_from = start or found.start
        for first, last in found.ranges:
            page = yield from self._asked(self._client.id_range(first, last))
            served = read_served(page, first, last)
            yield self._checkpoint(served, covered_from)
        if not found.ranges:
            self._reached = found.newest_id  # nothing has happened since the history starts
            yield Checkpoint(cursor=str(self._reached), covered_from=covered_from)
        return max(newest, found.newest_id)

    def _since(self, newest: int) -> Iterator[FetchStep]:
        """What follows the cursor, page by page, until the newest transaction is served (some may come meanwhile)."""
        while self._reached < newest:
            page = yield from self._asked(self._client.since(self._reached))
            served = read_served(page, self._reached + 1)
            newest = max(newest, served.newest_id)
            yield self._checkpoint(served, None)

    def _checkpoint(self, served: Served, covered_from: datetime | None) -> Checkpoint:
        self._reached = served.last_id
        return Checkpoint(cursor=str(self._reached), covered_from=covered_from, covered_to=served.last_at)


def _info(client: OandaClient) -> AccountInfo:
    page = client.summary()
    raise_error(page)
    account = read_summary(page).account
    return AccountInfo(broker_account_id=account.id, currency=account.currency, name=account.alias)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


provider = OandaProvider()
