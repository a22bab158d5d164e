"""What a simulated IBKR account truly did, as a ledger should hold it: written from the books, not from statements."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from local.simulators.ibkr_flex_book import Book, Cash, Fill
from local.simulators.ibkr_flex_calendar import nanoseconds
from local.simulators.ibkr_flex_market import Contract

_CLASSES: Final = {"STK": "stock", "OPT": "option", "FUT": "future", "CASH": "forex"}
_EFFECTS: Final = {"O": "open", "C": "close", "C;O": "close_and_open"}
_REASONS: Final = {"Ep": "expiry", "Ex": "exercise", "A": "assignment"}
_KINDS: Final = {
    "Broker Interest Received": "interest",
    "Other Fees": "fee",
    "Dividends": "dividend",
    "Withholding Tax": "tax",
}


def truth_of(book: Book, built: date, since_ns: int) -> Mapping[str, object]:
    """The account at the end of the day that is built; entries at or after `since_ns` (UTC nanoseconds)."""
    fills = [_execution(book, fill) for fill in book.fills_known(date.min, built, built)]
    standing = book.standing(built, built)
    cash = [_cash_event(book, booking) for booking in book.cash_known(date.min, built, built)]
    return {
        "broker_account_id": book.account,
        "currency": book.base,
        "as_of": built.isoformat(),
        "balance": text(standing.cash),
        "equity": text(standing.net_value),
        "positions": {one.contract.symbol: text(one.quantity) for one in standing.holdings},
        "executions": [one for one in fills if int(str(one["executed_at_ns"])) >= since_ns],
        "cash_events": [one for one in cash if int(str(one["occurred_at_ns"])) >= since_ns],
    }


def _execution(book: Book, fill: Fill) -> dict[str, object]:
    contract = fill.contract
    fees = {"commission": -fill.commission} | ({"tax": -fill.tax} if fill.tax else {})
    return {
        "broker_account_id": book.account,
        "source_trade_id": str(fill.transaction_id),
        "symbol": contract.symbol,
        "asset_class": _CLASSES[contract.category],
        "side": "buy" if fill.quantity > 0 else "sell",
        "quantity": text(abs(fill.quantity)),
        "price": text(fill.price),
        "currency": contract.currency,
        "executed_at_ns": nanoseconds(fill.at),
        "kind": "cancel" if fill.cancels else "trade",
        "multiplier": str(contract.multiplier),
        "fees": {name: text(amount) for name, amount in fees.items()},
        "fee_currency": fill.commission_currency,
        "realised_pnl": text(fill.pnl),
        "effect": _EFFECTS.get(fill.effect),
        "order_id": "" if fill.order_id == fill.transaction_id else str(fill.order_id),
        "trade_ref": str(fill.trade_id or ""),
        "cancels_trade_id": str(fill.cancels.transaction_id) if fill.cancels else "",
        "reason": "cancel" if fill.cancels else next((_REASONS[code] for code in fill.codes if code in _REASONS), ""),
        "contract": _contract(contract),
    }


def _contract(contract: Contract) -> dict[str, str]:
    told = {
        "conid": str(contract.conid),
        "isin": contract.isin,
        "underlying": contract.underlying,
        "expiry": f"{contract.expiry:%Y%m%d}" if contract.expiry else "",
        "strike": text(contract.strike) if contract.strike is not None else "",
        "put_call": contract.put_call,
    }
    return {name: value for name, value in told.items() if value}


def _cash_event(book: Book, booking: Cash) -> dict[str, object]:
    moved = "withdrawal" if booking.amount < 0 else "deposit"
    return {
        "broker_account_id": book.account,
        "source_id": str(booking.transaction_id),
        "kind": _KINDS.get(booking.kind, moved),
        "amount": text(booking.amount),
        "currency": booking.currency,
        "occurred_at_ns": nanoseconds(booking.at),
        "symbol": booking.contract.symbol if booking.contract else "",
        "description": booking.description,
    }


def text(number: Decimal) -> str:
    """A number without exponent and trailing zeros: equal numbers, equal texts."""
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain
