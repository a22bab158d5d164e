"""Rows of executions: Trade of an Activity statement (AF), TradeConfirm of a Trade Confirmation statement (TCF)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from brokersync.brokers.ibkr_flex.rows import ACTIVITY, TradeRow
from brokersync.brokers.ibkr_flex.values import RowError, missing, moment, number, required, required_number
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import AssetClass, CashEvent, CashKind, Effect, Execution, ExecutionKind, Side

_CANCELS = frozenset({"TradeCancel", "FracShareCancel"})

_ASSET_CLASSES = {
    "STK": AssetClass.STOCK,
    "OPT": AssetClass.OPTION,
    "FUT": AssetClass.FUTURE,
    "FOP": AssetClass.FUTURE_OPTION,
    "FSFOP": AssetClass.FUTURE_OPTION,
    "CASH": AssetClass.FOREX,
    "CFD": AssetClass.CFD,
    "WAR": AssetClass.WARRANT,
    "IOPT": AssetClass.WARRANT,
    "FUND": AssetClass.FUND,
    "BOND": AssetClass.BOND,
    "BILL": AssetClass.BOND,
    "CRYPTO": AssetClass.CRYPTO,
}
_DERIVATIVES = frozenset({AssetClass.OPTION, AssetClass.FUTURE, AssetClass.FUTURE_OPTION})
_TYPE_REASONS = {
    "BookTrade": "book_trade",
    "TradeCancel": "cancel",
    "TradeCorrect": "correction",
    "FracShare": "fractional_share",
    "FracShareCancel": "cancel",
    "DvpTrade": "delivery_versus_payment",
}
_EFFECTS = {"O": Effect.OPEN, "C": Effect.CLOSE, "C;O": Effect.CLOSE_AND_OPEN}
_CODE_REASONS = {
    "Ep": "expiry",
    "Ex": "exercise",
    "A": "assignment",
    "L": "liquidation",
    "Co": "correction",
    "AFx": "auto_forex",
}


def is_execution(row: TradeRow) -> bool:
    """Whether the row is one execution; orders, summaries and closed lots tell the same fills once more.

    Where levelOfDetail is not selected, only a single execution has an id. Raises RowError when there is neither.
    """
    if row.level:
        return row.level == "EXECUTION"
    if row.transaction_id or row.exec_id or row.trade_id:
        return True
    raise RowError(ACTIVITY.level, "without it or an id a fill can't be told from a sum: select both")


def execution(row: TradeRow, names: TradeRow, account: str) -> Execution:
    """One fill, book trade or cancel row. `source_trade_id` is empty where the row has no id of its own.

    `names` are the row's attribute names, for errors. `realised_pnl` is IBKR's own figure (fifoPnlRealized): it counts
    the commissions of opening and closing, which a row doesn't let us take out again. Raises RowError.
    """
    asset_class = _ASSET_CLASSES.get(required(row.asset, names.asset), AssetClass.OTHER)
    codes = row.codes.split(";")
    cancels = row.kind in _CANCELS or row.side.endswith("(Ca.)") or ("Ca" in codes and not (row.kind or row.side))
    quantity = required_number(row.quantity, names.quantity)
    fee_currency = row.commission_currency or ("" if asset_class is AssetClass.FOREX else row.currency)
    return Execution(
        broker_account_id=account,
        source_trade_id=row.transaction_id or (f"exec:{row.exec_id}" if row.exec_id else ""),
        symbol=required(row.symbol, names.symbol),
        asset_class=asset_class,
        side=_side(quantity, row.side, cancels=cancels),
        quantity=quantity.copy_abs(),
        price=required_number(row.price, names.price),
        currency=required(row.currency, names.currency),
        executed_at=_executed_at(row, names),
        kind=ExecutionKind.CANCEL if cancels else ExecutionKind.TRADE,
        multiplier=_multiplier(row, asset_class),
        fees=_fees(row, names, same_currency=fee_currency == row.currency),
        fee_currency=fee_currency,
        realised_pnl=number(row.profit, names.profit),
        effect=_effect(row, codes),
        # A book trade has no order: IBKR repeats the transaction's id.
        order_id="" if row.order_id == row.transaction_id else row.order_id,
        trade_ref=row.trade_id,
        cancels_trade_id=_reference(row.orig_transaction_id) if cancels else "",
        cancels_trade_ref=_reference(row.orig_trade_id) if cancels else "",
        reason=_reason(row.kind, codes),
        contract={
            name: value
            for name, value in (
                ("conid", row.conid),
                ("isin", row.isin),
                ("underlying", row.underlying),
                ("expiry", row.expiry),
                ("strike", row.strike),
                ("put_call", row.put_call),
            )
            if value
        },
    )


def tax_event(row: TradeRow, names: TradeRow, trade: Execution) -> CashEvent | None:
    """The tax of a trade whose commission is in another currency: fees have one currency, so it is cash of its own."""
    if trade.fee_currency == trade.currency or not (tax := number(row.tax, names.tax)):
        return None
    return CashEvent(
        broker_account_id=trade.broker_account_id,
        source_id=f"tax:{trade.source_trade_id}",
        kind=CashKind.TAX,
        amount=tax,
        currency=trade.currency,
        occurred_at=trade.executed_at,
        symbol=trade.symbol,
        description=f"Tax on trade {trade.source_trade_id}",
    )


def find_cancelled(executions: Sequence[Execution]) -> Sequence[Execution]:
    """The executions, each cancel row with the id of what it undoes where these executions show it.

    A rebook repeats the tradeID of what was cancelled, so tradeID alone would find the rebook: only the order in which
    they were booked tells them apart.
    """
    groups: dict[tuple[str, str], list[Execution]] = {
        (trade.broker_account_id, trade.cancels_trade_ref): []
        for trade in executions
        if trade.cancels_trade_ref and not trade.cancels_trade_id
    }
    if not groups:
        return executions
    for trade in executions:
        group = groups.get((trade.broker_account_id, trade.cancels_trade_ref or trade.trade_ref))
        if group is not None:
            group.append(trade)
    undone: dict[str, str] = {}
    for group in groups.values():
        undone |= _undone(group)
    return [
        replace(trade, cancels_trade_id=undone[trade.source_trade_id]) if trade.source_trade_id in undone else trade
        for trade in executions
    ]


def _undone(group: Sequence[Execution]) -> dict[str, str]:
    """Of executions with one tradeID: which cancel row undoes which of them."""
    if all(trade.source_trade_id.isdigit() for trade in group):
        group = sorted(group, key=lambda trade: int(trade.source_trade_id))  # IBKR's ids rise as trades are booked
    undone: dict[str, str] = {}
    standing: list[Execution] = []
    for trade in group:
        if trade.kind is ExecutionKind.TRADE:
            standing.append(trade)
            continue
        for target in reversed(standing):
            if target.side is not trade.side and target.quantity == trade.quantity:
                standing.remove(target)
                undone[trade.source_trade_id] = target.source_trade_id
                break
    return undone


def _side(quantity: Decimal, said: str, *, cancels: bool) -> Side:
    """By the sign of the quantity, which a cancel row has opposite to the word beside it."""
    if not quantity:
        raise RowError("quantity", "is zero")
    side = Side.SELL if quantity < 0 else Side.BUY
    word = said.removesuffix("(Ca.)").strip()
    if word not in {"", "BUY", "SELL"}:
        raise RowError("buySell", f"{said[:60]!r} is neither BUY nor SELL")
    undoes = word != said
    if word and (undoes or not cancels) and (word.lower() == side) == undoes:
        raise RowError("quantity", f"{quantity} contradicts buySell {said!r}")
    return side


def _executed_at(row: TradeRow, names: TradeRow) -> BrokerTime:
    if row.date_time:
        return moment(row.date_time, names.date_time)
    if row.trade_time:
        return moment(f"{row.trade_date};{row.trade_time}", f"{names.trade_date};{names.trade_time}")
    return moment(row.trade_date, names.trade_date if row.trade_date else names.date_time)


def _multiplier(row: TradeRow, asset_class: AssetClass) -> Decimal:
    value = number(row.multiplier, ACTIVITY.multiplier)
    if not value and asset_class in _DERIVATIVES:
        raise missing(ACTIVITY.multiplier)
    return value or Decimal(1)


def _fees(row: TradeRow, names: TradeRow, *, same_currency: bool) -> dict[str, Decimal]:
    """By kind, positive = cost: IBKR's signs are those of the cash, so a rebate is positive there."""
    fees: dict[str, Decimal] = {}
    commission = number(row.commission, names.commission)
    if commission is not None:
        fees["commission"] = commission.copy_negate() if commission else Decimal(0)
    if same_currency and (tax := number(row.tax, names.tax)):
        fees["tax"] = tax.copy_negate()
    return fees


def _effect(row: TradeRow, codes: list[str]) -> Effect | None:
    """AF has an indicator of its own (O, C, C;O), TCF keeps it among the codes."""
    if row.effect in _EFFECTS:
        return _EFFECTS[row.effect]
    return _EFFECTS.get(";".join(sorted({"C", "O"}.intersection(codes))))


def _reason(kind: str, codes: list[str]) -> str:
    """Why there is this row, empty for an ordinary trade; a type that is new to us is told as it is."""
    if kind in _CANCELS:
        return _TYPE_REASONS[kind]
    for code in codes:
        if code in _CODE_REASONS:
            return _CODE_REASONS[code]
    return "" if kind in {"", "ExchTrade"} else _TYPE_REASONS.get(kind, kind)


def _reference(value: str) -> str:
    """An id that a row points to; IBKR writes 0 for none."""
    return "" if value == "0" else value
