"""What an account holds now: balance figures and open positions, each section with its own as-of time."""

from dataclasses import dataclass
from decimal import Decimal

from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """An account as the broker lists it."""

    broker_account_id: str
    currency: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Account figures in the account's currency. Missing ones are None: never zero for "unknown"."""

    broker_account_id: str
    currency: str
    as_of: BrokerTime
    balance: Decimal | None = None
    equity: Decimal | None = None
    margin: Decimal | None = None
    free_margin: Decimal | None = None
    margin_level: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position. `volume` is positive, `side` gives the direction; `profit` is unrealised, without swap."""

    broker_account_id: str
    symbol: str
    side: Side
    volume: Decimal
    as_of: BrokerTime
    currency: str = ""
    position_id: str = ""
    open_price: Decimal | None = None
    opened_at: BrokerTime | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    current_price: Decimal | None = None
    profit: Decimal | None = None
    swap: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsSection:
    """All open positions of one account at one time: an empty tuple says that it is flat."""

    broker_account_id: str
    as_of: BrokerTime
    positions: tuple[Position, ...] = ()
