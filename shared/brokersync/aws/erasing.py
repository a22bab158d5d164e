"""Erasing what a removed connection left (ports.Erasing): rows in transactions that count them, and snapshots."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from pynamodb.constants import NUMBER
from pynamodb.expressions.update import Action

from brokersync.aws.feed_expressions import epoch_is
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.accounts import AccountItem
from brokersync.aws.tables.base import Request, Table
from brokersync.aws.tables.cash_events import CashEventItem
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.tables.feeds import FeedItem
from brokersync.aws.tables.known_trades import KnownTradesItem
from brokersync.aws.tables.portfolios import PortfolioItem
from brokersync.aws.tables.sync_runs import SyncRunItem
from brokersync.aws.tables.trades import TradeItem
from brokersync.contracts.snapshots import Retention
from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import Lease
from brokersync.ports.world import Deadline

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef, ObjectVersionTypeDef

MAX_ROWS = 98  # a transaction's hundred actions less the fence and the receipt
MAX_OBJECTS = 1_000  # of one DeleteObjects
RESERVE_SECONDS = 15.0  # what one more page and the end of the run may take

One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows under one partition key. `sort` is the model's name of the sort key, empty where the table has none."""

    table: type[Table]
    name: str
    sort: str = ""

    def sort_keys(self, key: str) -> Iterator[str | None]:
        """The sort keys of all rows under a partition key; None for the one row of a table without."""
        if not self.sort:
            return iter([None] if self.table.find(key) is not None else [])
        names = [getattr(self.table, self.sort).attr_name]
        found = self.table.query(key, consistent_read=True, attributes_to_get=names)
        return (getattr(item, self.sort) for item in found)


class DynamoErasing:
    """Deletes page by page; each page and its count in the receipt take effect together, under the feed's epoch."""

    def __init__(self, session: AwsSession, bucket: str) -> None:
        self._session = session
        self._bucket = bucket
        self._connections = session.table(ConnectionItem)
        self._feeds = session.table(FeedItem)
        self._of_account = (
            _Rows(session.table(TradeItem), "trades", "source_id"),
            _Rows(session.table(CashEventItem), "cash_events", "source_id"),
            _Rows(session.table(PortfolioItem), "portfolios", "day"),
            _Rows(session.table(AccountItem), "accounts"),
        )
        self._of_feed = (
            _Rows(session.table(SyncRunItem), "sync_runs", "run_id"),
            _Rows(session.table(KnownTradesItem), "known_trades"),
            _Rows(self._feeds, "feeds"),
        )

    @property
    def _s3(self) -> "S3Client":
        return self._session.client("s3")

    def account(self, lease: Lease, connection_id: str, account_id: str, deadline: Deadline) -> bool:
        """Delete an account, its own row last; False when time ran out. Raises LeaseLostError."""
        return all(self._empty(lease, connection_id, rows, account_id, deadline) for rows in self._of_account)

    def feed(self, lease: Lease, connection_id: str, feed_id: str, deadline: Deadline) -> bool:
        """Delete a feed, its own row last; False when time ran out. Raises LeaseLostError."""
        return self._empty_folders(lease, connection_id, feed_id, deadline) and all(
            self._empty(lease, connection_id, rows, feed_id, deadline) for rows in self._of_feed
        )

    def end(self, lease: Lease, connection_id: str, now: datetime) -> None:
        """Close the receipt. Raises LeaseLostError."""
        self._write(lease, connection_id, [], [ConnectionItem.erased_at.set(now)])

    def _empty(self, lease: Lease, connection_id: str, rows: _Rows, key: str, deadline: Deadline) -> bool:
        for page in _pages(rows.sort_keys(key), MAX_ROWS):
            if deadline.seconds_left() < RESERVE_SECONDS:
                return False
            deletions: list[Request] = [
                {"Delete": rows.table.check_request(key, sort, condition=None)} for sort in page
            ]
            self._write(lease, connection_id, deletions, [_counting(rows.name, len(page))])
        return True

    def _empty_folders(self, lease: Lease, connection_id: str, feed_id: str, deadline: Deadline) -> bool:
        """All versions of a feed's snapshots.

        They are counted after they are gone: of a page in between which a worker dies, the receipt says too little.
        """
        for retention in Retention:
            for page in _pages(self._versions(f"snapshots/{retention}/{feed_id}/"), MAX_OBJECTS):
                if deadline.seconds_left() < RESERVE_SECONDS:
                    return False
                doomed: list[ObjectIdentifierTypeDef] = [
                    {"Key": one.get("Key", ""), "VersionId": one.get("VersionId", "")} for one in page
                ]
                answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": doomed, "Quiet": True})
                if answer.get("Errors"):
                    raise RuntimeError(f"{len(answer['Errors'])} snapshots of {feed_id} could not be deleted")
                self._write(lease, connection_id, [], [_counting("snapshots", len(page))])
        return True

    def _versions(self, prefix: str) -> "Iterator[ObjectVersionTypeDef]":
        for answer in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from answer.get("Versions", ())
            yield from answer.get("DeleteMarkers", ())  # type: ignore[misc]  # key and version, too

    def _write(self, lease: Lease, connection_id: str, deletions: list[Request], receipt: list[Action]) -> None:
        fence = self._feeds.check_request(lease.feed_id, condition=epoch_is(lease))
        counted = self._connections.change_request(
            connection_id, actions=receipt, condition=ConnectionItem.erased.exists()
        )
        refused = self._connections.transact([{"ConditionCheck": fence}, {"Update": counted}, *deletions])
        if 0 in refused:
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")
        if refused:
            raise RuntimeError(f"{connection_id} has no receipt to count in")


def _counting(name: str, count: int) -> Action:
    so_far = ConnectionItem.erased[name]
    return so_far.set((so_far | {NUMBER: "0"}) + {NUMBER: str(count)})


def _pages(found: Iterable[One], size: int) -> Iterator[list[One]]:
    iterator = iter(found)
    while page := list(islice(iterator, size)):
        yield page
