"""Rows of OpenPosition."""

from typing import Final

from brokersync.brokers.ibkr_flex.rows import PositionRow
from brokersync.brokers.ibkr_flex.values import moment, number, required, required_number
from brokersync.domain.portfolio import Position
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import Side

POSITION: Final = PositionRow()


def position(row: PositionRow, account: str, as_of: BrokerTime) -> Position | None:
    """An open position, or one lot of it; None for a row that says it is closed. Raises RowError.

    A price of 0 stands for a cost that IBKR doesn't know (transferred shares).
    """
    volume = required_number(row.position, POSITION.position)
    if not volume:
        return None
    open_price = number(row.open_price, POSITION.open_price) or number(row.cost_price, POSITION.cost_price)
    return Position(
        broker_account_id=account,
        symbol=required(row.symbol, POSITION.symbol),
        side=Side.SELL if volume < 0 else Side.BUY,
        volume=volume.copy_abs(),
        as_of=as_of,
        currency=row.currency,
        position_id=row.lot or row.conid,
        open_price=open_price or None,
        opened_at=moment(row.opened_at, POSITION.opened_at) if row.opened_at else None,
        current_price=number(row.mark_price, POSITION.mark_price),
        profit=number(row.profit, POSITION.profit),
    )
