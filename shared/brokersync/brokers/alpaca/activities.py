"""Activities to executions and cash events. Pure.

Four types of the non-trade activities are trades all the same: what becomes of options on or before their last day,
and the shares that change hands with it. Everything else moves cash (or holdings, with an amount of 0).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal, localcontext
from typing import Final

from brokersync.brokers.alpaca.models import NEW_YORK, Fill, NonTrade
from brokersync.brokers.alpaca.symbols import instrument
from brokersync.domain.money import plain
from brokersync.domain.times import BrokerTime, from_wall_clock
from brokersync.domain.trades import AssetClass, CashEvent, CashKind, Effect, Execution, ExecutionKind, Side

FILL: Final = "FILL"

_SIDES = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL}
_FILL_TYPES = ("", "fill", "partial_fill")
_COUNTED = ("", "executed", "correct")  # `correct` comes under an id of its own, in the place of a canceled one
_CANCELED = "canceled"
_OPTION_ENDS = time(17, 30)  # in New York: after the day's last trade in options, when exercising ends

_TRADES: Final[Mapping[str, str]] = {
    "OPASN": "assignment",
    "OPEXP": "expiry",
    "OPEXC": "exercise",
    "OPXRC": "exercise",
    "OPTRD": "option_delivery",
}
_CASH_KINDS: Final[Mapping[str, CashKind]] = {
    "ACATC": CashKind.TRANSFER,
    "ACATS": CashKind.TRANSFER,
    "CFEE": CashKind.FEE,
    "CSD": CashKind.DEPOSIT,
    "CSW": CashKind.WITHDRAWAL,
    "DIV": CashKind.DIVIDEND,
    "DIVCGL": CashKind.DIVIDEND,
    "DIVCGS": CashKind.DIVIDEND,
    "DIVFEE": CashKind.FEE,
    "DIVFT": CashKind.TAX,
    "DIVNRA": CashKind.TAX,
    "DIVROC": CashKind.DIVIDEND,
    "DIVTW": CashKind.TAX,
    "DIVTXEX": CashKind.DIVIDEND,
    "FEE": CashKind.FEE,
    "INT": CashKind.INTEREST,
    "INTNRA": CashKind.TAX,
    "INTTW": CashKind.TAX,
    "JNL": CashKind.TRANSFER,
    "JNLC": CashKind.TRANSFER,
    "JNLS": CashKind.TRANSFER,
    "MA": CashKind.ADJUSTMENT,
    "NC": CashKind.ADJUSTMENT,
    "OPCA": CashKind.ADJUSTMENT,
    "OPCSH": CashKind.ADJUSTMENT,
    "PTC": CashKind.FEE,
    "PTR": CashKind.FEE,
    "REORG": CashKind.ADJUSTMENT,
    "SC": CashKind.ADJUSTMENT,
    "SPIN": CashKind.ADJUSTMENT,
    "SPLIT": CashKind.ADJUSTMENT,
    "SSO": CashKind.ADJUSTMENT,
    "SSP": CashKind.ADJUSTMENT,
}


class RowProblem(ValueError):  # noqa: N818 (what is wrong with a row; it ends as Unmapped)
    """A row that reads well but can't be what it says."""


def execution(fill: Fill, account: str, currency: str) -> Execution:
    """One fill. Raises RowProblem for what a fill can't be."""
    side = _SIDES.get(fill.side)
    if side is None:
        raise RowProblem(f"side: {fill.side[:40]!r} is none of {', '.join(_SIDES)}")
    if fill.type not in _FILL_TYPES:
        raise RowProblem(f"type: {fill.type[:40]!r} is neither fill nor partial_fill")
    if fill.qty <= 0:
        raise RowProblem(f"qty: {plain(fill.qty)} is not above 0")
    traded = instrument(fill.symbol)
    return Execution(
        broker_account_id=account,
        source_trade_id=fill.id,
        symbol=traded.symbol,
        asset_class=traded.asset_class,
        side=side,
        quantity=fill.qty,
        price=fill.price,
        currency=traded.currency or currency,
        executed_at=fill.transaction_time,
        multiplier=traded.multiplier,
        effect=Effect.OPEN if fill.side == "sell_short" else None,
        order_id=fill.order_id,
        contract=traded.contract,
    )


def is_trade(row: NonTrade) -> bool:
    """Whether a non-trade activity is an execution all the same."""
    return row.activity_type in _TRADES


