"""Entries into the ledger: new ones by conditional insert, changed ones as versions, cancels with what they undo."""

from collections.abc import Callable, Sequence

from brokersync.domain.feeds import Lease
from brokersync.domain.known import Knowledge, KnownFilter
from brokersync.domain.trades import (
    Change,
    Execution,
    ExecutionKind,
    LedgerEntry,
    Origin,
    StoredEntry,
    VersionReason,
    cancelled,
    compare,
    content_hash,
    corrected,
    rebooked,
    undoes,
)
from brokersync.ports.storage import ConflictError, KnownTrades, Ledger, NewEntry
from brokersync.services.progress import Progress

VERSION_TRIES = 3


class StoreEntries:
    """Stores the entries of one run, under its lease.

    `rereads` says whether the broker serves again what it served before: then what is known is dropped first.
    """

    def __init__(
        self,
        ledger: Ledger,
        known_trades: KnownTrades,
        lease: Lease,
        progress: Progress,
        *,
        rereads: bool,
        account_of: Callable[[str], str],
    ) -> None:
        """`account_of` gives our id of a broker's account."""
        self._ledger = ledger
        self._filter = known_trades
        self._lease = lease
        self._progress = progress
        self._rereads = rereads
        self._account_of = account_of
        self._known: KnownFilter | None = None

    def run(self, entries: Sequence[LedgerEntry], cursor: str | None, origin: Origin) -> None:
        """Store what a chunk says, and move the cursor past it where nothing is left to do. Raises LeaseLostError."""
        stats = self._progress.stats
        stats.fetched += len(entries)
        fresh, cancels, suspects = self._sort_out(entries, origin)
        for suspect in suspects:
            self._correct(suspect)
        # Cancel rows come after the executions that they cancel: then the finish moves the cursor.
        last = cursor if not cancels else None
        if fresh:
            self._insert(fresh, last, VersionReason.CORRECTION)
        for cancel in cancels:
            self._cancel(cancel)
        if self._known is not None and (fresh or cancels or suspects):
            learned = sorted([*fresh, *cancels, *suspects], key=lambda new: new.entry.occurred_at.ns)
            self._known = self._known.adding((_key(new), new.content_hash) for new in learned)
            self._filter.save(self._lease, self._known)

    def again(self, entries: Sequence[LedgerEntry], origin: Origin) -> None:
        """Store what an answer of an earlier run says by now: what was not understood then, and what we read amiss.

        Whatever a later answer has changed since stays as it is: only entries whose current version came with the same
        run are replaced, and then it was our reading that changed. Raises LeaseLostError.
        """
        rebooks = rebooked(entries)
        latest = {(type(new.entry), _key(new)): new for new in (self._new(entry, origin, rebooks) for entry in entries)}
        cancels = [new for new in latest.values() if _is_cancel(new.entry)]
        self._insert([new for new in latest.values() if not _is_cancel(new.entry)], None, VersionReason.REREAD)
        for cancel in cancels:
            self._cancel(cancel)

    def _insert(self, fresh: Sequence[NewEntry], cursor: str | None, reason: VersionReason) -> None:
        """Insert entries; those that exist with another content become versions."""
        stats = self._progress.stats
        result = self._ledger.insert(self._lease, fresh, cursor)
        stats.inserted += result.inserted
        stats.cash_events += sum(not isinstance(new.entry, Execution) for new in fresh) - sum(
            not isinstance(new.entry, Execution) for new, _ in result.existing
        )
        for new, stored in result.existing:
            if not self._replace(new, stored, reason):
                stats.duplicates += 1

    def _sort_out(
        self, entries: Sequence[LedgerEntry], origin: Origin
    ) -> tuple[list[NewEntry], list[NewEntry], list[NewEntry]]:
        """Split into probably new ones, cancel rows, and known ids with another content."""
        rebooks = rebooked(entries)
        fresh: list[NewEntry] = []
        cancels: list[NewEntry] = []
        suspects: list[NewEntry] = []
        for entry in entries:
            new = self._new(entry, origin, rebooks)
            match self._knowledge(new):
                case Knowledge.SAME:
                    self._progress.stats.duplicates += 1
                case Knowledge.CHANGED:
                    suspects.append(new)
                case Knowledge.UNKNOWN if _is_cancel(entry):
                    cancels.append(new)
                case Knowledge.UNKNOWN:
                    fresh.append(new)
        return fresh, cancels, suspects

    def _new(self, entry: LedgerEntry, origin: Origin, rebooks: frozenset[tuple[str, str]]) -> NewEntry:
        return NewEntry(
            account_id=self._account_of(entry.broker_account_id),
            entry=entry,
            content_hash=content_hash(entry),
            origin=origin,
            reason=VersionReason.REBOOK.value if (entry.broker_account_id, entry.source_id) in rebooks else "",
        )

    def _knowledge(self, new: NewEntry) -> Knowledge:
        if not self._rereads:
            return Knowledge.UNKNOWN
        if self._known is None:
            self._known = self._filter.load(self._lease.feed_id)
        return self._known.status(_key(new), new.content_hash)

    def _correct(self, new: NewEntry) -> None:
        stored = self._ledger.get(new.account_id, new.entry)
        if stored is None:
            # The filter only saves writes: where it errs, the insert decides.
            self._progress.stats.inserted += self._ledger.insert(self._lease, [new], None).inserted
        elif not self._replace(new, stored, VersionReason.CORRECTION):
            self._progress.stats.duplicates += 1

    def _replace(self, new: NewEntry, stored: StoredEntry, reason: VersionReason) -> bool:
        """Write a new version if the content differs; whether it did."""
        for _ in range(VERSION_TRIES):
            if compare(stored.content_hash, new.content_hash) is Change.NONE:
                return False
            if reason is VersionReason.REREAD and stored.origin.run_id != new.origin.run_id:
                return False  # a later answer has said something else since
            try:
                self._ledger.add_version(self._lease, stored, corrected(stored, new.entry, new.origin, reason))
            except ConflictError:
                stored = self._ledger.get(new.account_id, new.entry) or stored
                continue
            self._progress.stats.corrections += 1
            self._progress.corrected_cash += not isinstance(new.entry, Execution)
            return True
        raise ConflictError(f"{new.entry.source_id} changed {VERSION_TRIES} times while it was corrected")

    def _cancel(self, new: NewEntry) -> None:
        """Store a cancel row together with the mark on what it cancels; alone, when that was never stored."""
        target = self._target(new)
        if target is None or not isinstance(new.entry, Execution):
            result = self._ledger.insert(self._lease, [new], None)
            self._progress.stats.inserted += result.inserted
            self._progress.stats.duplicates += len(result.existing)
            return
        existing = self._ledger.get(new.account_id, new.entry)
        if existing is not None:
            self._progress.stats.duplicates += 1
            return
        self._ledger.add_version(self._lease, target, cancelled(target, new.entry, new.origin), cancel=new)
        self._progress.stats.inserted += 1
        self._progress.stats.corrections += 1

    def _target(self, new: NewEntry) -> StoredEntry | None:
        if not isinstance(new.entry, Execution):
            return None
        if new.entry.cancels_trade_id:
            stored = self._ledger.get_trade(new.account_id, new.entry.cancels_trade_id)
            return stored if stored is not None and not stored.cancelled_by else None
        if not new.entry.cancels_trade_ref:
            return None
        # A rebook has its original's number: what a cancel undoes is the first with its quantity on the other side.
        same_number = self._ledger.with_trade_ref(new.account_id, new.entry.cancels_trade_ref)
        return next((stored for stored in same_number if undoes(new.entry, stored.entry)), None)


def _is_cancel(entry: LedgerEntry) -> bool:
    return isinstance(entry, Execution) and entry.kind is ExecutionKind.CANCEL


def _key(new: NewEntry) -> str:
    return f"{new.account_id}/{new.entry.source_id}"
