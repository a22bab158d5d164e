"""The known_trades table: a feed's filter of known trades."""

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, settings


class KnownTradesItem(Table):
    """One binary of 16 bytes per entry, and the epoch that wrote it."""

    Meta = settings("known_trades")

    feed_id = UnicodeAttribute(hash_key=True)
    epoch = IntegerAttribute()
    known = BinaryAttribute(legacy_encoding=False)
