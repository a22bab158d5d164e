"""Activities to executions and cash events. Pure.

Source: docs.snaptrade.com, List account activities. Types are SnapTrade's best effort: a type that it doesn't know is
the broker's own word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from brokersync.brokers.snaptrade.models import NEW_YORK, Activity, OptionSymbol, Symbol
from brokersync.domain.money import plain
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import AssetClass, CashEvent, CashKind, Effect, Execution, Side

_ONE: Final = Decimal(1)
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_ENDS: Final = {"OPTIONEXPIRATION": "expiry", "OPTIONASSIGNMENT": "assignment", "OPTIONEXERCISE": "exercise"}
_EFFECTS: Final = {
    "BUY_TO_OPEN": Effect.OPEN,
    "SELL_TO_OPEN": Effect.OPEN,
    "BUY_TO_CLOSE": Effect.CLOSE,
    "SELL_TO_CLOSE": Effect.CLOSE,
}
_REINVESTED: Final = frozenset({"REI", "REINVEST"})
_ASSET_CLASSES: Final[Mapping[str, AssetClass]] = {
    "ad": AssetClass.STOCK,
    "bnd": AssetClass.BOND,
    "cef": AssetClass.FUND,
    "crypto": AssetClass.CRYPTO,
    "cs": AssetClass.STOCK,
    "et": AssetClass.FUND,
    "oef": AssetClass.FUND,
    "pm": AssetClass.OTHER,
    "ps": AssetClass.STOCK,
    "rt": AssetClass.WARRANT,
    "struct": AssetClass.BOND,
    "ut": AssetClass.STOCK,
    "wi": AssetClass.STOCK,
    "wt": AssetClass.WARRANT,
}
_CASH_KINDS: Final[Mapping[str, CashKind]] = {
    "ADJUSTMENT": CashKind.ADJUSTMENT,
    "CASH": CashKind.OTHER,
    "CONTRIBUTION": CashKind.DEPOSIT,
    "CORP_ACTION": CashKind.ADJUSTMENT,
    "DISTRIBUTION": CashKind.DIVIDEND,
    "DIV": CashKind.DIVIDEND,
    "DIVIDEND": CashKind.DIVIDEND,
    "EXTERNAL_ASSET_TRANSFER_IN": CashKind.TRANSFER,
    "EXTERNAL_ASSET_TRANSFER_OUT": CashKind.TRANSFER,
    "FEE": CashKind.FEE,
    "INTEREST": CashKind.INTEREST,
    "INTERNAL_ASSET_TRANSFER_IN": CashKind.TRANSFER,
    "INTERNAL_ASSET_TRANSFER_OUT": CashKind.TRANSFER,
    "INTERNAL_CASH_TRANSFER_IN": CashKind.TRANSFER,
    "INTERNAL_CASH_TRANSFER_OUT": CashKind.TRANSFER,
    "REBATE": CashKind.FEE,
    "REI": CashKind.DIVIDEND,
    "REINVEST": CashKind.DIVIDEND,
    "RETURN_OF_CAPITAL": CashKind.DIVIDEND,
    "REVERSE_SPLIT": CashKind.ADJUSTMENT,
    "SPINOFF": CashKind.ADJUSTMENT,
    "SPLIT": CashKind.ADJUSTMENT,
    "SPLIT_REVERSE": CashKind.ADJUSTMENT,
    "STOCK_DIVIDEND": CashKind.DIVIDEND,
    "STOCK_MERGER": CashKind.ADJUSTMENT,
    "SUBSTITUTE_DIVIDEND": CashKind.DIVIDEND,
    "TAX": CashKind.TAX,
    "TRANSFER": CashKind.TRANSFER,
    "TRANSFER_IN": CashKind.TRANSFER,
    "TRANSFER_OUT": CashKind.TRANSFER,
    "WITHDRAWAL": CashKind.WITHDRAWAL,
}


class RowProblem(ValueError):  # noqa: N818 (what is wrong with a row; it ends as Unmapped)
    """A row that reads well but can't be what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What an activity is about."""

    symbol: str
    asset_class: AssetClass
    multiplier: Decimal = _ONE
    contract: Mapping[str, str] = field(default_factory=dict)


def entry_of(row: Activity, account: str) -> Execution | CashEvent:
    """What an activity is in the ledger. Raises RowProblem for one that could be a trade but can't be told to be."""
    traded = _instrument(row)
    if row.type in _SIDES:
        return _trade(row, traded, account)
    if row.type in _ENDS and row.units:
        return _end(row, traded, account)
    if row.type in _REINVESTED and row.units and row.price:
        return replace(_trade(row, traded, account), reason="reinvestment")
    if row.type not in _CASH_KINDS and traded is not None and row.units and row.price:
        raise RowProblem(f"type: {row.type[:40]!r} is not known, and the row could be a trade")
    return _cash(row, traded, account)


