"""ORDER_FILL: one execution per leg, and the financing that a close realises as cash events. Pure.

What a fill says as a whole is spread over its legs so that the parts add up to it exactly: a leg gets what it says of
itself, and whatever the legs leave unexplained goes to the first one (closed, reduced, opened: the order in which OANDA
works). A commission, of which legs say nothing, is therefore whole on the first leg.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from brokersync.brokers.oanda.cash import Part, spread
from brokersync.brokers.oanda.instruments import asset_class, quote_currency
from brokersync.brokers.oanda.models import Leg, OrderFill
from brokersync.domain.trades import CashEvent, CashKind, Effect, Execution, Side


class LegKind(StrEnum):
    """What a leg did to its Trade; the last part of an execution's id."""

    CLOSE = "close"
    REDUCE = "reduce"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFill:
    """What a fill says; `problems` are what could not be made an execution of, and why."""

    executions: Sequence[Execution]
    cash_events: Sequence[CashEvent]
    problems: Sequence[str]


def read_fill(fill: OrderFill, account: str, currency: str) -> ReadFill:
    """Everything that happened in a fill. `currency` is the account's, empty when it isn't known."""
    legs = list(_legs(fill))
    problems = list(_contradictions(fill, legs))
    executions: list[Execution] = []
    commission = fill.commission
    guaranteed = fill.guaranteed_execution_fee - sum((leg.guaranteed_execution_fee for _, leg in legs), Decimal(0))
    seen: set[tuple[str, LegKind]] = set()
    for kind, leg in legs:
        price = leg.price if leg.price is not None else fill.price
        problem = _unusable(kind, leg, price, seen)
        if problem or price is None:
            problems.append(problem)
            continue
        seen.add((leg.trade_id, kind))
        fees = {"commission": commission, "guaranteed_execution_fee": leg.guaranteed_execution_fee + guaranteed}
        commission = guaranteed = Decimal(0)
        executions.append(_execution(fill, kind, leg, price, fees, account, currency, closes=_closes(legs)))
    if commission or guaranteed:
        problems.append("its fees belong to no leg")
    return ReadFill(
        executions=executions, cash_events=list(_financing(fill, legs, account, currency)), problems=problems
    )


def _execution(
    fill: OrderFill,
    kind: LegKind,
    leg: Leg,
    price: Decimal,
    fees: dict[str, Decimal],
    account: str,
    currency: str,
    *,
    closes: int,
) -> Execution:
    realised = leg.realized_pl
    if realised is None and kind is not LegKind.OPEN and closes == 1:
        realised = fill.pl  # the only leg that realises anything: the fill's P&L is its own
    return Execution(
        broker_account_id=account,
        source_trade_id=f"{fill.id}:{leg.trade_id}:{kind}",
        symbol=fill.instrument,
        asset_class=asset_class(fill.instrument),
        side=Side.BUY if (fill.units or leg.units) > 0 else Side.SELL,
        quantity=leg.units.copy_abs(),
        price=price,
        currency=quote_currency(fill.instrument),
        executed_at=fill.time,
        fees={name: amount for name, amount in fees.items() if amount},
        fee_currency=currency,
        realised_pnl=realised if kind is not LegKind.OPEN else None,
        pnl_currency=currency,
        effect=Effect.OPEN if kind is LegKind.OPEN else Effect.CLOSE,
        order_id=fill.order_id,
        position_id=leg.trade_id,
        reason=fill.reason,
    )


def _legs(fill: OrderFill) -> Iterator[tuple[LegKind, Leg]]:
    for leg in fill.trades_closed or ():
        yield LegKind.CLOSE, leg
    if fill.trade_reduced is not None:
        yield LegKind.REDUCE, fill.trade_reduced
    if fill.trade_opened is not None:
        yield LegKind.OPEN, fill.trade_opened


def _closes(legs: Sequence[tuple[LegKind, Leg]]) -> int:
    return sum(kind is not LegKind.OPEN for kind, _ in legs)


def _contradictions(fill: OrderFill, legs: Sequence[tuple[LegKind, Leg]]) -> Iterator[str]:
    if fill.units == 0:
        yield "it fills 0 units"
    if not legs:
        yield "it has no legs: neither tradeOpened, tradeReduced nor tradesClosed"
        return
    total = sum((abs(leg.units) for _, leg in legs), Decimal(0))
    if total != abs(fill.units):
        yield f"its legs add up to {total} of {abs(fill.units)} units"


def _unusable(kind: LegKind, leg: Leg, price: Decimal | None, seen: set[tuple[str, LegKind]]) -> str:
    """Why a leg is no execution; empty when it is one."""
    if price is None:
        return f"the leg of Trade {leg.trade_id} ({kind}) has no price"
    if leg.units == 0:
        return f"the leg of Trade {leg.trade_id} ({kind}) has 0 units"
    if (leg.trade_id, kind) in seen:
        return f"Trade {leg.trade_id} has two legs ({kind}) in one fill"
    return ""


def _financing(
    fill: OrderFill, legs: Sequence[tuple[LegKind, Leg]], account: str, currency: str
) -> Iterator[CashEvent]:
    """Financing realised by closing: per Trade where the legs say it, else for the fill."""
    parts = [Part(leg.trade_id, fill.instrument, leg.financing) for _, leg in legs]
    total = fill.financing if fill.financing is not None else sum((part.amount for part in parts), Decimal(0))
    whole = CashEvent(
        broker_account_id=account,
        source_id=f"{fill.id}:financing",
        kind=CashKind.FINANCING,
        amount=total,
        currency=currency,
        occurred_at=fill.time,
        symbol=fill.instrument,
        description="Financing at close",
    )
    return spread(whole, parts)
