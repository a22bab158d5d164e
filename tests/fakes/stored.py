"""What a sync stores, in memory: ledger, filter of known trades, portfolios, run rows, accounts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from brokersync.domain.feeds import Lease
from brokersync.domain.known import KnownFilter
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.runs import SyncRun
from brokersync.domain.times import sort_key, to_ns
from brokersync.domain.trades import (
    CashEvent,
    Change,
    Execution,
    ExecutionKind,
    LedgerEntry,
    StoredEntry,
    compare,
    time_key,
)
from brokersync.ports.accounts import TradingAccount
from brokersync.ports.reading import ALL_TRADES, CurrentPortfolio, DayEnd, TradeFilter
from brokersync.ports.storage import ConflictError, Inserted, NewEntry
from tests.fakes.feeds import FakeFeeds

Section = TypeVar("Section", Balance, PositionsSection)


class FakeLedger:
    """Trades and cash events: current versions by (kind, account, id), older ones in the order they were replaced."""

    def __init__(self, feeds: FakeFeeds) -> None:
        self._feeds = feeds
        self._current: dict[tuple[type[LedgerEntry], str, str], StoredEntry] = {}
        self._older: dict[tuple[type[LedgerEntry], str, str], list[StoredEntry]] = {}

    def insert(self, lease: Lease, entries: Sequence[NewEntry], cursor: str | None) -> Inserted:
        with self._feeds.lock:
            self._feeds.check(lease)
            existing = []
            for new in entries:
                stored = self._current.get(_key(new.account_id, new.entry))
                if stored is None:
                    self._put(new)
                else:
                    existing.append((new, stored))
            inserted = len(entries) - len(existing)
            differs = any(compare(stored.content_hash, new.content_hash) is not Change.NONE for new, stored in existing)
            self._feeds.add_news(lease, inserted, None if differs else cursor)
            return Inserted(inserted=inserted, existing=existing)

    def get(self, account_id: str, entry: LedgerEntry) -> StoredEntry | None:
        return self._current.get(_key(account_id, entry))

    def get_trade(self, account_id: str, source_trade_id: str) -> StoredEntry | None:
        return self._current.get((Execution, account_id, source_trade_id))

    def latest_trade(self, account_id: str, until: datetime) -> StoredEntry | None:
        return next(iter(self.newest(account_id, limit=1, before=sort_key(to_ns(until)))), None)

    def between(self, account_id: str, start: datetime, end: datetime) -> Sequence[StoredEntry]:
        found = [*reversed(self._newest_first(Execution, account_id)), *self.cash_events(account_id)]
        return [stored for stored in found if start <= stored.entry.occurred_at.utc < end]

    def put_aliases(self, lease: Lease, entries: Sequence[StoredEntry]) -> None:
        with self._feeds.lock:
            self._feeds.check(lease)
            for stored in entries:
                if self._current[_key(stored.account_id, stored.entry)].version != stored.version:
                    raise ConflictError("an entry was changed while its new id was written down")
                self._current[_key(stored.account_id, stored.entry)] = stored

    def with_trade_ref(self, account_id: str, trade_ref: str) -> Sequence[StoredEntry]:
        found = reversed(self._newest_first(Execution, account_id))
        return [
            stored
            for stored in found
            if isinstance(stored.entry, Execution)
            and stored.entry.trade_ref == trade_ref
            and stored.entry.kind is ExecutionKind.TRADE
            and not stored.cancelled_by
        ]

    def add_version(
        self, lease: Lease, stored: StoredEntry, following: StoredEntry, cancel: NewEntry | None = None
    ) -> None:
        with self._feeds.lock:
            self._feeds.check(lease)
            key = _key(stored.account_id, stored.entry)
            current = self._current.get(key)
            if current is None or current.version != stored.version:
                raise ConflictError(f"{stored.entry.source_id} is not at version {stored.version} any more")
            if cancel is not None and _key(cancel.account_id, cancel.entry) in self._current:
                raise ConflictError(f"{cancel.entry.source_id} exists already")
            self._older.setdefault(key, []).append(current)
            self._current[key] = following
            if cancel is not None:
                self._put(cancel)
            self._feeds.add_news(lease, 1 if cancel is None else 2)

    def newest(
        self, account_id: str, *, limit: int, before: str = "", only: TradeFilter = ALL_TRADES
    ) -> Sequence[StoredEntry]:
        found = [stored for stored in self._newest_first(Execution, account_id) if _is_of(stored.entry, only)]
        return [stored for stored in found if not before or time_key(stored.entry) < before][:limit]

    def oldest_first(self, account_id: str, only: TradeFilter = ALL_TRADES) -> Iterator[StoredEntry]:
        return (stored for stored in reversed(self._newest_first(Execution, account_id)) if _is_of(stored.entry, only))

    def versions(self, account_id: str, source_trade_id: str) -> Sequence[StoredEntry]:
        key = (Execution, account_id, source_trade_id)
        current = self._current.get(key)
        return [*self._older.get(key, []), current] if current else []

    def cash_events(self, account_id: str) -> Iterator[StoredEntry]:
        return reversed(self._newest_first(CashEvent, account_id))

    def _put(self, new: NewEntry) -> None:
        self._current[_key(new.account_id, new.entry)] = StoredEntry(
            account_id=new.account_id,
            entry=new.entry,
            content_hash=new.content_hash,
            origin=new.origin,
            version_reason=new.reason,
        )

    def _newest_first(self, kind: type[LedgerEntry], account_id: str) -> list[StoredEntry]:
        with self._feeds.lock:
            found = [stored for (of, owner, _), stored in self._current.items() if (of, owner) == (kind, account_id)]
        return sorted(found, key=lambda stored: time_key(stored.entry), reverse=True)


def _is_of(entry: LedgerEntry, only: TradeFilter) -> bool:
    at = entry.occurred_at.ns
    return (
        (only.since is None or at >= to_ns(only.since))
        and (only.until is None or at < to_ns(only.until))
        and (not only.symbol or entry.symbol == only.symbol)
    )


class FakeKnownTrades:
    """Filters of known trades; `forget` loses one, which must only cost writes."""

    def __init__(self) -> None:
        self._saved: dict[str, tuple[int, bytes]] = {}

    def load(self, feed_id: str) -> KnownFilter:
        return KnownFilter.from_bytes(self._saved.get(feed_id, (0, b""))[1])

    def save(self, lease: Lease, known: KnownFilter) -> None:
        if self._saved.get(lease.feed_id, (0, b""))[0] <= lease.epoch:
            self._saved[lease.feed_id] = (lease.epoch, known.to_bytes())

    def forget(self, feed_id: str) -> None:
        self._saved.pop(feed_id, None)


class FakePortfolios:
    """The newest of each section per account and day."""

    def __init__(self) -> None:
        self._balances: dict[tuple[str, str], tuple[Balance, str]] = {}
        self._positions: dict[tuple[str, str], tuple[PositionsSection, str]] = {}

    def put(
        self, account_id: str, run_id: str, *, balance: Balance | None = None, positions: PositionsSection | None = None
    ) -> bool:
        stored = [_put_newer(self._balances, account_id, balance, run_id)] if balance else []
        stored += [_put_newer(self._positions, account_id, positions, run_id)] if positions else []
        return all(stored)

    def current(self, account_id: str) -> CurrentPortfolio:
        balances = [balance for (owner, _), (balance, _) in self._balances.items() if owner == account_id]
        positions = [section for (owner, _), (section, _) in self._positions.items() if owner == account_id]
        return CurrentPortfolio(
            balance=max(balances, key=lambda balance: balance.as_of.ns, default=None),
            positions=max(positions, key=lambda section: section.as_of.ns, default=None),
        )

    def days(self, account_id: str, first: date, last: date) -> Sequence[DayEnd]:
        ends = [
            DayEnd(day=date.fromisoformat(day), balance=balance)
            for (owner, day), (balance, _) in self._balances.items()
            if owner == account_id and first.isoformat() <= day <= last.isoformat()
        ]
        return sorted(ends, key=lambda end: end.day)


def _put_newer(
    sections: dict[tuple[str, str], tuple[Section, str]], account_id: str, section: Section, run_id: str
) -> bool:
    key = (account_id, section.as_of.utc.date().isoformat())
    if key in sections:
        stored, stored_run = sections[key]
        if (stored.as_of.ns, stored_run) > (section.as_of.ns, run_id):
            return False
    sections[key] = section, run_id
    return True


class FakeRuns:
    """The sync log."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], SyncRun] = {}

    def put(self, run: SyncRun, keep_days: int) -> bool:
        return self._runs.setdefault((run.feed_id, run.run_id), run) is run

    def newest(self, feed_id: str, *, limit: int, before: str = "") -> Sequence[SyncRun]:
        found = [run for (of, run_id), run in self._runs.items() if of == feed_id and (not before or run_id < before)]
        return sorted(found, key=lambda run: run.run_id, reverse=True)[:limit]

    def get(self, feed_id: str, run_id: str) -> SyncRun | None:
        return self._runs.get((feed_id, run_id))


