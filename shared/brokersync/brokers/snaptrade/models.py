"""SnapTrade's answers as they come over the wire. Source: docs.snaptrade.com/reference, OpenAPI of its SDKs.

Only what is used is declared; the rest is ignored. Activities and balances have JSON numbers, positions have texts:
both are read to the digit. Enumerations stay text: SnapTrade passes on a broker's own word where it knows none.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from brokersync.domain.money import BadNumberError, decimal_from
from brokersync.domain.times import BrokerTime, from_date, from_rfc3339

NEW_YORK: Final = "America/New_York"
_MINI_SHARES, _SHARES = Decimal(10), Decimal(100)


def _text(value: object) -> object:
    return "" if value is None else value


def _object(value: object) -> object:
    return {} if value is None else value


def _amount(value: object) -> Decimal:
    try:
        return decimal_from(value, "number")
    except BadNumberError as error:
        raise ValueError(f"{str(value)[:40]!r} {error.problem}") from None


def _amount_or_none(value: object) -> Decimal | None:
    return None if value is None or value == "" else _amount(value)


def _time(value: object) -> BrokerTime | None:
    """A time; a bare date is placed at its midnight in New York, as SnapTrade places those that it gives a time."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is not a time")  # noqa: TRY004 (pydantic reports only ValueError)
    if len(value) == len("2026-01-31"):
        return from_date(date.fromisoformat(value), value, NEW_YORK)
    return from_rfc3339(value)


def _day(value: object) -> date | None:
    if value is None or value == "":
        return None
    return date.fromisoformat(str(value)[:10])


def _moment(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    return from_rfc3339(str(value)).utc


Text = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, PlainValidator(_amount)]
OptionalAmount = Annotated[Decimal | None, PlainValidator(_amount_or_none)]
OptionalTime = Annotated[BrokerTime | None, PlainValidator(_time)]
OptionalDay = Annotated[date | None, PlainValidator(_day)]
OptionalMoment = Annotated[datetime | None, PlainValidator(_moment)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Currency(_Wire):
    """A currency; all null where the amounts are in something else."""

    code: Text = ""


class Brokerage(_Wire):
    """The institution behind a connection."""

    slug: str = Field(min_length=1)
    display_name: Text = ""
    name: Text = ""


class Connection(_Wire):
    """GET /authorizations/{id}: a login at an institution. A disabled one goes on answering, with what it had."""

    id: str = Field(min_length=1)
    brokerage: Brokerage
    disabled: bool
    disabled_date: Text = ""


class TransactionsStatus(_Wire):
    """How far transactions are loaded: `last_successful_sync` is the last day that is there as a whole."""

    initial_sync_completed: bool = False
    last_successful_sync: OptionalDay = None
    first_transaction_date: OptionalDay = None


class HoldingsStatus(_Wire):
    """When balances and positions were loaded."""

    last_successful_sync: OptionalTime = None


class SyncStatus(_Wire):
    """What SnapTrade has of an account."""

    transactions: Annotated[TransactionsStatus, BeforeValidator(_object)] = TransactionsStatus()
    holdings: Annotated[HoldingsStatus, BeforeValidator(_object)] = HoldingsStatus()


class Money(_Wire):
    """An amount with its currency."""

    amount: OptionalAmount = None
    currency: Text = ""


class AccountBalance(_Wire):
    """The worth of an account as a whole."""

    total: Annotated[Money, BeforeValidator(_object)] = Money()


class Account(_Wire):
    """GET /accounts/{id}. `id` belongs to its connection, `institution_account_id` is the institution's own.

    `number` may be masked.
    """

    id: str = Field(min_length=1)
    brokerage_authorization: str = Field(
        min_length=1, validation_alias=AliasChoices("brokerage_authorization", "connection_id")
    )
    name: Text = Field(default="", validation_alias=AliasChoices("name", "display_name"))
    number: Text = ""
    institution_account_id: Text = ""
    institution_name: Text = ""
    created_date: OptionalMoment = None
    sync_status: Annotated[SyncStatus, BeforeValidator(_object)] = SyncStatus()
    balance: Annotated[AccountBalance, BeforeValidator(_object)] = AccountBalance()


class Symbol(_Wire):
    """A security, a coin or a fund."""

    symbol: Text = ""
    raw_symbol: Text = ""
    currency: Annotated[Currency, BeforeValidator(_object)] = Currency()
    type: Annotated[Currency, BeforeValidator(_object)] = Currency()  # of it too, only the code matters


class OptionSymbol(_Wire):
    """An option contract; `ticker` is OCC's."""

    ticker: str = Field(min_length=1)
    option_type: Text = ""
    strike_price: OptionalAmount = None
    expiration_date: OptionalDay = None
    is_mini_option: bool = False
    underlying_symbol: Annotated[Symbol, BeforeValidator(_object)] = Symbol()

    @property
    def multiplier(self) -> Decimal:
        """Shares per contract."""
        return _MINI_SHARES if self.is_mini_option else _SHARES


class Activity(_Wire):
    """A row of GET /accounts/{id}/activities. `amount` is signed, positive into the account; `fee` is a cost.

    `currency_universal_symbol` is what the amounts are in where that is no currency (a crypto quote).
    """

    id: str = Field(min_length=1)
    type: str
    symbol: Symbol | None = None
    option_symbol: OptionSymbol | None = None
    currency_universal_symbol: Symbol | None = None
    currency: Annotated[Currency, BeforeValidator(_object)] = Currency()
    price: OptionalAmount = None
    units: OptionalAmount = None
    amount: OptionalAmount = None
    fee: OptionalAmount = None
    option_type: Text = ""
    description: Text = ""
    trade_date: OptionalTime = None
    settlement_date: OptionalTime = None
    external_reference_id: Text = ""


class Pagination(_Wire):
    """Where a page is among all rows of its window."""

    offset: int = Field(ge=0)
    total: int = Field(ge=0)


class Balance(_Wire):
    """A row of GET /accounts/{id}/balances: the cash of one currency."""

    currency: Currency
    cash: OptionalAmount = None
    buying_power: OptionalAmount = None


class Instrument(_Wire):
    """What a position is of; `kind` tells which fields there are."""

    kind: Text = ""
    id: Text = ""
    symbol: str = Field(min_length=1)


class Position(_Wire):
    """A row of GET /accounts/{id}/positions/all. `units` of a short position are negative; options are in contracts."""

    instrument: Instrument
    units: Amount
    price: OptionalAmount = None
    cost_basis: OptionalAmount = None
    currency: Text = ""


class Freshness(_Wire):
    """From when an answer's data is."""

    as_of: OptionalTime = None


class ApiStatus(_Wire):
    """GET /: SnapTrade's own clock."""

    timestamp: OptionalMoment = None