def option_event(row: NonTrade, account: str, currency: str) -> Iterator[Execution]:
    """An option that ends by expiry, exercise or assignment (at the price 0), or the delivery that follows from it.

    A canceled one is what it was, and its cancel. Raises RowProblem.
    """
    _known_status(row)
    if not row.symbol or not row.qty:
        raise RowProblem(f"{row.activity_type}: without symbol and qty it can't be told what was traded")
    traded = instrument(row.symbol)
    ends = traded.asset_class is AssetClass.OPTION
    happened = Execution(
        broker_account_id=account,
        source_trade_id=row.id,
        symbol=traded.symbol,
        asset_class=traded.asset_class,
        side=Side.BUY if row.qty > 0 else Side.SELL,
        quantity=row.qty.copy_abs(),
        price=_price(row, ends=ends),
        currency=traded.currency or currency,
        executed_at=_placed(row),
        multiplier=traded.multiplier,
        effect=Effect.CLOSE if ends else None,
        reason=_TRADES[row.activity_type],
        contract=traded.contract,
    )
    yield happened
    if row.status == _CANCELED:
        yield replace(
            happened,
            source_trade_id=f"{row.id}:canceled",
            kind=ExecutionKind.CANCEL,
            side=Side.SELL if happened.side is Side.BUY else Side.BUY,
            effect=None,
            reason="cancel",
            cancels_trade_id=row.id,
        )


def _price(row: NonTrade, *, ends: bool) -> Decimal:
    if row.price is not None:
        return row.price
    if ends:
        return Decimal(0)
    if row.net_amount is None or not row.qty:
        raise RowProblem(f"{row.activity_type}: neither price nor net_amount says what was paid")
    with localcontext(prec=28):
        return (row.net_amount / row.qty).copy_abs()


def _placed(row: NonTrade) -> BrokerTime:
    """When it happened, of which only the date is told: 17:30 in New York, or when it was written down, if earlier.

    Placed at the day's start, an option that was bought on its last day would end before it was bought.
    """
    try:
        day = date.fromisoformat(row.date.raw)
    except ValueError:
        return row.date  # a time after all
    placed = from_wall_clock(datetime.combine(day, _OPTION_ENDS), row.date.raw, NEW_YORK)
    if row.created_at is not None and row.date.ns <= row.created_at.ns < placed.ns:
        return row.created_at
    return replace(placed, zone=f"{NEW_YORK}, date only, placed at 17:30")


def cash_event(row: NonTrade, account: str, currency: str) -> CashEvent:
    """Any other activity. One that was canceled after all is kept, with the amount 0. Raises RowProblem."""
    _known_status(row)
    amount, of_asset = _amount(row)
    traded = instrument(row.symbol) if row.symbol else None
    canceled = row.status == _CANCELED
    return CashEvent(
        broker_account_id=account,
        source_id=row.id,
        kind=_kind(row, amount),
        amount=Decimal(0) if canceled else amount,
        currency=traded.base if traded and of_asset else currency,
        occurred_at=row.date,
        symbol=traded.symbol if traded else "",
        description=_description(row, amount, canceled=canceled),
    )


def _amount(row: NonTrade) -> tuple[Decimal, bool]:
    """What was moved, and whether it is in units of the asset: the fee for crypto is taken out of what was bought."""
    if row.net_amount:
        return row.net_amount, False
    if row.activity_type in ("CFEE", "FEE") and row.qty and instrument(row.symbol).asset_class is AssetClass.CRYPTO:
        return row.qty, True
    if row.net_amount is None and row.activity_type not in _CASH_KINDS:
        raise RowProblem(f"activity_type: {row.activity_type[:40]!r} is not known, and no net_amount says what moved")
    return Decimal(0), False


def _kind(row: NonTrade, amount: Decimal) -> CashKind:
    if row.activity_type == "TRANS":
        return CashKind.WITHDRAWAL if amount < 0 else CashKind.DEPOSIT
    return _CASH_KINDS.get(row.activity_type, CashKind.OTHER)


def _description(row: NonTrade, amount: Decimal, *, canceled: bool) -> str:
    """Alpaca's type and words, and how many of the symbol moved where no amount says it."""
    moved = f"{plain(row.qty)} {row.symbol}" if row.qty and row.symbol and not amount else ""
    said = ": ".join(filter(None, (row.activity_type, row.description, moved)))
    return f"canceled: {said}" if canceled else said


def _known_status(row: NonTrade) -> None:
    if row.status not in (*_COUNTED, _CANCELED):
        raise RowProblem(f"status: {row.status[:40]!r} doesn't say whether it happened")
