"""Round trips and what they earned."""

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from brokersync.contracts.http.base import Amount, Body, Instant
from brokersync.domain.round_trips import Direction, PairedBy, PnlSource
from brokersync.domain.trades import AssetClass


class RoundTrip(Body):
    """A quantity that was opened by one execution and closed by another. An entry older than what we hold is null."""

    round_trip_id: str
    symbol: str
    asset_class: AssetClass
    direction: Direction
    quantity: Amount
    multiplier: Amount
    entry_price: Amount | None
    exit_price: Amount
    opened_at: Instant | None
    closed_at: Instant
    entry_trade_id: str = Field(description="Empty when the entry is not known.")
    exit_trade_id: str
    currency: str = Field(description="Of the P&L.")
    gross_pnl: Amount | None = Field(description="Without fees; null when the entry is not known.")
    fees: Mapping[str, Amount] = Field(description="Of both sides, by currency; positive costs.")
    net_pnl: Amount | None = Field(description="After fees; null also where a fee is in another currency.")
    pnl_source: PnlSource
    paired_by: PairedBy


class RoundTrips(Body):
    """A page of round trips, newest exit first. `next_cursor` continues it; null at the end."""

    round_trips: tuple[RoundTrip, ...]
    next_cursor: str | None


class PnlDay(Body):
    """What was earned on a day in one currency. Days without a closed round trip are left out."""

    day: date
    currency: str
    gross_pnl: Amount
    fees: Amount
    net_pnl: Amount
    cumulative_pnl: Amount = Field(description="Net, since the first day of the list.")
    round_trips: int = Field(description="How many were closed.")


class RealisedPnl(Body):
    """Realised P&L by day, oldest first."""

    days: tuple[PnlDay, ...]
    unknown_pnl: int = Field(description="Round trips whose net P&L is not known; they are in none of the sums.")
