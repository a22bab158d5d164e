"""Tradovate's entities as they come over the wire. Source: api.tradovate.com (entity schemas of the REST API).

Only what is used is declared; the rest is ignored. Numbers are JSON numbers, read to the digit; ids become text. Enums
stay text, because Tradovate adds values to them.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, PlainValidator
from pydantic.alias_generators import to_camel

from brokersync.domain.money import BadNumberError, decimal_from
from brokersync.domain.times import BrokerTime, from_rfc3339


def _text(value: object) -> object:
    return "" if value is None else value


def _amount(value: object) -> Decimal:
    try:
        return decimal_from(value, "number")
    except BadNumberError as error:
        raise ValueError(f"{str(value)[:40]!r} {error.problem}") from None


def _amount_or_none(value: object) -> Decimal | None:
    return None if value is None else _amount(value)


def _id(value: object) -> str:
    number = _amount(value)
    if number <= 0 or number != number.to_integral_value():
        raise ValueError(f"{str(value)[:40]!r} is not an id")
    return str(int(number))


def _id_or_none(value: object) -> str:
    return "" if value in (None, "", 0) else _id(value)


def _time(value: object) -> BrokerTime:
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is not a time")  # noqa: TRY004 (pydantic reports only ValueError)
    return from_rfc3339(value)


def _day(value: object) -> date | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is not a date")  # noqa: TRY004 (pydantic reports only ValueError)
    return date.fromisoformat(value[:10])


Text = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, PlainValidator(_amount)]
OptionalAmount = Annotated[Decimal | None, PlainValidator(_amount_or_none)]
Id = Annotated[str, PlainValidator(_id)]
OptionalId = Annotated[str, PlainValidator(_id_or_none)]
Time = Annotated[BrokerTime, PlainValidator(_time), PlainSerializer(lambda time: time.raw)]
Day = Annotated[date | None, PlainValidator(_day)]


class Wire(BaseModel):
    """An entity. Its names in Python are Tradovate's, with underscores."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel), populate_by_name=True, extra="ignore", frozen=True
    )


class Entity(Wire):
    """What has an id of its own."""

    id: Id


class Account(Entity):
    """account/list. `name` is what the trader knows the account by."""

    name: str
    active: bool = True


class Order(Entity):
    """order/list: the only way from a fill to its account."""

    account_id: Id
    contract_id: OptionalId = ""


class Fill(Entity):
    """fill/list. `active` is false once the exchange or Tradovate has busted it."""

    order_id: Id
    contract_id: Id
    timestamp: Time
    action: str
    qty: Amount
    price: Amount
    active: bool


class FillFee(Entity):
    """fillFee/list: what a fill cost; its id is the fill's."""

    clearing_fee: OptionalAmount = None
    clearing_currency_id: OptionalId = ""
    exchange_fee: OptionalAmount = None
    exchange_currency_id: OptionalId = ""
    nfa_fee: OptionalAmount = None
    nfa_currency_id: OptionalId = ""
    brokerage_fee: OptionalAmount = None
    brokerage_currency_id: OptionalId = ""
    ip_fee: OptionalAmount = None
    ip_currency_id: OptionalId = ""
    commission: OptionalAmount = None
    commission_currency_id: OptionalId = ""
    order_routing_fee: OptionalAmount = None
    order_routing_currency_id: OptionalId = ""


class FillPair(Entity):
    """fillPair/list: two fills that closed each other; `active` is false once that was taken back."""

    buy_fill_id: Id
    sell_fill_id: Id
    qty: Amount
    active: bool


class Position(Entity):
    """position/list: one row per account and contract, that stays when it is flat."""

    account_id: Id
    contract_id: Id
    net_pos: Amount
    net_price: OptionalAmount = None


class Currency(Entity):
    """currency/list. Ids differ from environment to environment."""

    name: str


class Contract(Entity):
    """contract/items: what is traded (`NQH6`); its maturity leads to the product."""

    name: str
    contract_maturity_id: OptionalId = ""


class Maturity(Entity):
    """contractMaturity/items: when a contract ends."""

    product_id: Id
    expiration_date: Day = None


class Product(Entity):
    """product/items: what a contract is about (`NQ`). `value_per_point` is money per point of the price."""

    name: str
    currency_id: OptionalId = ""
    product_type: Text = ""
    value_per_point: Amount


class CashBalance(Wire):
    """cashBalance/list: an account's cash in one currency."""

    account_id: Id
    currency_id: Id
    amount: Amount


class CashChange(Entity):
    """cashBalanceLog/ldeps: one change of an account's cash. `delta` is signed, positive into the account."""

    account_id: Id
    timestamp: Time
    currency_id: OptionalId = ""
    cash_change_type: Text = ""
    delta: Amount
    fill_pair_id: OptionalId = ""
    fill_id: OptionalId = ""
    comment: Text = ""

    @property
    def is_paired(self) -> bool:
        """Whether it is the profit of a pair of fills, or its taking back."""
        return bool(self.fill_pair_id) and self.cash_change_type in ("TradePaired", "CancelledPairedTrade")


class Snapshot(Wire):
    """cashBalance/getcashbalancesnapshot: an account's figures now. It doesn't say whose they are."""

    total_cash_value: OptionalAmount = None
    net_liq: OptionalAmount = None
    initial_margin: OptionalAmount = None
