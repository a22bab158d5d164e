"""What an account holds: its figures and its open positions, from whichever answers list them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import IntEnum

from brokersync.brokers.oanda.models import Account, DependentOrder, Figures, Position, PositionSide, Trade
from brokersync.domain.money import BadNumberError, decimal_from
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.portfolio import Position as OpenPosition
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import Side

_CENTS = Decimal("0.01")


class Detail(IntEnum):
    """How much a list of positions says: of several about one account, the one that says most is taken."""

    ONE = 0  # one Trade or position out of perhaps many
    COUNT = 1  # the summary's count of open Trades, which is 0
    POSITIONS = 2  # sums per instrument
    TRADES = 3  # every open Trade


def balance(account: str, currency: str, figures: Figures, cash: Decimal | None, as_of: BrokerTime) -> Balance:
    """The figures of an account. The margin level is equity in percent of the margin used, as on trading platforms."""
    return Balance(
        broker_account_id=account,
        currency=currency,
        as_of=as_of,
        balance=cash,
        equity=figures.nav,
        margin=figures.margin_used,
        free_margin=figures.margin_available,
        margin_level=_margin_level(figures),
    )


def _margin_level(figures: Figures) -> Decimal | None:
    if figures.nav is None or not figures.margin_used:
        return None
    try:
        return decimal_from((figures.nav / figures.margin_used * 100).quantize(_CENTS), "margin level")
    except (InvalidOperation, BadNumberError):
        return None  # absurd figures have no level, but are figures all the same


def orders_by_id(account: Account) -> Mapping[str, DependentOrder]:
    """The orders that the Trades of a whole account refer to."""
    return {order.id: order for order in account.orders if order.id}


def from_trades(
    trades: Iterable[Trade],
    account: str,
    currency: str,
    as_of: BrokerTime,
    orders: Mapping[str, DependentOrder] | None = None,
) -> Iterator[OpenPosition]:
    """One position per open Trade; closed ones are left out."""
    for trade in trades:
        if trade.state == "CLOSED" or trade.current_units == 0:
            continue
        take_profit, stop_loss = _protection(trade, orders or {})
        yield OpenPosition(
            broker_account_id=account,
            symbol=trade.instrument,
            side=Side.BUY if trade.current_units > 0 else Side.SELL,
            volume=trade.current_units.copy_abs(),
            as_of=as_of,
            currency=currency,
            position_id=trade.id,
            open_price=trade.price,
            opened_at=trade.open_time,
            stop_loss=stop_loss,
            take_profit=take_profit,
            profit=trade.unrealized_pl,
            swap=trade.financing,
        )


def from_positions(
    positions: Iterable[Position], account: str, currency: str, as_of: BrokerTime
) -> Iterator[OpenPosition]:
    """One position per instrument and side that isn't flat."""
    for position in positions:
        for side, held in ((Side.BUY, position.long), (Side.SELL, position.short)):
            if held.units:
                yield _side(position.instrument, side, held, account, currency, as_of)


def _side(symbol: str, side: Side, held: PositionSide, account: str, currency: str, as_of: BrokerTime) -> OpenPosition:
    return OpenPosition(
        broker_account_id=account,
        symbol=symbol,
        side=side,
        volume=held.units.copy_abs(),
        as_of=as_of,
        currency=currency,
        open_price=held.average_price,
        profit=held.unrealized_pl,
        swap=held.financing,
    )


def _protection(trade: Trade, orders: Mapping[str, DependentOrder]) -> tuple[Decimal | None, Decimal | None]:
    """Take profit and stop loss prices; of the three kinds of stop a Trade has at most one."""
    take_profit = trade.take_profit or orders.get(trade.take_profit_id)
    stop = (
        trade.stop_loss
        or trade.guaranteed_stop_loss
        or trade.trailing_stop_loss
        or orders.get(trade.stop_loss_id)
        or orders.get(trade.guaranteed_stop_loss_id)
        or orders.get(trade.trailing_stop_loss_id)
    )
    stop_price = None
    if stop is not None:
        stop_price = stop.price if stop.price is not None else stop.trailing_stop_value
    return take_profit.price if take_profit else None, stop_price


class Holdings:
    """Gathers the positions of several answers: per account the list that says most, and of equals the later one."""

    def __init__(self) -> None:
        self._best: dict[str, tuple[Detail, PositionsSection]] = {}

    def add(self, detail: Detail, section: PositionsSection) -> None:
        """Take a list of positions into account."""
        known = self._best.get(section.broker_account_id)
        if known is None or detail > known[0] or (detail == known[0] and detail is not Detail.ONE):
            self._best[section.broker_account_id] = detail, section
        elif detail is known[0] is Detail.ONE:
            both = (*known[1].positions, *section.positions)
            self._best[section.broker_account_id] = (
                detail,
                PositionsSection(broker_account_id=section.broker_account_id, as_of=section.as_of, positions=both),
            )

    def sections(self) -> list[PositionsSection]:
        """The positions of every account that said something about them."""
        return [section for _, section in self._best.values()]
