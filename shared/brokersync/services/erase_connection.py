"""Everything that a removed connection left is deleted, piece by piece; a run that ends early is continued."""

import logging

from brokersync.domain.feeds import Feed, FeedPurpose, Lease
from brokersync.domain.identity import first_feed_id
from brokersync.ports.world import Deadline
from brokersync.services.conclude import Completed, OutOfTime
from brokersync.services.open_broker import SyncPorts

log = logging.getLogger(__name__)


class EraseConnection:
    """The run of an erase feed. What says where there is more to delete, accounts and feeds, goes last."""

    def __init__(self, ports: SyncPorts) -> None:
        self._feeds = ports.stores.feeds
        self._accounts = ports.stores.accounts
        self._erasing = ports.erasing
        self._clock = ports.clock

    def run(self, feed: Feed, lease: Lease, deadline: Deadline) -> Completed | OutOfTime:
        """Delete until nothing is left, or the time is up. Raises LeaseLostError.

        Accounts that another connection has taken over are its own now, and stay.
        """
        connection_id = feed.connection_id
        accounts = [one for one in self._accounts.of_user(feed.user_id) if one.connection_id == connection_id]
        for account in accounts:
            if not self._erasing.account(lease, connection_id, account.account_id, deadline):
                return OutOfTime()
        feeds = [one for one in self._feeds.of_user(feed.user_id) if one.connection_id == connection_id]
        left = {one.feed_id for one in feeds if one.purpose is not FeedPurpose.ERASE}
        # The set-up feed removed itself long ago, but its runs may be there.
        for feed_id in sorted({*left, first_feed_id(connection_id)}):
            if not self._erasing.feed(lease, connection_id, feed_id, deadline):
                return OutOfTime()
        self._erasing.end(lease, connection_id, self._clock.now())
        log.info("connection_erased", extra={"connection_id": connection_id})
        return Completed()
