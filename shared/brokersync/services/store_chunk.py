"""Storing what some pages say: accounts, portfolio sections, then trades and cash events, and the cursor last (I3)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from brokersync.domain.bridge import Proven
from brokersync.domain.errors import ErrorCode, NeedsReviewError
from brokersync.domain.feeds import Feed, Lease
from brokersync.domain.identity import account_id_in
from brokersync.domain.known import Knowledge, KnownFilter
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, Normalised
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import SectionState
from brokersync.domain.trades import (
    Change,
    Execution,
    ExecutionKind,
    LedgerEntry,
    Origin,
    StoredEntry,
    cancelled,
    compare,
    content_hash,
    corrected,
)
from brokersync.ports.accounts import Accounts, TradingAccount
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Feeds
from brokersync.ports.storage import ConflictError, KnownTrades, Ledger, NewEntry, Portfolios
from brokersync.services.bridge_ids import under_held_ids
from brokersync.services.progress import Progress
from brokersync.services.relink import Relink

VERSION_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkStores:
    """Where a chunk goes."""

    feeds: Feeds
    accounts: Accounts
    portfolios: Portfolios
    ledger: Ledger
    known: KnownTrades


class StoreChunk:
    """Stores the chunks of one run."""

    def __init__(
        self,
        stores: ChunkStores,
        feed: Feed,
        lease: Lease,
        manifest: Manifest,
        progress: Progress,
        connection: Connection,
        relink: Relink,
    ) -> None:
        self._to = stores
        self._connection = connection
        self._relink = relink
        self._feed = feed
        self._lease = lease
        self._manifest = manifest
        self._progress = progress
        self._known: KnownFilter | None = None

    def run(self, normalised: Normalised, checkpoint: Checkpoint, origin: Origin) -> None:
        """Store a chunk. Raises LeaseLostError, NeedsReviewError; whatever it raises, the cursor has not moved."""
        entries: list[LedgerEntry] = [*normalised.executions, *normalised.cash_events]
        self._refuse_sudden_emptiness(entries, checkpoint)
        self._remember_accounts(normalised)
        if self._manifest.reissues_ids:
            whole = Proven.by(None if normalised.missing_sections else checkpoint)
            entries = under_held_ids(self._to.ledger, self._lease, self._progress.accounts, entries, whole)
        for balance in normalised.balances:
            self._to.portfolios.put_balance(self._account(balance.broker_account_id), balance, origin.run_id)
        for positions in normalised.positions:
            self._to.portfolios.put_positions(self._account(positions.broker_account_id), positions, origin.run_id)
        # What a missing section or account held is not covered: the cursor waits for it.
        cursor = None if normalised.missing_sections else checkpoint.cursor
        self._store(entries, cursor, origin)
        for name in normalised.missing_sections:
            self._progress.sections[name] = SectionState.MISSING
        self._progress.stats.unmapped += len(normalised.unmapped)
        if cursor is not None:
            self._progress.cursor = cursor
            holes = frozenset(_short(f"{row.section} {row.where}") for row in normalised.unmapped)
            self._progress.cover(checkpoint.covered_from, checkpoint.covered_to, holes)

    def _remember_accounts(self, normalised: Normalised) -> None:
        found = {info.broker_account_id: info for info in normalised.accounts}
        unknown = [number for number in found if number not in self._progress.accounts]
        if unknown or not self._feed.cursor:
            self._take_in([self._trading_account(info) for info in found.values()], unknown)

    def _take_in(self, found: Sequence[TradingAccount], unknown: Sequence[str]) -> None:
        """Make the accounts that are new; those that the trader had under another connection keep their ids, and move.

        The feed learns of them first, under its epoch: a worker that wakes late touches nothing of another connection.
        """
        known = [self._relink.find(account, self._connection) for account in found]
        ours = {new.broker_account_id: had or new for new, had in zip(found, known, strict=True)}
        if unknown:
            ids = {number: ours[number].account_id for number in unknown}
            self._to.feeds.add_accounts(self._lease, ids)
            self._progress.accounts.update(ids)
        moving = [one for one in known if one is not None and one.feed_id != self._feed.feed_id]
        self._relink.release(moving, self._connection)
        for account in moving:
            self._to.accounts.move(account, feed_id=self._feed.feed_id, connection_id=self._connection.connection_id)
        for account in found:
            self._to.accounts.ensure(replace(account, account_id=ours[account.broker_account_id].account_id))

    def _trading_account(self, info: AccountInfo) -> TradingAccount:
        return TradingAccount(
            account_id=self._account(info.broker_account_id),
            user_id=self._feed.user_id,
            feed_id=self._feed.feed_id,
            connection_id=self._feed.connection_id,
            broker=self._feed.broker,
            broker_account_id=info.broker_account_id,
            masked_number=mask(info.broker_account_id),
            name=info.name,
            currency=info.currency,
            environment=self._connection.environment,
        )

    def _account(self, broker_account_id: str) -> str:
        return self._progress.accounts.get(broker_account_id) or account_id_of(self._feed, broker_account_id)

    def _refuse_sudden_emptiness(self, entries: Sequence[LedgerEntry], checkpoint: Checkpoint) -> None:
        """An answer that re-reads days for which we hold trades, and has none at all, is not believed (I5)."""
        if not self._manifest.overlap or checkpoint.covered_from is None or not self._feed.cursor:
            return
        if any(isinstance(entry, Execution) for entry in entries):
            return
        for account_id in self._feed.accounts.values():
            latest = self._to.ledger.latest_trade(account_id)
            if latest is not None and latest.entry.occurred_at.utc >= checkpoint.covered_from:
                raise NeedsReviewError(
                    ErrorCode.EMPTY_WHERE_HISTORY,
                    "The broker's answer has no trades for days of which we hold some. Nothing was changed.",
                    detail=f"latest stored trade {latest.entry.source_id} is inside the window that came back empty",
                )

    def _store(self, entries: Sequence[LedgerEntry], cursor: str | None, origin: Origin) -> None:
        stats = self._progress.stats
        stats.fetched += len(entries)
        fresh, cancels, suspects = self._sort_out(entries, origin)
        for suspect in suspects:
            self._correct(suspect)
        # Cancel rows come after the executions that they cancel: then the finish moves the cursor.
        last = cursor if not cancels else None
        if fresh:
            result = self._to.ledger.insert(self._lease, fresh, last)
            stats.inserted += result.inserted
            stats.cash_events += sum(not isinstance(new.entry, Execution) for new in fresh) - sum(
                not isinstance(new.entry, Execution) for new, _ in result.existing
            )
            for new, stored in result.existing:
                if not self._replace(new, stored):
                    stats.duplicates += 1
        for cancel in cancels:
            self._cancel(cancel)
        if self._known is not None and (fresh or cancels or suspects):
            learned = sorted([*fresh, *cancels, *suspects], key=lambda new: new.entry.occurred_at.ns)
            self._known = self._known.adding((_key(new), new.content_hash) for new in learned)
            self._to.known.save(self._lease, self._known)

    def _sort_out(
        self, entries: Iterable[LedgerEntry], origin: Origin
    ) -> tuple[list[NewEntry], list[NewEntry], list[NewEntry]]:
        """Split into probably new ones, cancel rows, and known ids with another content."""
        fresh: list[NewEntry] = []
        cancels: list[NewEntry] = []
        suspects: list[NewEntry] = []
        for entry in entries:
            new = NewEntry(
                account_id=self._account(entry.broker_account_id),
                entry=entry,
                content_hash=content_hash(entry),
                origin=origin,
            )
            match self._knowledge(new):
                case Knowledge.SAME:
                    self._progress.stats.duplicates += 1
                case Knowledge.CHANGED:
                    suspects.append(new)
                case Knowledge.UNKNOWN if isinstance(entry, Execution) and entry.kind is ExecutionKind.CANCEL:
                    cancels.append(new)
                case Knowledge.UNKNOWN:
                    fresh.append(new)
        return fresh, cancels, suspects

    def _knowledge(self, new: NewEntry) -> Knowledge:
        if not self._manifest.overlap:
            return Knowledge.UNKNOWN
        if self._known is None:
            self._known = self._to.known.load(self._feed.feed_id)
        return self._known.status(_key(new), new.content_hash)

    def _correct(self, new: NewEntry) -> None:
        stored = self._to.ledger.get(new.account_id, new.entry)
        if stored is None:
            # The filter only saves writes: where it errs, the insert decides.
            self._progress.stats.inserted += self._to.ledger.insert(self._lease, [new], None).inserted
        elif not self._replace(new, stored):
            self._progress.stats.duplicates += 1

    def _replace(self, new: NewEntry, stored: StoredEntry) -> bool:
        """Write a new version if the content differs; whether it did."""
        for _ in range(VERSION_TRIES):
            if compare(stored.content_hash, new.content_hash) is Change.NONE:
                return False
            try:
                self._to.ledger.add_version(self._lease, stored, corrected(stored, new.entry, new.origin))
            except ConflictError:
                stored = self._to.ledger.get(new.account_id, new.entry) or stored
                continue
            self._progress.stats.corrections += 1
            return True
        raise ConflictError(f"{new.entry.source_id} changed {VERSION_TRIES} times while it was corrected")

    def _cancel(self, new: NewEntry) -> None:
        """Store a cancel row together with the mark on what it cancels; alone, when that was never stored."""
        target = self._target(new)
        if target is None or not isinstance(new.entry, Execution):
            result = self._to.ledger.insert(self._lease, [new], None)
            self._progress.stats.inserted += result.inserted
            self._progress.stats.duplicates += len(result.existing)
            return
        existing = self._to.ledger.get(new.account_id, new.entry)
        if existing is not None:
            self._progress.stats.duplicates += 1
            return
        self._to.ledger.add_version(self._lease, target, cancelled(target, new.entry, new.origin), cancel=new)
        self._progress.stats.inserted += 1
        self._progress.stats.corrections += 1

    def _target(self, new: NewEntry) -> StoredEntry | None:
        if not isinstance(new.entry, Execution):
            return None
        if new.entry.cancels_trade_id:
            stored = self._to.ledger.get_trade(new.account_id, new.entry.cancels_trade_id)
            return stored if stored is not None and not stored.cancelled_by else None
        if not new.entry.cancels_trade_ref:
            return None
        # A rebook has its original's number: what a cancel undoes is the first with its quantity on the other side.
        same_number = self._to.ledger.with_trade_ref(new.account_id, new.entry.cancels_trade_ref)
        return next((stored for stored in same_number if _undoes(new.entry, stored.entry)), None)


def _undoes(cancel: Execution, entry: LedgerEntry) -> bool:
    return isinstance(entry, Execution) and entry.quantity == cancel.quantity and entry.side != cancel.side


def account_id_of(feed: Feed, broker_account_id: str) -> str:
    """Our id of an account that a fetch found: the same however often it is found."""
    known = feed.accounts.get(broker_account_id)
    if known:
        return known
    return account_id_in(feed.feed_id, broker_account_id)


def mask(number: str) -> str:
    """All of a broker's account number that is ever shown."""
    return f"...{number[-4:]}" if len(number) > 4 else "..."


def _key(new: NewEntry) -> str:
    return f"{new.account_id}/{new.entry.source_id}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
