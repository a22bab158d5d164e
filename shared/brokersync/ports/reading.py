"""What the API reads and no run needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import StoredEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter:
    """Which trades: executed from `since` to before `until` (aware; None: no bound), of one symbol (empty: of all)."""

    since: datetime | None = None
    until: datetime | None = None
    symbol: str = ""


ALL_TRADES = TradeFilter()


class TradesReader(Protocol):
    """What the API reads of the trades table."""

    def newest(
        self, account_id: str, *, limit: int, before: str = "", only: TradeFilter = ALL_TRADES
    ) -> Sequence[StoredEntry]:
        """At most `limit` trades in their current version, newest first; with `before`, only under that time_key."""
        ...

    def oldest_first(self, account_id: str, only: TradeFilter = ALL_TRADES) -> Iterator[StoredEntry]:
        """All trades in their current version, read as they are asked for."""
        ...

    def versions(self, account_id: str, source_trade_id: str) -> Sequence[StoredEntry]:
        """All versions of a trade, the first one first; none of an unknown one."""
        ...


class RunsReader(Protocol):
    """What the API reads of the sync log."""

    def newest(self, feed_id: str, *, limit: int, before: str = "") -> Sequence[SyncRun]:
        """At most `limit` runs, newest first; with `before`, only run ids under it."""
        ...

    def get(self, feed_id: str, run_id: str) -> SyncRun | None:
        """One run of the feed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentPortfolio:
    """The newest of each section of an account; None for one that was never stored."""

    balance: Balance | None = None
    positions: PositionsSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnd:
    """The last balance of a day (UTC) of an account."""

    day: date
    balance: Balance


class PortfoliosReader(Protocol):
    """What the API reads of the portfolios table."""

    def current(self, account_id: str) -> CurrentPortfolio:
        """The newest balance and the newest positions, though a failed section left them in rows of different days."""
        ...

    def days(self, account_id: str, first: date, last: date) -> Sequence[DayEnd]:
        """The days from `first` through `last` on which a balance was stored, oldest first."""
        ...
