"""Alpaca's provider: what a sync asks for, and in which order."""

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from brokersync.brokers.alpaca import mapper
from brokersync.brokers.alpaca.answers import read_account, recognise
from brokersync.brokers.alpaca.client import AlpacaClient, raise_error
from brokersync.brokers.alpaca.history import History
from brokersync.brokers.alpaca.manifest import MANIFEST
from brokersync.brokers.alpaca.models import Account
from brokersync.brokers.exact_json import validated
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.ports.brokers import FetchContext

_MARGIN = timedelta(days=1)  # what happened on the day an account was made may be dated by another zone's day


class AlpacaProvider:
    """See ports.Provider. A feed is one account; its cursor is the time of the newest activity that was served."""

    @property
    def manifest(self) -> Manifest:
        """Alpaca's facts."""
        return MANIFEST

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """The account, its activities since the cursor's day less the overlap, then its positions.

        Each has a checkpoint of its own: what is stored stays stored when the next can't be had.
        """
        return _steps(context)

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What Alpaca's answers say; see mapper."""
        return mapper.normalise(pages, accounts)

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        """The one account that the keys open."""
        page = AlpacaClient(context).account()
        raise_error(page)
        account = _read(page)
        return [AccountInfo(broker_account_id=account.account_number, currency=account.currency)]

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved answer: an account, activities or positions, as a list or a single row.

        Such an answer doesn't say when it was given: it counts as received now.
        """
        answer = recognise(body, name)
        return RawPage(
            section=answer.section,
            method="GET",
            path=name,
            params={},
            status=200,
            received_at=datetime.now(UTC),
            body=body,
        )


def _steps(context: FetchContext) -> Iterator[FetchStep]:
    if len(context.accounts) != 1:
        raise ValueError(f"a feed of Alpaca is one account, not {len(context.accounts)}")
    client = AlpacaClient(context)
    account = _read((yield from _asked(client.account())))
    if account.account_number != context.accounts[0]:
        raise UserActionNeededError(
            ErrorCode.WRONG_ACCOUNT, "The API key opens another account than this one. Nothing of it was stored."
        )
    client.facts = mapper.facts_of(account)
    yield Checkpoint(cursor=context.cursor)
    start, reached = _begin(context, account)
    history = History(client, start=start, reached=reached, now=context.now, first=not context.cursor)
    yield from history.steps()
    yield from _asked(client.positions())
    yield Checkpoint(cursor=history.cursor, last=True)


def _asked(page: RawPage) -> Generator[FetchStep, None, RawPage]:
    yield page
    raise_error(page)
    return page


def _read(page: RawPage) -> Account:
    return validated(Account, read_account(page), page.section)


def _begin(context: FetchContext, account: Account) -> tuple[date, datetime]:
    """The UTC day from which to ask, and how far everything was served before."""
    if context.cursor:
        reached = datetime.fromisoformat(context.cursor)
        return (reached - MANIFEST.overlap).date(), reached
    start = account.created_at.utc - _MARGIN
    if context.history_start is not None:
        start = max(start, context.history_start.astimezone(UTC))
    return start.date(), start


provider = AlpacaProvider()