def _trade(row: Activity, traded: Instrument | None, account: str) -> Execution:
    if traded is None:
        raise RowProblem(f"{row.type}: neither symbol nor option_symbol says what was traded")
    if not row.units:
        raise RowProblem(f"{row.type}: units are {'0' if row.units == 0 else 'missing'}")
    if row.price is None:
        raise RowProblem(f"{row.type}: the price is missing")
    if row.type == "BUY" and row.units < 0:
        raise RowProblem("BUY: units are below 0, so it may take another trade back")
    side = _SIDES.get(row.type) or (Side.BUY if row.units > 0 else Side.SELL)
    currency = _currency(row)
    return Execution(
        broker_account_id=account,
        source_trade_id=row.id,
        symbol=traded.symbol,
        asset_class=traded.asset_class,
        side=side,
        quantity=row.units.copy_abs(),
        price=row.price,
        currency=currency,
        executed_at=_when(row),
        multiplier=traded.multiplier,
        fees={"fee": row.fee} if row.fee else {},
        fee_currency=currency if row.fee else "",
        effect=_EFFECTS.get(row.option_type),
        order_id=row.external_reference_id,
        contract=traded.contract,
    )


def _end(row: Activity, traded: Instrument | None, account: str) -> Execution:
    """An option that expires, is exercised or assigned, at the price 0; or the shares that change hands with it."""
    closes = traded is not None and traded.asset_class is AssetClass.OPTION
    priced = row.model_copy(update={"price": Decimal(0)}) if closes else row
    return replace(_trade(priced, traded, account), effect=Effect.CLOSE if closes else None, reason=_ENDS[row.type])


def _cash(row: Activity, traded: Instrument | None, account: str) -> CashEvent:
    moved = row.units if row.units and not row.amount else None
    if row.amount is None and moved is None and row.type not in _CASH_KINDS:
        raise RowProblem(f"type: {row.type[:40]!r} is not known, and neither amount nor units say what moved")
    what = f"{plain(moved)} {traded.symbol if traded else 'units'}" if moved else ""
    amount = row.amount or Decimal(0)
    return CashEvent(
        broker_account_id=account,
        source_id=row.id,
        kind=_CASH_KINDS.get(row.type, CashKind.OTHER),
        amount=amount,
        currency=_currency(row) if amount else row.currency.code,
        occurred_at=_when(row),
        symbol=traded.symbol if traded else "",
        description=": ".join(filter(None, (row.type, row.description, what))),
    )


def _currency(row: Activity) -> str:
    """What the amounts are in. Raises RowProblem where nothing says it."""
    quote = row.currency_universal_symbol
    found = row.currency.code or (quote.raw_symbol or quote.symbol if quote else "")
    if not found:
        raise RowProblem(f"{row.type}: neither currency nor currency_universal_symbol says what the amounts are in")
    return found


def _when(row: Activity) -> BrokerTime:
    """The recorded time; many brokers tell only a day, which comes as its midnight in New York or in UTC.

    Raises RowProblem where there is none at all.
    """
    if row.trade_date is None:
        if row.settlement_date is None:
            raise RowProblem(f"{row.type}: neither trade_date nor settlement_date says when it was")
        return replace(row.settlement_date, zone=f"{row.settlement_date.zone}; settlement, as no trade date is told")
    local = row.trade_date.utc.astimezone(ZoneInfo(NEW_YORK))
    if row.trade_date.ns % 1_000_000_000 == 0 and (local.hour, local.minute, local.second) == (0, 0, 0):
        return replace(row.trade_date, zone=f"{NEW_YORK}, probably a date only")
    return row.trade_date


def _instrument(row: Activity) -> Instrument | None:
    if row.option_symbol is not None:
        return _option(row.option_symbol)
    if row.symbol is not None and (row.symbol.symbol or row.symbol.raw_symbol):
        return _security(row.symbol)
    return None


def _security(symbol: Symbol) -> Instrument:
    return Instrument(
        symbol=symbol.symbol or symbol.raw_symbol,
        asset_class=_ASSET_CLASSES.get(symbol.type.code.lower(), AssetClass.OTHER),
    )


def _option(option: OptionSymbol) -> Instrument:
    contract = {
        "underlying": option.underlying_symbol.symbol or option.underlying_symbol.raw_symbol,
        "expiry": option.expiration_date.isoformat() if option.expiration_date else "",
        "put_call": option.option_type[:1].upper(),
        "strike": plain(option.strike_price) if option.strike_price is not None else "",
    }
    return Instrument(
        symbol=option_ticker(option.ticker),
        asset_class=AssetClass.OPTION,
        multiplier=option.multiplier,
        contract={name: text for name, text in contract.items() if text},
    )


def option_ticker(ticker: str) -> str:
    """An OCC ticker without the blanks that fill its root up: AAPL261218C00240000."""
    return "".join(ticker.split())
