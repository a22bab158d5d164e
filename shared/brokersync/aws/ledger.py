"""The ledger's adapter (ports.Ledger, ports.TradesReader): trades and cash events, inserted by condition (I2)."""

import marshal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from botocore.exceptions import ClientError
from pynamodb.expressions.condition import Condition

from brokersync.aws.feed_expressions import epoch_is
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Refused, Request, all_of, any_of
from brokersync.aws.tables.cash_events import CashEventItem
from brokersync.aws.tables.feeds import FeedItem
from brokersync.aws.tables.ledger import LedgerItem
from brokersync.aws.tables.records import RawItem
from brokersync.aws.tables.trades import TradeItem
from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import Lease
from brokersync.domain.times import sort_key, to_ns
from brokersync.domain.trades import Change, Execution, ExecutionKind, LedgerEntry, StoredEntry, compare
from brokersync.ports.reading import ALL_TRADES, TradeFilter
from brokersync.ports.storage import ConflictError, Inserted, NewEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ABSENT = LedgerItem.account_id.does_not_exist()
MAX_PUTS = 99  # a transaction's hundred actions less the feed's update
MAX_BYTES = 4_000_000  # of a transaction


@dataclass(frozen=True, slots=True)
class _Put:
    new: NewEntry
    request: Request


class _CancelledError(Exception):
    """A transaction's conditions did not all hold. `found` has what each of its items met, None where it held."""

    def __init__(self, found: Sequence[RawItem | None]) -> None:
        super().__init__("a condition of the transaction did not hold")
        self.found = found


class DynamoLedger:
    """Trades and cash events in DynamoDB."""

    def __init__(self, session: AwsSession) -> None:
        self._client = session.client("dynamodb")
        self._feeds = session.table(FeedItem)
        self._trades = session.table(TradeItem)
        self._cash_events = session.table(CashEventItem)

    # --- writing ----------------------------------------------------------------------------------------------------

    def insert(self, lease: Lease, entries: Sequence[NewEntry], cursor: str | None) -> Inserted:
        """Insert what isn't there, in transactions under the lease's epoch that also count the feed's `news`.

        With a cursor, the last transaction moves it, unless an entry exists with another content. Raises
        LeaseLostError.
        """
        firsts: dict[tuple[type[LedgerEntry], str, str], NewEntry] = {}
        repeats: list[NewEntry] = []  # ids that come twice in one answer: a transaction takes each item once
        for new in entries:
            if _key(new) in firsts:
                repeats.append(new)
            else:
                firsts[_key(new)] = new
        differs = any(_differs(firsts[_key(new)].content_hash, new) for new in repeats)
        stored = {key: _first_version(new) for key, new in firsts.items()}
        existing: list[tuple[NewEntry, StoredEntry]] = []
        chunks = list(_chunks(self._put(new) for new in firsts.values())) or [[]]
        for number, chunk in enumerate(chunks, start=1):
            last = cursor if number == len(chunks) and not differs else None
            met = self._insert_chunk(lease, chunk, last)
            existing.extend(met)
            stored.update((_key(new), found) for new, found in met)
            differs = differs or any(_differs(found.content_hash, new) for new, found in met)
        existing.extend((new, stored[_key(new)]) for new in repeats)
        return Inserted(inserted=len(entries) - len(existing), existing=existing)

    def _insert_chunk(
        self, lease: Lease, chunk: Sequence[_Put], cursor: str | None
    ) -> list[tuple[NewEntry, StoredEntry]]:
        """Insert up to a transaction's worth; returns what was there already."""
        existing: list[tuple[NewEntry, StoredEntry]] = []
        while chunk:
            try:
                self._transact(lease, [put.request for put in chunk], news=len(chunk), cursor=cursor)
            except _CancelledError as cancelled:
                if not any(cancelled.found):
                    raise
                met = [(put, found) for put, found in zip(chunk, cancelled.found, strict=True) if found is not None]
                existing.extend(
                    (put.new, self._table(put.new.entry).from_raw_data(found).to_stored()) for put, found in met
                )
                chunk = [put for put, found in zip(chunk, cancelled.found, strict=True) if found is None]
                if any(_differs(stored.content_hash, new) for new, stored in existing):
                    cursor = None
            else:
                return existing
        if cursor is not None:
            self._move_cursor(lease, cursor)
        return existing

    def _move_cursor(self, lease: Lease, cursor: str) -> None:
        moved = self._feeds.change(lease.feed_id, actions=[FeedItem.cursor.set(cursor)], condition=epoch_is(lease))
        if isinstance(moved, Refused):
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")

    def add_version(
        self, lease: Lease, stored: StoredEntry, following: StoredEntry, cancel: NewEntry | None = None
    ) -> None:
        """Replace the current version and keep the old one readable (I9), in one transaction under the epoch.

        With `cancel`, the cancel row that causes it is inserted in the same transaction. Each row counts as one of the
        feed's `news`. Raises LeaseLostError; a version that somebody else wrote meanwhile raises ConflictError.
        """
        table = self._table(stored.entry)
        puts = [
            table.put_request(table.replaced(stored), ABSENT),
            table.put_request(table.current(following), table.version == stored.version),
        ]
        if cancel is not None:
            puts.append(self._put(cancel).request)
        try:
            self._transact(lease, puts, news=len(puts) - 1, cursor=None)
        except _CancelledError as cancelled:
            raise ConflictError(f"{stored.entry.source_id} is not at version {stored.version} any more") from cancelled

    def put_aliases(self, lease: Lease, entries: Sequence[StoredEntry]) -> None:
        """Keep the aliases of entries, in transactions under the epoch: no version and no news come of it.

        Raises LeaseLostError; ConflictError when one has got another version since it was read.
        """
        for first in range(0, len(entries), MAX_PUTS):
            tables = [(self._table(stored.entry), stored) for stored in entries[first : first + MAX_PUTS]]
            puts = [
                table.put_request(table.current(stored), table.version == stored.version) for table, stored in tables
            ]
            try:
                self._transact(lease, puts, news=0, cursor=None)
            except _CancelledError as cancelled:
                raise ConflictError("an entry was changed while its new id was written down") from cancelled

    def _transact(self, lease: Lease, puts: Sequence[Request], *, news: int, cursor: str | None) -> None:
        """Put all and count them in the feed, or nothing. Raises LeaseLostError and _CancelledError."""
        moved = [FeedItem.cursor.set(cursor)] if cursor is not None else []
        fence = self._feeds.change_request(
            lease.feed_id, actions=[FeedItem.news.add(news), *moved], condition=epoch_is(lease)
        )
        requests = [*({"Put": put} for put in puts), {"Update": fence}]
        try:
            self._client.transact_write_items(
                TransactItems=cast("list[TransactWriteItemTypeDef]", requests),
                # When the answer is lost, the client asks again with this token: the transaction takes effect once.
                ClientRequestToken=uuid4().hex,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            *met, feed = cast("Sequence[dict[str, Any]]", error.response["CancellationReasons"])
            if feed["Code"] == "ConditionalCheckFailed":
                raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}") from None
            if all(reason["Code"] != "ConditionalCheckFailed" for reason in met):
                raise  # a conflict that outlasted the client's own retries
            raise _CancelledError([reason.get("Item") for reason in met]) from None

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, account_id: str, entry: LedgerEntry) -> StoredEntry | None:
        """What is stored under the entry's id."""
        found = self._table(entry).find(account_id, entry.source_id)
        return found.to_stored() if found else None

    def get_trade(self, account_id: str, source_trade_id: str) -> StoredEntry | None:
        """The execution stored under this id."""
        found = self._trades.find(account_id, source_trade_id)
        return found.to_stored() if found else None

    def latest_trade(self, account_id: str, until: datetime) -> StoredEntry | None:
        """The newest execution of the account that was executed before `until` (aware UTC)."""
        return next(iter(self.newest(account_id, limit=1, before=sort_key(to_ns(until)))), None)

    def between(self, account_id: str, start: datetime, end: datetime) -> Sequence[StoredEntry]:
        """Executions and cash events from `start` to before `end`, current versions, oldest first of each kind.

        One that was written in the last moments may be missing.
        """
        first, last = sort_key(to_ns(start)), sort_key(to_ns(end))
        return [
            item.to_stored()
            for table in (self._trades, self._cash_events)
            for item in table.by_time.query(account_id, table.time_key.between(first, last))
        ]

    def with_trade_ref(self, account_id: str, trade_ref: str) -> Sequence[StoredEntry]:
        """The uncancelled executions with this broker trade number, oldest first: a rebook shares its original's.

        Reads through the account's trades: it is asked for cancels that are new, which are rare.
        """
        wanted = all_of(
            TradeItem.time_key.exists(),
            TradeItem.entry["trade_ref"] == trade_ref,
            TradeItem.cancelled_by.does_not_exist(),
            any_of(TradeItem.entry["kind"].does_not_exist(), TradeItem.entry["kind"] != ExecutionKind.CANCEL.value),
        )
        found = self._trades.query(account_id, filter_condition=wanted, consistent_read=True)
        return [item.to_stored() for item in sorted(found, key=lambda item: item.time_key)]

    def newest(
        self, account_id: str, *, limit: int, before: str = "", only: TradeFilter = ALL_TRADES
    ) -> Sequence[StoredEntry]:
        """At most `limit` trades in their current version, newest first; with `before`, only under that time_key."""
        found = self._trades.by_time.query(
            account_id,
            _in_time(only, before),
            _of_symbol(only),
            scan_index_forward=False,
            limit=limit + 1,  # the range has `before` itself in it
            page_size=None if only.symbol else limit + 1,  # of other symbols there may be many in between
        )
        return [item.to_stored() for item in found if item.time_key != before][:limit]

    def oldest_first(self, account_id: str, only: TradeFilter = ALL_TRADES) -> Iterator[StoredEntry]:
        """All trades in their current version, read as they are asked for."""
        found = self._trades.by_time.query(account_id, _in_time(only), _of_symbol(only))
        return (item.to_stored() for item in found)

    def cash_events(self, account_id: str) -> Iterator[StoredEntry]:
        """All cash events of an account in their current version, oldest first."""
        return (item.to_stored() for item in self._cash_events.by_time.query(account_id))

    def versions(self, account_id: str, source_trade_id: str) -> Sequence[StoredEntry]:
        """All versions of a trade, the first one first."""
        older = f"{source_trade_id}#v"
        found = self._trades.query(account_id, TradeItem.source_id.between(source_trade_id, f"{older}9999"))
        own = [item for item in found if item.source_id == source_trade_id or item.source_id.startswith(older)]
        return sorted((item.to_stored() for item in own), key=lambda stored: stored.version)

    # --- both -------------------------------------------------------------------------------------------------------

    def _table(self, entry: LedgerEntry) -> type[LedgerItem]:
        return self._trades if isinstance(entry, Execution) else self._cash_events

    def _put(self, new: NewEntry) -> _Put:
        table = self._table(new.entry)
        return _Put(new, table.put_request(table.current(_first_version(new)), ABSENT))


