"""Fills to executions. Pure.

A busted fill stays in the list with `active` false: it comes out as it was, and with a row that takes it back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from brokersync.brokers.tradovate.joins import Closing, Joins, RowProblem
from brokersync.brokers.tradovate.models import Fill
from brokersync.domain.money import plain
from brokersync.domain.trades import Effect, Execution, ExecutionKind, Side

_SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}


def executions(fill: Fill, joins: Joins, closings: Mapping[str, Closing] | None) -> Iterator[Execution]:
    """One fill, and its bust if it has been busted. Raises RowProblem for what a fill can't be.

    `closings` has what fills closed; None where no pairs are told, so that nobody knows.
    """
    side = _SIDES.get(fill.action)
    if side is None:
        raise RowProblem(f"action: {fill.action[:40]!r} is neither Buy nor Sell")
    if fill.qty <= 0:
        raise RowProblem(f"qty: {plain(fill.qty)} is not above 0")
    account = joins.account_of(fill)
    traded = joins.instrument(fill.contract_id)
    costs = joins.costs(fill.id)
    closing = (closings or {}).get(fill.id, Closing())
    done = Execution(
        broker_account_id=account,
        source_trade_id=fill.id,
        symbol=traded.symbol,
        asset_class=traded.asset_class,
        side=side,
        quantity=fill.qty,
        price=fill.price,
        currency=traded.currency,
        executed_at=fill.timestamp,
        multiplier=traded.multiplier,
        fees=costs.fees,
        fee_currency=costs.currency,
        realised_pnl=closing.profit,
        pnl_currency=closing.currency,
        effect=None if closings is None else _effect(fill, closing),
        order_id=fill.order_id,
        position_id=joins.position_of(account, fill.contract_id),
        contract=traded.contract,
    )
    yield done
    if not fill.active:
        yield replace(
            done,
            source_trade_id=f"{fill.id}:bust",
            kind=ExecutionKind.CANCEL,
            side=Side.SELL if side is Side.BUY else Side.BUY,
            fees={},
            fee_currency="",
            realised_pnl=None,
            pnl_currency=None,
            effect=None,
            reason="bust",
            cancels_trade_id=fill.id,
        )


def _effect(fill: Fill, closing: Closing) -> Effect:
    """What a fill did to its position: one that closes more than there is turns it."""
    if not closing.quantity:
        return Effect.OPEN
    return Effect.CLOSE if closing.quantity >= fill.qty else Effect.CLOSE_AND_OPEN