class FakeAccounts:
    """Trading accounts."""

    def __init__(self) -> None:
        self._accounts: dict[str, TradingAccount] = {}

    def ensure(self, account: TradingAccount) -> None:
        known = self._accounts.setdefault(account.account_id, account)
        self._accounts[account.account_id] = replace(
            known, name=account.name or known.name, currency=account.currency or known.currency
        )

    def same(self, account: TradingAccount) -> Sequence[TradingAccount]:
        return [one for one in self.of_user(account.user_id) if _at_broker(one) == _at_broker(account)]

    def move(self, account: TradingAccount, *, feed_id: str, connection_id: str) -> None:
        if self._accounts.get(account.account_id) == account:
            self._accounts[account.account_id] = replace(account, feed_id=feed_id, connection_id=connection_id)

    def rename(self, account_id: str, display_name: str) -> None:
        self._accounts[account_id] = replace(self._accounts[account_id], display_name=display_name)

    def get(self, account_id: str) -> TradingAccount | None:
        return self._accounts.get(account_id)

    def of_user(self, user_id: str) -> Sequence[TradingAccount]:
        return sorted((one for one in self._accounts.values() if one.user_id == user_id), key=lambda a: a.account_id)


def _at_broker(account: TradingAccount) -> tuple[str, str, str]:
    return account.broker, account.environment, account.broker_account_id


def _key(account_id: str, entry: LedgerEntry) -> tuple[type[LedgerEntry], str, str]:
    return type(entry), account_id, entry.source_id
