"""Storing what some pages say: accounts, portfolio sections, then trades and cash events, and the cursor last (I3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from brokersync.domain.bridge import Proven
from brokersync.domain.coverage import MAX_HOLE_ROWS, Hole, row_name
from brokersync.domain.errors import ErrorCode, NeedsReviewError
from brokersync.domain.feeds import Feed, Lease
from brokersync.domain.identity import account_id_in
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, Normalised, Unmapped
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import SectionState
from brokersync.domain.trades import Execution, LedgerEntry, Origin
from brokersync.ports.accounts import Accounts, TradingAccount
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Feeds
from brokersync.ports.storage import KnownTrades, Ledger, Portfolios
from brokersync.services.bridge_ids import under_held_ids
from brokersync.services.progress import Progress
from brokersync.services.relink import Relink
from brokersync.services.store_entries import StoreEntries


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkStores:
    """Where a chunk goes."""

    feeds: Feeds
    accounts: Accounts
    portfolios: Portfolios
    ledger: Ledger
    known: KnownTrades


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Where a chunk's pages lie: snapshots `first` to `last` of the run, of which `origin` names the one to cite."""

    origin: Origin
    first: int
    last: int

    def hole(self, rows: Mapping[str, str]) -> Hole:
        """The hole that rows of it leave."""
        return Hole(run_id=self.origin.run_id, first=self.first, last=self.last, rows=rows)


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
        self._entries = StoreEntries(
            stores.ledger,
            stores.known,
            lease,
            progress,
            rereads=bool(manifest.overlap),
            account_of=self._account,
        )

    def run(self, normalised: Normalised, checkpoint: Checkpoint, chunk: Chunk) -> bool:
        """Store a chunk; whether all of it was understood, so that the same answer need not be looked at again.

        Raises LeaseLostError, NeedsReviewError; whatever it raises, the cursor has not moved.
        """
        entries: list[LedgerEntry] = [*normalised.executions, *normalised.cash_events]
        # What is missing from an answer, or not understood, may be the very trades: that is told as such.
        incomplete = bool(normalised.missing_sections or self.unread(normalised))
        emptied = {} if incomplete else self._suddenly_empty(entries, checkpoint)
        self._remember_accounts(normalised, checkpoint)
        if self._manifest.reissues_ids:
            whole = None if normalised.missing_sections or emptied else checkpoint
            proven = Proven.by(whole, self._feed.accepted_through)
            entries = under_held_ids(self._to.ledger, self._lease, self._progress.accounts, entries, proven)
        self._put_portfolios(normalised, emptied, chunk.origin.run_id)
        unread = self._progress.coverage.unknown(self._rows(normalised.unmapped))
        fits = self._progress.coverage.unread + len(unread) <= MAX_HOLE_ROWS
        # What a missing section, account or row held is not covered: the cursor waits for it, in later chunks too.
        whole_chunk = fits and not (normalised.missing_sections or emptied or self._progress.held_back)
        # A load's cursor moves together with its coverage, and past a hole together with the hole: see Feeds.advance.
        at_once = whole_chunk and not unread and self._progress.load is None
        trades = self._progress.trades
        self._entries.run(entries, checkpoint.cursor if at_once else None, chunk.origin)
        for name in normalised.missing_sections:
            self._progress.sections[name] = SectionState.MISSING
        self._progress.stats.unmapped += len(normalised.unmapped)
        figures = sum(not self._would_be_entry(row) for row in normalised.unmapped)
        self._progress.unread += figures + (0 if fits else len(unread))
        if whole_chunk:
            hole = chunk.hole(unread) if unread else None
            self._progress.reach(checkpoint, self._progress.trades - trades, hole)
        else:
            self._progress.held_back = True
        if emptied:
            raise NeedsReviewError(
                ErrorCode.EMPTY_WHERE_HISTORY,
                "The broker's answer has no trades for days of which we hold some. What we hold was not changed.",
                detail="; ".join(f"{account_id}: {trade}" for account_id, trade in emptied.items()),
            )
        return whole_chunk and not figures

    def store_again(self, normalised: Normalised, origin: Origin) -> None:
        """Store what an answer of an earlier run says by now; see StoreEntries.again. Raises LeaseLostError."""
        entries: list[LedgerEntry] = [*normalised.executions, *normalised.cash_events]
        if self._manifest.reissues_ids:
            entries = under_held_ids(self._to.ledger, self._lease, self._progress.accounts, entries, None)
        self._entries.again(entries, origin)

    def unread(self, normalised: Normalised) -> frozenset[str]:
        """The names of rows that would be entries and were not understood."""
        return frozenset(self._rows(normalised.unmapped))

    def _rows(self, unmapped: Iterable[Unmapped]) -> Mapping[str, str]:
        return {
            row_name(row.section, row.where): self._progress.accounts.get(row.broker_account_id, "")
            for row in unmapped
            if self._would_be_entry(row)
        }

    def _would_be_entry(self, row: Unmapped) -> bool:
        return row.ledger and row.section not in self._manifest.uncited

    def _put_portfolios(self, normalised: Normalised, emptied: Mapping[str, str], run_id: str) -> None:
        """Balance and positions; what an answer that is in doubt says of an account is left alone."""
        balances = {balance.broker_account_id: balance for balance in normalised.balances}
        positions = {section.broker_account_id: section for section in normalised.positions}
        for number in dict.fromkeys((*balances, *positions)):
            account_id = self._account(number)
            if account_id not in emptied:
                self._to.portfolios.put(
                    account_id, run_id, balance=balances.get(number), positions=positions.get(number)
                )

    def _remember_accounts(self, normalised: Normalised, checkpoint: Checkpoint) -> None:
        found = {info.broker_account_id: info for info in normalised.accounts}
        unknown = [number for number in found if number not in self._progress.accounts]
        if unknown or not self._feed.cursor:
            self._take_in([self._trading_account(info) for info in found.values()], unknown)
            late = [self._progress.accounts[number] for number in unknown]
            self._progress.coverage = self._progress.coverage.with_late(late, checkpoint.covered_from)

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

    def _suddenly_empty(self, entries: Sequence[LedgerEntry], checkpoint: Checkpoint) -> Mapping[str, str]:
        """Accounts of which we hold trades of the very days that an answer re-reads, and that it has none of (I5).

        Each with such a trade. That is not believed: brokers answer nothing where they have lost something.
        """
        start, end = checkpoint.covered_from, checkpoint.covered_to
        if not self._manifest.overlap or start is None or end is None or not self._feed.cursor:
            return {}
        told = {entry.broker_account_id for entry in entries if isinstance(entry, Execution)}
        asked = [checkpoint.broker_account_id] if checkpoint.broker_account_id else list(self._feed.accounts)
        found = {}
        for number in asked:
            account_id = self._account(number)
            latest = self._to.ledger.latest_trade(account_id, end) if number not in told else None
            accepted = self._feed.accepted_through
            if latest is None or (accepted is not None and latest.entry.occurred_at.utc <= accepted):
                continue  # nothing is missing, or the trader knows
            if latest.entry.occurred_at.utc >= start:
                found[account_id] = latest.entry.source_id
        return found


def account_id_of(feed: Feed, broker_account_id: str) -> str:
    """Our id of an account that a fetch found: the same however often it is found."""
    known = feed.accounts.get(broker_account_id)
    if known:
        return known
    return account_id_in(feed.feed_id, broker_account_id)


def mask(number: str) -> str:
    """All of a broker's account number that is ever shown."""
    return f"...{number[-4:]}" if len(number) > 4 else "..."
