"""What a terminal tells, as bridges pass it on. Source: mql5.com/en/docs/python_metatrader5 and its constants.

Only what is used is declared; the rest is ignored. Amounts are JSON numbers in the account's currency, volumes are
lots, times are the trade server's wall clock written as seconds (`time`) or milliseconds (`time_msc`) since 1970.
Enumerations stay integers, because new builds add values to them.
"""

from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from brokersync.domain.money import BadNumberError, decimal_from

_SECONDS_BELOW = 100_000_000_000  # as milliseconds, this is in 1973: a larger number is none of seconds
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 7_258_118_400_000  # the years 2000 to 2199
_TICK_MS = 1000


class DealType(IntEnum):
    """ENUM_DEAL_TYPE."""

    BUY = 0
    SELL = 1
    BALANCE = 2
    CREDIT = 3
    CHARGE = 4
    CORRECTION = 5
    BONUS = 6
    COMMISSION = 7
    COMMISSION_DAILY = 8
    COMMISSION_MONTHLY = 9
    COMMISSION_AGENT_DAILY = 10
    COMMISSION_AGENT_MONTHLY = 11
    INTEREST = 12
    BUY_CANCELED = 13
    SELL_CANCELED = 14
    DIVIDEND = 15
    DIVIDEND_FRANKED = 16
    TAX = 17


class Entry(IntEnum):
    """ENUM_DEAL_ENTRY: what a deal did to its position."""

    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


class MarginMode(IntEnum):
    """ENUM_ACCOUNT_MARGIN_MODE, as far as it says what is traded."""

    EXCHANGE = 1


def _amount(value: object) -> Decimal:
    try:
        return decimal_from(value, "number")
    except BadNumberError as error:
        raise ValueError(f"{str(value)[:40]!r} {error.problem}") from None


def _whole(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{str(value)[:40]!r} is not a whole number")  # noqa: TRY004 (pydantic reports only ValueError)
    return value


def _id(value: object) -> str:
    number = _whole(value)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return str(number) if number else ""


def _ticket(value: object) -> str:
    ticket = _id(value)
    if not ticket:
        raise ValueError("0 is no ticket")
    return ticket


def _lots(value: object) -> Decimal:
    lots = _amount(value)
    if lots <= 0:
        raise ValueError(f"{lots} is no volume")
    return lots


def _direction(value: object) -> int:
    direction = _whole(value)
    if direction not in (DealType.BUY, DealType.SELL):
        raise ValueError(f"{direction} is neither 0 (buy) nor 1 (sell)")
    return direction


def _text(value: object) -> object:
    return "" if value is None else value


Amount = Annotated[Decimal, PlainValidator(_amount)]
Whole = Annotated[int, PlainValidator(_whole)]
Id = Annotated[str, PlainValidator(_id)]
"""A ticket as text; empty where MetaTrader writes 0 for none."""
Ticket = Annotated[str, PlainValidator(_ticket)]
Lots = Annotated[Decimal, PlainValidator(_lots)]
Direction = Annotated[int, PlainValidator(_direction)]
Text = Annotated[str, BeforeValidator(_text)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


def wall_ms(seconds: int | None, milliseconds: int | None, name: str = "time") -> int:
    """A wall-clock time in milliseconds, from the two forms that bridges give.

    Raises ValueError when there is none, when they contradict each other, and for a time of another age.
    """
    if seconds is not None and seconds >= _SECONDS_BELOW:  # some bridges write milliseconds here, too
        seconds, milliseconds = seconds // _TICK_MS, seconds if milliseconds is None else milliseconds
    if milliseconds is None:
        if seconds is None:
            raise ValueError(f"it has neither {name} nor {name}_msc")
        milliseconds = seconds * _TICK_MS
    if seconds is not None and abs(milliseconds // _TICK_MS - seconds) > 1:
        raise ValueError(f"{name} {seconds} and {name}_msc {milliseconds} are not the same time")
    if not _EARLIEST_MS <= milliseconds < _LATEST_MS:
        raise ValueError(f"{name} {milliseconds} is not milliseconds since 1970 of this age")
    return milliseconds


class Info(_Wire):
    """account_info(). `margin_level` is 0 where no margin is used."""

    login: Ticket
    currency: str = Field(min_length=3, max_length=8)
    balance: Amount
    equity: Amount | None = None
    margin: Amount | None = None
    margin_free: Amount | None = None
    margin_level: Amount | None = None
    currency_digits: Whole = 2
    margin_mode: Whole = 0
    name: Text = ""
    # Seconds by which a bridge that converts times has done so (psyb0t/mt5-httpapi 1.8 and later).
    broker_utc_offset_seconds: Whole | None = None


class Position(_Wire):
    """positions_get(). There is no commission. `identifier` is the position_id of its deals."""

    ticket: Ticket
    identifier: Id = ""
    symbol: str = Field(min_length=1)
    type: Direction
    volume: Lots
    price_open: Amount
    time: Whole | None = None
    time_msc: Whole | None = None
    time_update: Whole | None = None
    time_update_msc: Whole | None = None
    sl: Amount | None = None
    tp: Amount | None = None
    price_current: Amount | None = None
    swap: Amount | None = None
    profit: Amount | None = None

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        wall_ms(self.time, self.time_msc)
        if self.time_update or self.time_update_msc:
            wall_ms(self.time_update, self.time_update_msc, "time_update")
        return self

    @property
    def opened_ms(self) -> int:
        """When it was opened, by the server's clock."""
        return wall_ms(self.time, self.time_msc)

    @property
    def touched_ms(self) -> int:
        """When it was opened or last changed, by the server's clock."""
        if self.time_update or self.time_update_msc:
            return max(self.opened_ms, wall_ms(self.time_update, self.time_update_msc, "time_update"))
        return self.opened_ms


class Deal(_Wire):
    """history_deals_get(). Closing deals have a `profit`; `commission`, `swap` and `fee` are negative for a cost."""

    ticket: Ticket
    order: Id = ""
    time: Whole | None = None
    time_msc: Whole | None = None
    type: Whole
    entry: Whole | None = None
    position_id: Id = ""
    reason: Whole | None = None
    volume: Amount = Decimal(0)
    price: Amount = Decimal(0)
    commission: Amount
    swap: Amount
    profit: Amount
    fee: Amount = Decimal(0)  # older builds have none
    symbol: Text = ""
    comment: Text = ""

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        wall_ms(self.time, self.time_msc)
        return self

    @property
    def wall_ms(self) -> int:
        """When it happened, by the server's clock."""
        return wall_ms(self.time, self.time_msc)

    @property
    def total(self) -> Decimal:
        """What it moved altogether."""
        return self.profit + self.swap + self.commission + self.fee
