"""A new connection: its credentials encrypted, its feeds on the wheel, its check and first sync owed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from brokersync.domain.errors import RetryLaterError
from brokersync.domain.feeds import Feed, FeedPurpose, FetchScope, Wanted
from brokersync.domain.identity import first_feed_id
from brokersync.domain.manifests import Manifest
from brokersync.domain.plans import Plan, effective_interval
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import RequestedBy
from brokersync.ports.accounts import Accounts
from brokersync.ports.connections import Connection, ConnectionWriter
from brokersync.ports.feeds import Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.world import Clock, Ids
from brokersync.services.new_feeds import NewFeeds, Terms, first_job
from brokersync.services.relink import Relink

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """What a trader gives. `broker_account_ids` is empty where the broker's answer is to list them.

    `replaces` is the connection whose accounts this one may take over though it still works.
    """

    user_id: str
    plan: Plan
    manifest: Manifest
    environment: str
    credentials: Mapping[str, str]
    broker_account_ids: Sequence[str] = ()
    interval_min: int | None = None
    replaces: str = ""


class BadConnectionError(ValueError):
    """Something about a connection's data is missing or wrong; `field` is which."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}")


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
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._new_feeds = NewFeeds(
            feeds=feeds, accounts=accounts, relink=Relink(feeds, accounts, connections), clock=clock, ids=ids
        )

    def run(self, new: NewConnection) -> Sequence[Feed]:
        """Store the connection and owe its check; returns its feeds: those of the accounts, or the one that finds them.

        Raises BadConnectionError for a field that is missing, empty or not the broker's, and UserActionNeededError
        (already_connected) where an account belongs to another connection that works.
        """
        _check(new)
        connection = Connection(
            connection_id=self._ids.new("con"),
            user_id=new.user_id,
            broker=new.manifest.slug,
            environment=new.environment,
            version=1,
            fingerprint="",
            replaces=new.replaces,
        )
        asked = [AccountInfo(broker_account_id=number, currency="") for number in new.broker_account_ids]
        places = self._new_feeds.places(connection, asked)
        connection = self._connections.create(connection, new.credentials)
        interval = effective_interval(new.interval_min, new.plan, new.manifest.useful_interval_min)
        terms = Terms(plan=new.plan, interval_min=interval, chosen_min=new.interval_min)
        if places:
            feeds = self._new_feeds.make(connection, places, terms, under=None)
        else:
            feeds = [self._first_feed(connection, new.manifest.fetch_scope, terms)]
        wake(self._queue, feeds, self._clock.now())
        return feeds

    def _first_feed(self, connection: Connection, scope: FetchScope, terms: Terms) -> Feed:
        feed = first_feed(connection, scope, terms, self._wanted())
        self._feeds.create(feed)
        return feed

    def _wanted(self) -> Wanted:
        return Wanted(job_id=self._ids.new("job"), kind=RequestedBy.CONNECT, not_before=self._clock.now())


def first_feed(connection: Connection, scope: FetchScope, terms: Terms, wanted: Wanted) -> Feed:
    """The feed that a connection begins with: the whole connection's, or the one that finds its accounts."""
    return Feed(
        feed_id=first_feed_id(connection.connection_id),
        user_id=connection.user_id,
        connection_id=connection.connection_id,
        connection_version=connection.version,
        broker=connection.broker,
        plan=terms.plan,
        interval_min=terms.interval_min,
        accounts={},
        purpose=FeedPurpose.SYNC if scope is FetchScope.CONNECTION else FeedPurpose.DISCOVER,
        chosen_min=terms.chosen_min,
        wanted=wanted,
    )


def wake(queue: SyncQueue, feeds: Sequence[Feed], now: datetime) -> None:
    """Send the messages for what feeds owe; the work is written already, so without them the wheel does it, later."""
    jobs = [first_job(feed, now) for feed in feeds if feed.wanted is not None]
    try:
        queue.send(jobs, backfill=True)
    except RetryLaterError as error:
        log.warning("connecting_without_message", extra={"feeds": len(jobs), "detail": error.detail})


def check_credentials(manifest: Manifest, credentials: Mapping[str, str]) -> None:
    """Whether these can be credentials of the broker. Raises BadConnectionError, quoting no value."""
    expected = {field.name for field in manifest.auth_fields}
    for name in sorted(set(credentials) - expected):
        problem = f"{name!r} is not a field of {manifest.name}; it has {sorted(expected)}"
        raise BadConnectionError("credentials", problem)
    for name in sorted(field.name for field in manifest.auth_fields if field.required):
        if not credentials.get(name, "").strip():
            raise BadConnectionError("credentials", f"{name!r} is empty; {manifest.setup_help}")


def _check(new: NewConnection) -> None:
    try:
        new.manifest.environment(new.environment)
    except ValueError as error:
        raise BadConnectionError("environment", str(error).removeprefix("environment: ")) from None
    check_credentials(new.manifest, new.credentials)
    if new.manifest.fetch_scope is FetchScope.CONNECTION and new.broker_account_ids:
        raise BadConnectionError("broker_account_ids", f"{new.manifest.name} lists them itself; leave it out")
    if any(not number.strip() for number in new.broker_account_ids):
        raise BadConnectionError("broker_account_ids", "an account number is empty")
    if len(set(new.broker_account_ids)) != len(new.broker_account_ids):
        raise BadConnectionError("broker_account_ids", "an account number is there twice")
