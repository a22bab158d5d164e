"""What the API reads and no run needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import StoredEntry


class TradesReader(Protocol):
    """What the API reads of the trades table."""

    def newest(self, account_id: str, *, limit: int, before: str = "") -> Sequence[StoredEntry]:
        """At most `limit` trades in their current version, newest first; with `before`, only under that time_key."""
        ...


class RunsReader(Protocol):
    """What the API reads of the sync log."""

    def newest(self, feed_id: str, *, limit: int, before: str = "") -> Sequence[SyncRun]:
        """At most `limit` runs, newest first; with `before`, only run ids under it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentPortfolio:
    """The newest of each section of an account; None for one that was never stored."""

    balance: Balance | None = None
    positions: PositionsSection | None = None


class PortfoliosReader(Protocol):
    """What the API reads of the portfolios table."""

    def current(self, account_id: str) -> CurrentPortfolio:
        """The newest balance and the newest positions, though a failed section left them in rows of different days."""
        ...
