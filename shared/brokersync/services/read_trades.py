"""An account's trades, newest first, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.trades import StoredEntry, time_key
from brokersync.ports.reading import ALL_TRADES, TradeFilter, TradesReader
from brokersync.services.own_accounts import OwnAccounts

MAX_ID_BYTES = 1_000  # a longer one can't be a key of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesPage:
    """Some trades; `next_before` is where the following page starts, empty at the end."""

    trades: Sequence[StoredEntry]
    next_before: str


class TradeNotFoundError(Exception):
    """The account has no such trade."""


class ReadTrades:
    """Reads trades: in their current version, or one of them in all."""

    def __init__(self, own: OwnAccounts, trades: TradesReader) -> None:
        self._own, self._trades = own, trades

    def run(
        self, user_id: str, account_id: str, only: TradeFilter = ALL_TRADES, *, limit: int, before: str = ""
    ) -> TradesPage:
        """At most `limit` trades of one account. Raises AccountNotFoundError."""
        account = self._own.account(user_id, account_id)
        one_more = limit + 1  # is there a next page?
        found = self._trades.newest(account.account_id, limit=one_more, before=before, only=only)
        page = found[:limit]
        return TradesPage(trades=page, next_before=time_key(page[-1].entry) if len(found) > limit else "")

    def versions(self, user_id: str, account_id: str, trade_id: str) -> Sequence[StoredEntry]:
        """All versions of one trade, the first one first (I9). Raises AccountNotFoundError and TradeNotFoundError."""
        account = self._own.account(user_id, account_id)
        if len(trade_id.encode()) > MAX_ID_BYTES:
            raise TradeNotFoundError(trade_id[:40])
        found = self._trades.versions(account.account_id, trade_id)
        if not found:
            raise TradeNotFoundError(trade_id)
        return found