def _in_time(only: TradeFilter, through: str = "") -> Condition:
    """The range of time keys, both ends included; the bare time of a bound is no entry's key."""
    last = sort_key(to_ns(only.until)) if only.until else "9"
    return TradeItem.time_key.between(sort_key(to_ns(only.since)) if only.since else "0", min(last, through or last))


def _of_symbol(only: TradeFilter) -> Condition | None:
    return TradeItem.entry["symbol"] == only.symbol if only.symbol else None


def _chunks(puts: Iterator[_Put]) -> Iterator[list[_Put]]:
    """Split into what fits a transaction."""
    chunk: list[_Put] = []
    size = 0
    for put in puts:
        at_most = len(marshal.dumps(put.request["Item"], 2))  # more than DynamoDB counts, at a quarter of the cost
        if chunk and (len(chunk) == MAX_PUTS or size + at_most > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(put)
        size += at_most
    if chunk:
        yield chunk


def _key(new: NewEntry) -> tuple[type[LedgerEntry], str, str]:
    return type(new.entry), new.account_id, new.entry.source_id


def _first_version(new: NewEntry) -> StoredEntry:
    return StoredEntry(
        account_id=new.account_id,
        entry=new.entry,
        content_hash=new.content_hash,
        origin=new.origin,
        version_reason=new.reason,
    )


def _differs(stored_hash: str, new: NewEntry) -> bool:
    return compare(stored_hash, new.content_hash) is not Change.NONE
