"""A new connection: its credentials encrypted, its feeds on the wheel, its first sync owed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Feed, FetchScope, Wanted
from brokersync.domain.manifests import Manifest
from brokersync.domain.plans import Plan, effective_interval
from brokersync.domain.runs import RequestedBy
from brokersync.ports import (
    Accounts,
    Clock,
    Connection,
    ConnectionWriter,
    Feeds,
    Ids,
    SyncQueue,
    TradingAccount,
)
from brokersync.services.store_chunk import mask


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """What a trader gives. `broker_account_ids` is empty where the broker's answer will list them."""

    user_id: str
    plan: Plan
    manifest: Manifest
    environment: str
    credentials: Mapping[str, str]
    broker_account_ids: Sequence[str] = ()
    interval_min: int | None = None


class BadConnectionError(ValueError):
    """Something about a new connection is missing or wrong; names the field."""


class ConnectBroker:
    """Makes connections."""

    def __init__(
        self,
        *,
        connections: ConnectionWriter,
        feeds: Feeds,
        accounts: Accounts,
        queue: SyncQueue,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._connections = connections
        self._feeds = feeds
        self._accounts = accounts
        self._queue = queue
        self._clock = clock
        self._ids = ids

    def run(self, new: NewConnection) -> Sequence[Feed]:
        """Store the connection and start its first sync; returns its feeds.

        Raises BadConnectionError for a field that is missing, empty or not the broker's.
        """
        _check(new)
        connection = self._connections.create(
            Connection(
                connection_id=self._ids.new("con"),
                user_id=new.user_id,
                broker=new.manifest.slug,
                environment=new.environment,
                version=1,
                fingerprint="",
            ),
            new.credentials,
        )
        if new.manifest.fetch_scope is FetchScope.CONNECTION:
            groups: list[dict[str, str]] = [{}]
        else:
            groups = [{number: self._ids.new("acc")} for number in new.broker_account_ids]
        feeds = [self._feed(new, connection, accounts) for accounts in groups]
        self._queue.send([(self._job(feed), feed.user_id, 0) for feed in feeds], backfill=True)
        return feeds

    def _feed(self, new: NewConnection, connection: Connection, accounts: Mapping[str, str]) -> Feed:
        now = self._clock.now()
        feed_id = next(iter(accounts.values()), "") or self._ids.new("feed")
        for number, account_id in accounts.items():
            self._accounts.ensure(
                TradingAccount(
                    account_id=account_id,
                    user_id=new.user_id,
                    feed_id=feed_id,
                    connection_id=connection.connection_id,
                    broker=new.manifest.slug,
                    broker_account_id=number,
                    masked_number=mask(number),
                    name="",
                    currency="",
                )
            )
        feed = Feed(
            feed_id=feed_id,
            user_id=new.user_id,
            connection_id=connection.connection_id,
            connection_version=connection.version,
            broker=new.manifest.slug,
            plan=new.plan,
            interval_min=effective_interval(new.interval_min, new.plan, new.manifest.useful_interval_min),
            accounts=accounts,
            chosen_min=new.interval_min,
            wanted=Wanted(job_id=self._ids.new("job"), kind=RequestedBy.CONNECT, not_before=now),
        )
        self._feeds.create(feed)
        return feed

    def _job(self, feed: Feed) -> SyncJob:
        if feed.wanted is None:
            raise ValueError(f"{feed.feed_id} owes no first sync")
        return SyncJob(
            job_id=feed.wanted.job_id,
            feed_id=feed.feed_id,
            requested_by=RequestedBy.CONNECT,
            requested_at=self._clock.now(),
        )


def _check(new: NewConnection) -> None:
    try:
        new.manifest.environment(new.environment)
    except ValueError as error:
        raise BadConnectionError(str(error)) from None
    expected = {field.name for field in new.manifest.auth_fields}
    for name in sorted(set(new.credentials) - expected):
        raise BadConnectionError(
            f"credentials: {name!r} is not a field of {new.manifest.name}; it has {sorted(expected)}"
        )
    for name in sorted(field.name for field in new.manifest.auth_fields if field.required):
        if not new.credentials.get(name, "").strip():
            raise BadConnectionError(f"credentials: {name!r} is empty; {new.manifest.setup_help}")
    if new.manifest.fetch_scope is FetchScope.ACCOUNT and not new.broker_account_ids:
        raise BadConnectionError(f"broker_account_ids: {new.manifest.name} needs at least one account number")
    if len(set(new.broker_account_ids)) != len(new.broker_account_ids):
        raise BadConnectionError("broker_account_ids: an account number is there twice")
