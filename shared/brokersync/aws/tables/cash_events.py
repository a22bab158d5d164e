"""The cash events table: deposits, financing, dividends, fees, taxes, adjustments, append-only."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.attributes import RecordAttribute
from brokersync.aws.tables.base import settings
from brokersync.aws.tables.ledger import LedgerItem
from brokersync.domain.trades import CashEvent


class CashEventItem(LedgerItem):
    """One version of a cash event."""

    Meta = settings("cash_events")

    source_id = UnicodeAttribute(range_key=True)
    entry = RecordAttribute(CashEvent, attr_name="event")
