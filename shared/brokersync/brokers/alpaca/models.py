"""Alpaca's answers as they come over the wire. Source: docs.alpaca.markets, OpenAPI of the Trading API.

Only what is used is declared; the rest is ignored. Amounts are texts (numbers are accepted too). Enumerations stay
text, because Alpaca adds values to them.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from brokersync.domain.money import BadNumberError, decimal_from
from brokersync.domain.times import BrokerTime, from_date, from_rfc3339

NEW_YORK: Final = "America/New_York"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _text(value: object) -> object:
    return "" if value is None else value


def _amount(value: object) -> Decimal:
    if isinstance(value, str) and "," in value:
        raise ValueError(f"{value[:40]!r} is not a number")  # Alpaca groups no digits
    try:
        return decimal_from(value, "number")
    except BadNumberError as error:
        raise ValueError(f"{str(value)[:40]!r} {error.problem}") from None


def _amount_or_none(value: object) -> Decimal | None:
    return None if value is None or value == "" else _amount(value)


def _time(value: object) -> BrokerTime:
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is not a time")  # noqa: TRY004 (pydantic reports only ValueError)
    return from_rfc3339(value)


def _time_or_none(value: object) -> BrokerTime | None:
    return None if value is None or value == "" else _time(value)


def _day(value: object) -> BrokerTime:
    if isinstance(value, str) and not _DATE.fullmatch(value):
        return from_rfc3339(value)
    try:
        return from_date(date.fromisoformat(str(value)), str(value), NEW_YORK)
    except ValueError:
        raise ValueError(f"{str(value)[:40]!r} is not a date") from None


def _day_or_none(value: object) -> BrokerTime | None:
    return None if value is None or value == "" else _day(value)


Text = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, PlainValidator(_amount)]
OptionalAmount = Annotated[Decimal | None, PlainValidator(_amount_or_none)]
Time = Annotated[BrokerTime, PlainValidator(_time)]
OptionalTime = Annotated[BrokerTime | None, PlainValidator(_time_or_none)]
Day = Annotated[BrokerTime, PlainValidator(_day)]
OptionalDay = Annotated[BrokerTime | None, PlainValidator(_day_or_none)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Account(_Wire):
    """GET /account. `id` is Alpaca's own, `account_number` what the trader knows."""

    id: Text = ""
    account_number: str = Field(min_length=1)
    currency: str = Field(min_length=3, max_length=5)
    created_at: Time
    cash: OptionalAmount = None
    equity: OptionalAmount = None
    initial_margin: OptionalAmount = None


class Position(_Wire):
    """A row of GET /positions. `qty` of a short position is negative."""

    asset_id: Text = ""
    symbol: str = Field(min_length=1)
    asset_class: Text = ""
    side: Text = ""
    qty: Amount
    avg_entry_price: OptionalAmount = None
    current_price: OptionalAmount = None
    unrealized_pl: OptionalAmount = None


class Fill(_Wire):
    """A trade activity: one execution. It has no fee; those are activities of their own."""

    id: str = Field(min_length=1)
    type: Text = ""
    transaction_time: Time
    symbol: str = Field(min_length=1)
    side: str
    qty: Amount
    price: Amount
    order_id: Text = ""


class NonTrade(_Wire):
    """Any other activity: money or holdings that moved, on a date in New York.

    `net_amount` is signed, positive into the account; `qty` is signed too, in units of `symbol`.
    """

    id: str = Field(min_length=1)
    activity_type: str
    date: Day
    net_amount: OptionalAmount = None
    symbol: Text = ""
    qty: OptionalAmount = None
    price: OptionalAmount = None
    status: Text = ""
    description: Text = ""
    created_at: OptionalTime = None


class When(_Wire):
    """All that paging needs of an activity. `date` alone is a day in New York."""

    transaction_time: OptionalTime = None
    created_at: OptionalTime = None
    date: OptionalDay = None
