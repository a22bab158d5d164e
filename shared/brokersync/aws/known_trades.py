"""The filter of known trades (ports.KnownTrades)."""

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import any_of
from brokersync.aws.tables.known_trades import KnownTradesItem
from brokersync.domain.feeds import Lease
from brokersync.domain.known import KnownFilter


class DynamoKnownTrades:
    """Filters in DynamoDB, one item per feed: read only when a section has changed."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(KnownTradesItem)

    def load(self, feed_id: str) -> KnownFilter:
        """The filter as it was saved last; empty when nothing is known."""
        item = self._items.find(feed_id)
        return KnownFilter.from_bytes(item.known) if item else KnownFilter()

    def save(self, lease: Lease, known: KnownFilter) -> None:
        """Replace the filter, unless a later epoch has: an old filter could call a corrected trade unchanged."""
        item = self._items(lease.feed_id, epoch=lease.epoch, known=known.to_bytes())
        item.insert(any_of(KnownTradesItem.feed_id.does_not_exist(), KnownTradesItem.epoch <= lease.epoch))
