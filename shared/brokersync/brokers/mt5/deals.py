"""A deal to executions and cash events. Pure.

Every amount of a deal comes out once, so that balances can be added up from the ledger: profit as realised P&L,
commission and fee as fees, swap as a financing event of its own, and the total of a balance operation as one event.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from brokersync.brokers.mt5.models import Deal, DealType, Entry, MarginMode
from brokersync.brokers.mt5.server_clock import ServerClock
from brokersync.domain.trades import AssetClass, CashEvent, CashKind, Effect, Execution, ExecutionKind, Side

_SIDES: Final[Mapping[int, Side]] = {
    DealType.BUY: Side.BUY,
    DealType.SELL: Side.SELL,
    DealType.BUY_CANCELED: Side.BUY,
    DealType.SELL_CANCELED: Side.SELL,
}
_KNOWN_TYPES: Final = frozenset(DealType)
_CANCELLED: Final = frozenset({DealType.BUY_CANCELED, DealType.SELL_CANCELED})
_EFFECTS: Final[Mapping[int, Effect]] = {
    Entry.IN: Effect.OPEN,
    Entry.OUT: Effect.CLOSE,
    Entry.INOUT: Effect.CLOSE_AND_OPEN,
    Entry.OUT_BY: Effect.CLOSE,
}
# BALANCE goes by its sign. Credit and bonus are the broker's money, lent or given: neither a deposit nor income.
_CASH: Final[Mapping[int, CashKind]] = {
    DealType.CREDIT: CashKind.OTHER,
    DealType.CHARGE: CashKind.FEE,
    DealType.CORRECTION: CashKind.ADJUSTMENT,
    DealType.BONUS: CashKind.OTHER,
    DealType.COMMISSION: CashKind.FEE,
    DealType.COMMISSION_DAILY: CashKind.FEE,
    DealType.COMMISSION_MONTHLY: CashKind.FEE,
    DealType.COMMISSION_AGENT_DAILY: CashKind.FEE,
    DealType.COMMISSION_AGENT_MONTHLY: CashKind.FEE,
    DealType.INTEREST: CashKind.INTEREST,
    DealType.DIVIDEND: CashKind.DIVIDEND,
    DealType.DIVIDEND_FRANKED: CashKind.DIVIDEND,
    DealType.TAX: CashKind.TAX,
}
# ENUM_DEAL_REASON.
_REASONS: Final = ("CLIENT", "MOBILE", "WEB", "EXPERT", "SL", "TP", "SO", "ROLLOVER", "VMARGIN", "SPLIT")

# fmt: off
_CURRENCIES: Final = frozenset({
    "AUD", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS",
    "INR", "JPY", "KRW", "MXN", "NOK", "NZD", "PLN", "RON", "RUB", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR",
})
# fmt: on
_PAIR: Final = re.compile(r"([A-Z]{3})([A-Z]{3})(?![A-Z])")  # brokers append marks: EURUSD.r, EURUSDm


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a deal doesn't say of itself: its account, that one's currency and margin mode, and the server's clock."""

    section: str
    login: str
    currency: str
    margin_mode: int
    clock: ServerClock


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDeal:
    """What a deal says; `problem` is why nothing could be made of it."""

    executions: Sequence[Execution] = ()
    cash_events: Sequence[CashEvent] = ()
    problem: str = ""


def read_deal(deal: Deal, source: Source) -> ReadDeal:
    """A trade, a cancelled trade, or a balance operation."""
    if deal.type in _SIDES:
        return _trade(deal, _SIDES[deal.type], source)
    if deal.type == DealType.BALANCE:
        kind = CashKind.DEPOSIT if deal.total > 0 else CashKind.WITHDRAWAL
    elif deal.type in _CASH:
        kind = _CASH[deal.type]
    else:
        return ReadDeal(problem=f"type {deal.type} is unknown; it moved {deal.total}")
    name = DealType(deal.type).name
    event = _cash(deal, source, deal.ticket, kind, deal.total, ": ".join(filter(None, (name, deal.comment))))
    return ReadDeal(cash_events=[event] if event.amount else [])


