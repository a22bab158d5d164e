"""Executions."""

from collections.abc import Mapping

from pydantic import Field

from brokersync.contracts.http.base import Amount, Body, Instant
from brokersync.domain.trades import AssetClass, Effect, ExecutionKind, Side


class Trade(Body):
    """An execution in its current version. `quantity` is positive, `side` gives the direction; positive fees cost."""

    account_id: str
    source_trade_id: str
    kind: ExecutionKind
    symbol: str
    asset_class: AssetClass
    side: Side
    quantity: Amount
    price: Amount
    multiplier: Amount
    currency: str
    fees: Mapping[str, Amount]
    fee_currency: str
    realised_pnl: Amount | None = Field(description="Only what the broker says, without the fees.")
    pnl_currency: str = Field(description="Currency of realised_pnl; empty where the broker doesn't say it.")
    effect: Effect | None
    executed_at: Instant
    executed_at_raw: str = Field(description="The broker's own text.", examples=["20261120;103552"])
    executed_at_zone: str = Field(description="How it was placed in time.", examples=["America/New_York"])
    order_id: str
    position_id: str
    trade_ref: str
    cancels_trade_id: str
    cancelled_by: str
    reason: str
    contract: Mapping[str, str]
    version: int
    version_reason: str
    run_id: str


class Trades(Body):
    """A page of trades, newest first. `next_cursor` continues it; null at the end."""

    trades: tuple[Trade, ...]
    next_cursor: str | None
