"""New credentials for a connection: every feed runs again, from where it was, and nothing under the old ones wins."""

from collections.abc import Mapping, Sequence

from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.feeds import Feed, FeedPurpose, Wanted
from brokersync.domain.identity import first_feed_id
from brokersync.domain.manifests import Manifest
from brokersync.domain.plans import Plan, effective_interval
from brokersync.domain.runs import RequestedBy
from brokersync.ports.brokers import Manifests
from brokersync.ports.connections import Connection, ConnectionWriter
from brokersync.ports.feeds import Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.world import Clock, Ids
from brokersync.services.connect_broker import check_credentials, first_feed, wake
from brokersync.services.new_feeds import Terms
from brokersync.services.own_connections import OwnConnection, OwnConnections


class ConnectionRemovedError(Exception):
    """The connection was disconnected: that is for good, and connecting again makes a new one."""


class RenewConnection:
    """Re-connects."""

    def __init__(
        self,
        own: OwnConnections,
        connections: ConnectionWriter,
        feeds: Feeds,
        queue: SyncQueue,
        manifests: Manifests,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._own = own
        self._connections = connections
        self._feeds = feeds
        self._queue = queue
        self._manifests = manifests
        self._clock = clock
        self._ids = ids

    def run(self, user_id: str, connection_id: str, credentials: Mapping[str, str], plan: Plan) -> None:
        """Store new credentials and owe every feed a run under them.

        The feeds keep their cursors; each broker's overlap is read again as always. Doing it again after a failure
        half-way mends it. Raises ConnectionNotFoundError, ConnectionRemovedError, BadConnectionError, and ConflictError
        when somebody else entered other credentials at the same time.
        """
        own = self._own.one(user_id, connection_id)
        if own.record.status is ConnectionStatus.DISCONNECTED:
            raise ConnectionRemovedError(connection_id)
        manifest = self._manifests.manifest(own.record.connection.broker)
        check_credentials(manifest, credentials)
        renewed = self._connections.replace(own.record.connection, credentials)
        for feed_id in self._feed_ids(own):
            self._feeds.renew(feed_id, renewed, self._wanted(), of=connection_id, under=None)
        feeds = [feed for feed_id in self._feed_ids(own) if (feed := self._feeds.get(feed_id)) is not None]
        wake(self._queue, feeds or [self._begin_again(renewed, manifest, plan)], self._clock.now())

    @staticmethod
    def _feed_ids(own: OwnConnection) -> Sequence[str]:
        """Those that the index knows, and the first one, which it may not know yet."""
        known = [feed.feed_id for feed in own.feeds if feed.purpose is not FeedPurpose.ERASE]
        return sorted({*known, first_feed_id(own.record.connection.connection_id)})

    def _begin_again(self, connection: Connection, manifest: Manifest, plan: Plan) -> Feed:
        """The first feed of a connection whose making was interrupted before it had any."""
        terms = Terms(
            plan=plan, interval_min=effective_interval(None, plan, manifest.useful_interval_min), chosen_min=None
        )
        feed = first_feed(connection, manifest.fetch_scope, terms, self._wanted())
        self._feeds.create(feed)
        return feed

    def _wanted(self) -> Wanted:
        return Wanted(job_id=self._ids.new("job"), kind=RequestedBy.CONNECT, not_before=self._clock.now())
