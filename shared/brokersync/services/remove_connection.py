"""A trader disconnects: nothing runs any more, no secret is left, and what was loaded stays or is erased, as asked."""

from datetime import datetime

from brokersync.domain.feeds import Feed, FeedPurpose, Wanted
from brokersync.domain.identity import erase_feed_id, first_feed_id
from brokersync.domain.plans import Plan
from brokersync.domain.runs import RequestedBy
from brokersync.ports.connections import ConnectionWriter
from brokersync.ports.feeds import Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.world import Clock, Ids
from brokersync.services.connect_broker import wake
from brokersync.services.own_connections import OwnConnections

ERASE_INTERVAL_MIN = 60  # how often an erasure that failed begins again


class RemoveConnection:
    """Disconnects."""

    def __init__(
        self,
        own: OwnConnections,
        connections: ConnectionWriter,
        feeds: Feeds,
        queue: SyncQueue,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._own = own
        self._connections = connections
        self._feeds = feeds
        self._queue = queue
        self._clock = clock
        self._ids = ids

    def run(self, user_id: str, connection_id: str, *, erase: bool) -> None:
        """Disconnect, and with `erase` owe the deletion of everything. Doing it again, either way, is harmless.

        Raises ConnectionNotFoundError.
        """
        own = self._own.one(user_id, connection_id)
        self._connections.disconnect(connection_id)
        # The first feed is closed by its id: the index may not know it yet, and it is the one that makes others.
        found = {feed.feed_id for feed in own.feeds if feed.purpose is not FeedPurpose.ERASE}
        closed = [self._feeds.close(feed_id, connection_id) for feed_id in {*found, first_feed_id(connection_id)}]
        receipt = own.record.receipt
        if erase and (receipt is None or receipt.finished_at is None):
            self._connections.open_receipt(connection_id)
            held = [feed.lease.until for feed in closed if feed is not None and feed.lease is not None]
            self._owe_erasure(user_id, connection_id, own.record.connection.broker, max([self._clock.now(), *held]))

    def _owe_erasure(self, user_id: str, connection_id: str, broker: str, not_before: datetime) -> None:
        """The work of deleting, from when on no worker is left who could still store something."""
        feed = Feed(
            feed_id=erase_feed_id(connection_id),
            user_id=user_id,
            connection_id=connection_id,
            connection_version=0,
            broker=broker,
            plan=Plan.FREE,
            interval_min=ERASE_INTERVAL_MIN,
            accounts={},
            purpose=FeedPurpose.ERASE,
            wanted=Wanted(job_id=self._ids.new("job"), kind=RequestedBy.BACKFILL, not_before=not_before),
        )
        if self._feeds.get(feed.feed_id) is None:
            self._feeds.create(feed)
        wake(self._queue, [feed], self._clock.now())
