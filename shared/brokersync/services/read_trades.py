"""An account's trades, newest first, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.trades import StoredEntry, time_key
from brokersync.ports.reading import TradesReader
from brokersync.services.own_accounts import OwnAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesPage:
    """Some trades; `next_before` is where the following page starts, empty at the end."""

    trades: Sequence[StoredEntry]
    next_before: str


class ReadTrades:
    """Reads trades in their current version."""

    def __init__(self, own: OwnAccounts, trades: TradesReader) -> None:
        self._own, self._trades = own, trades

    def run(self, user_id: str, account_id: str, *, limit: int, before: str = "") -> TradesPage:
        """At most `limit` trades of one account. Raises AccountNotFoundError."""
        account = self._own.account(user_id, account_id)
        found = self._trades.newest(account.account_id, limit=limit + 1, before=before)  # one more: is there a next?
        page = found[:limit]
        return TradesPage(trades=page, next_before=time_key(page[-1].entry) if len(found) > limit else "")
