"""What an account holds."""

from datetime import date

from brokersync.contracts.http.base import Amount, Body, Instant
from brokersync.domain.trades import Side


class Balance(Body):
    """Account figures in `currency`. What the broker doesn't say is null, never zero."""

    currency: str
    as_of: Instant
    balance: Amount | None
    equity: Amount | None
    margin: Amount | None
    free_margin: Amount | None
    margin_level: Amount | None


class Position(Body):
    """An open position. `volume` is positive, `side` gives the direction; `profit` is unrealised, without swap."""

    symbol: str
    side: Side
    volume: Amount
    currency: str
    position_id: str
    open_price: Amount | None
    opened_at: Instant | None
    stop_loss: Amount | None
    take_profit: Amount | None
    current_price: Amount | None
    profit: Amount | None
    swap: Amount | None


class Positions(Body):
    """All open positions at one time; an empty list says that the account is flat."""

    as_of: Instant
    positions: tuple[Position, ...]


class Portfolio(Body):
    """What an account holds now, each section with its own as-of time; null for one that was never stored."""

    account_id: str
    balance: Balance | None
    positions: Positions | None


class EquityDay(Body):
    """The last figures of a day (UTC). What the broker doesn't say is null, never zero."""

    day: date
    as_of: Instant
    balance: Amount | None
    equity: Amount | None


class Equity(Body):
    """An account's daily figures, oldest first; days on which none were stored are left out."""

    currency: str
    days: tuple[EquityDay, ...]
