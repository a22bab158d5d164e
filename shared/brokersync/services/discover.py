"""A new connection's accounts, found by asking the broker: each gets its feed, and the set-up feed is done."""

from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.feeds import Feed, Lease
from brokersync.services.conclude import Completed
from brokersync.services.connect_broker import wake
from brokersync.services.new_feeds import NewFeeds, Terms
from brokersync.services.open_broker import OpenBroker, SyncPorts
from brokersync.services.relink import Relink


class Discover:
    """The run of a set-up feed. A worker that dies at any line is repeated: what is there already stays."""

    def __init__(self, ports: SyncPorts, relink: Relink) -> None:
        self._feeds = ports.stores.feeds
        self._queue = ports.queue
        self._clock = ports.clock
        self._new_feeds = NewFeeds(
            feeds=ports.stores.feeds,
            accounts=ports.stores.accounts,
            relink=relink,
            clock=ports.clock,
            ids=ports.ids,
        )

    def run(self, feed: Feed, lease: Lease, broker: OpenBroker) -> Completed:
        """Verify the credentials by listing what they open, and give each account its feed, owing its first sync.

        Raises what `list_accounts` raises, UserActionNeededError (setup_incomplete without any account,
        already_connected) and LeaseLostError.
        """
        found = broker.provider.list_accounts(broker.context)
        if not found:
            raise UserActionNeededError(
                ErrorCode.SETUP_INCOMPLETE, f"{broker.provider.manifest.name} lets us in, but shows no account."
            )
        places = self._new_feeds.places(broker.connection, found)
        terms = Terms(plan=feed.plan, interval_min=feed.interval_min, chosen_min=feed.chosen_min)
        feeds = self._new_feeds.make(broker.connection, places, terms, under=lease)
        wake(self._queue, feeds, self._clock.now())
        return Completed()
