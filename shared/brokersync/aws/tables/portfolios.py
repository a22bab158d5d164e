"""The portfolios table: what an account held, one row a day."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.attributes import RecordAttribute
from brokersync.aws.tables.base import Table, settings
from brokersync.domain.portfolio import Balance, PositionsSection


class PortfolioItem(Table):
    """The sections of an account on a day (UTC, `2026-03-02`), each with the run that stored it."""

    Meta = settings("portfolios")

    account_id = UnicodeAttribute(hash_key=True)
    day = UnicodeAttribute(range_key=True)
    balance: RecordAttribute[Balance | None] = RecordAttribute(Balance, null=True)
    balance_run_id = UnicodeAttribute(null=True)
    positions: RecordAttribute[PositionsSection | None] = RecordAttribute(PositionsSection, null=True)
    positions_run_id = UnicodeAttribute(null=True)
