"""The trades table: executions, append-only."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.attributes import RecordAttribute
from brokersync.aws.tables.base import settings
from brokersync.aws.tables.ledger import LedgerItem
from brokersync.domain.trades import Execution


class TradeItem(LedgerItem):
    """One version of an execution."""

    Meta = settings("trades")

    source_id = UnicodeAttribute(range_key=True, attr_name="source_trade_id")
    entry = RecordAttribute(Execution, attr_name="execution")
