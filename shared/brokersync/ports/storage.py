"""What a run stores: entries, portfolios, run rows and raw answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from brokersync.domain.feeds import Lease
from brokersync.domain.known import KnownFilter
from brokersync.domain.pages import RawPage
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import LedgerEntry, Origin, StoredEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry to insert under its account. `reason` is why there is one, where that is not plain."""

    account_id: str
    entry: LedgerEntry
    content_hash: str
    origin: Origin
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserted:
    """What an insertion found: how many were new, which ids were there already, and with which content."""

    inserted: int
    existing: Sequence[tuple[NewEntry, StoredEntry]] = ()


class Ledger(Protocol):
    """Trades and cash events. The conditional insert is the only truth about what is stored (I2)."""

    def insert(self, lease: Lease, entries: Sequence[NewEntry], cursor: str | None) -> Inserted:
        """Insert what isn't there, in transactions under the lease's epoch that also count the feed's `news`.

        With a cursor, the last transaction moves it, unless an entry exists with another content. Raises
        LeaseLostError.
        """
        ...

    def get(self, account_id: str, entry: LedgerEntry) -> StoredEntry | None:
        """What is stored under the entry's id."""
        ...

    def get_trade(self, account_id: str, source_trade_id: str) -> StoredEntry | None:
        """The execution stored under this id."""
        ...

    def latest_trade(self, account_id: str, until: datetime) -> StoredEntry | None:
        """The newest execution of the account that was executed before `until` (aware UTC)."""
        ...

    def between(self, account_id: str, start: datetime, end: datetime) -> Sequence[StoredEntry]:
        """Executions and cash events from `start` to before `end`, current versions, oldest first of each kind.

        One that was written in the last moments may be missing.
        """
        ...

    def put_aliases(self, lease: Lease, entries: Sequence[StoredEntry]) -> None:
        """Keep the aliases of entries, in transactions under the epoch: no version and no news come of it.

        Raises LeaseLostError; ConflictError when one has got another version since it was read.
        """
        ...

    def with_trade_ref(self, account_id: str, trade_ref: str) -> Sequence[StoredEntry]:
        """The uncancelled executions with this broker trade number, oldest first: a rebook shares its original's."""
        ...

    def add_version(
        self, lease: Lease, stored: StoredEntry, following: StoredEntry, cancel: NewEntry | None = None
    ) -> None:
        """Replace the current version and keep the old one readable (I9), in one transaction under the epoch.

        With `cancel`, the cancel row that causes it is inserted in the same transaction. Each row counts as one of the
        feed's `news`. Raises LeaseLostError; a version that somebody else wrote meanwhile raises ConflictError.
        """
        ...


class ConflictError(Exception):
    """Somebody else changed the item first: read again."""


class KnownTrades(Protocol):
    """The newest entries of a feed by their hashes: a filter that saves writes, never the truth."""

    def load(self, feed_id: str) -> KnownFilter:
        """The filter as it was saved last; empty when nothing is known."""
        ...

    def save(self, lease: Lease, known: KnownFilter) -> None:
        """Replace the filter, unless a later epoch has: then nothing happens, because losing it costs only writes."""
        ...


class Portfolios(Protocol):
    """Balance and positions per account, one row a day; the newest row is the current one.

    Of two sections of the same time, the one of the later run is newer: run ids sort by when the runs began.
    """

    def put(
        self, account_id: str, run_id: str, *, balance: Balance | None = None, positions: PositionsSection | None = None
    ) -> bool:
        """Store one section or both, each unless a newer one is there; whether all of it was stored."""
        ...


class Runs(Protocol):
    """The sync log."""

    def put(self, run: SyncRun, keep_days: int) -> bool:
        """Write a run row once; False if a row of that run exists (it is left as it is)."""
        ...


class Snapshots(Protocol):
    """Raw answers, write-once (I1)."""

    def put(self, *, feed_id: str, run_id: str, seq: int, broker: str, job_id: str, page: RawPage) -> str:
        """Store one answer before anybody parses it; returns the object's key. An object that is there is success."""
        ...

    def kept(self, feed_id: str, run_id: str, first: int, last: int) -> Sequence[tuple[str, RawPage]]:
        """What is kept of a run's answers number `first` to `last`, with their keys, in order.

        Only those that a ledger entry may cite: the others are not kept for ever, and nothing is read from them again.
        """
        ...

    def runs(self, feed_id: str, after: str) -> Iterator[str]:
        """The ids of the runs of which such answers are kept, oldest first; only those after the run `after`."""
        ...
