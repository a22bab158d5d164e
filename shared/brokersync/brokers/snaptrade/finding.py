"""Which of SnapTrade's accounts a feed is: the one that it was, or the same account under another connection."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from brokersync.brokers.exact_json import validated
from brokersync.brokers.snaptrade.answers import read, read_one
from brokersync.brokers.snaptrade.client import PopulatingError, SnapTradeClient, asked, raise_error
from brokersync.brokers.snaptrade.identity import is_of, numbers_of
from brokersync.brokers.snaptrade.mapper import wrong_account
from brokersync.brokers.snaptrade.models import Account, Connection
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from brokersync.domain.pages import FetchStep, RawPage

_Model = TypeVar("_Model", Account, Connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An account as its connection shows it now."""

    account: Account
    connection: Connection


def find(client: SnapTradeClient, number: str, account_id: str) -> Generator[FetchStep, None, Open]:
    """The account under a connection that works: the one we know, else another that shows the same account.

    Raises UserActionNeededError (consent_expired, wrong_account).
    """
    known = (yield from _opened(client, number, account_id)) if account_id else None
    if known is not None and not known.connection.disabled:
        return known
    # The trader may have connected the institution anew, which makes another account of it.
    shown = yield from listed(client)
    same = [one for one in shown if number in numbers_of(one.account, one.connection.brokerage.slug)]
    working = [one for one in same if not one.connection.disabled]
    if working:
        newest = max(working, key=lambda one: one.account.created_date or datetime.min.replace(tzinfo=UTC))
        opened = yield from _opened(client, number, newest.account.id)
        if opened is not None and not opened.connection.disabled:
            return opened
    if shown and not same and not account_id:
        raise UserActionNeededError(
            ErrorCode.WRONG_ACCOUNT, "This SnapTrade user has other accounts, but not this one. Nothing was stored."
        )
    raise _disconnected(known or next(iter(same), None))


def _opened(client: SnapTradeClient, number: str, account_id: str) -> Generator[FetchStep, None, Open | None]:
    """An account and its connection; None where SnapTrade doesn't have it any more."""
    page = client.account(account_id)
    yield page
    if page.status == 404:
        return None
    raise_error(page)
    account = validated(Account, read_one(page), page.section)
    if not is_of(account, number):
        raise wrong_account()
    page = yield from asked(client.connection(account.brokerage_authorization))
    return Open(account=account, connection=validated(Connection, read_one(page), page.section))


def listed(client: SnapTradeClient) -> Generator[FetchStep, None, Sequence[Open]]:
    """All accounts of the user with their connections.

    A listing names the trader's other accounts, so it is kept only where it can't be read.
    """
    connections: Mapping[str, Connection] = {
        one.id: one for one in (yield from _rows(client.connections(), Connection))
    }
    accounts = yield from _rows(client.accounts(), Account)
    return [
        Open(account=account, connection=connections[account.brokerage_authorization])
        for account in accounts
        if account.brokerage_authorization in connections
    ]


def _rows(page: RawPage, model: type[_Model]) -> Generator[FetchStep, None, Sequence[_Model]]:
    try:
        raise_error(page)
        return [validated(model, row, page.section) for row in read(page).rows]
    except (BrokerChangedError, UserActionNeededError, PopulatingError):
        yield page
        raise


def drained(steps: Generator[FetchStep, None, Sequence[Open]]) -> Sequence[Open]:
    """What a generator returns; its pages are not kept where an account is only listed."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return list(done.value)


def _disconnected(shown: Open | None) -> UserActionNeededError:
    if shown is None:
        return UserActionNeededError(
            ErrorCode.CONSENT_EXPIRED,
            "This SnapTrade user has no connection to the account any more: connect it again there, or enter the "
            "credentials of the user who has one.",
        )
    brokerage = shown.connection.brokerage
    since = f" since {shown.connection.disabled_date[:10]}" if shown.connection.disabled_date else ""
    return UserActionNeededError(
        ErrorCode.CONSENT_EXPIRED,
        f"SnapTrade's connection to {brokerage.display_name or brokerage.name or brokerage.slug} is disabled{since}, "
        "and what it answers is old: reconnect it on SnapTrade, then re-connect here.",
    )