def effect_on_balance(deal: Deal) -> Decimal | None:
    """How a deal changed the account's balance; None where that isn't known. Credit is counted beside the balance.

    A cancelled deal has lost its profit, and the balance operation that took it stands alone.
    """
    if deal.type not in _KNOWN_TYPES or deal.type in _CANCELLED:
        return None
    return Decimal(0) if deal.type == DealType.CREDIT else deal.total


def _trade(deal: Deal, side: Side, source: Source) -> ReadDeal:
    problem = _unusable(deal)
    if problem:
        return ReadDeal(problem=problem)
    fees = {"commission": -deal.commission, "fee": -deal.fee}
    opens = deal.entry == Entry.IN
    done = Execution(
        broker_account_id=source.login,
        source_trade_id=deal.ticket,
        symbol=deal.symbol,
        asset_class=_asset_class(deal.symbol, source.margin_mode),
        side=side,
        quantity=deal.volume,
        price=deal.price,
        currency=_quote_currency(deal.symbol),
        executed_at=source.clock.instant(deal.wall_ms),
        fees={name: amount for name, amount in fees.items() if amount},
        fee_currency=source.currency,
        realised_pnl=None if opens and not deal.profit else deal.profit,
        pnl_currency=source.currency,
        effect=None if deal.entry is None else _EFFECTS[deal.entry],
        order_id=deal.order,
        position_id=deal.position_id,
        reason=_reason(deal.reason),
    )
    swap = _cash(deal, source, f"{deal.ticket}:swap", CashKind.FINANCING, deal.swap, "Swap")
    return ReadDeal(
        executions=[done, _cancel_of(done)] if deal.type in _CANCELLED else [done],
        cash_events=[swap] if swap.amount else [],
    )


def _cancel_of(done: Execution) -> Execution:
    """What undoes a cancelled deal.

    MetaTrader changes the type of the deal itself, takes its profit away and books that as a balance operation. So the
    deal comes out as it is now, and a second row takes back its volume.
    """
    return replace(
        done,
        source_trade_id=f"{done.source_trade_id}:cancel",
        kind=ExecutionKind.CANCEL,
        side=Side.SELL if done.side is Side.BUY else Side.BUY,
        fees={},
        realised_pnl=None,
        effect=None,
        cancels_trade_id=done.source_trade_id,
        reason="CANCELED",
    )


def _cash(deal: Deal, source: Source, source_id: str, kind: CashKind, amount: Decimal, description: str) -> CashEvent:
    return CashEvent(
        broker_account_id=source.login,
        source_id=source_id,
        kind=kind,
        amount=amount,
        currency=source.currency,
        occurred_at=source.clock.instant(deal.wall_ms),
        symbol=deal.symbol,
        position_id=deal.position_id,
        description=description,
    )


def _unusable(deal: Deal) -> str:
    if not deal.symbol:
        return "it is a trade without a symbol"
    if deal.volume <= 0:
        return f"it is a trade of {deal.volume} lots"
    if deal.entry is not None and deal.entry not in _EFFECTS:
        return f"entry {deal.entry} is unknown"
    return ""


def _reason(reason: int | None) -> str:
    if reason is None:
        return ""
    return _REASONS[reason] if 0 <= reason < len(_REASONS) else str(reason)


def _asset_class(symbol: str, margin_mode: int) -> AssetClass:
    """Two currencies are forex. Of anything else only an exchange's account says that it is no CFD, and not what."""
    pair = _PAIR.match(symbol)
    if pair and _CURRENCIES.issuperset(pair.groups()):
        return AssetClass.FOREX
    return AssetClass.OTHER if margin_mode == MarginMode.EXCHANGE else AssetClass.CFD


def _quote_currency(symbol: str) -> str:
    """The currency of a symbol's prices, where its name tells: EURUSD, XAUUSD.r. Empty where it doesn't: US30."""
    pair = _PAIR.match(symbol)
    return pair.group(2) if pair and pair.group(2) in _CURRENCIES else ""
