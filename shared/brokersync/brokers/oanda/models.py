"""OANDA's answers as they come over the wire. Source: developer.oanda.com/rest-live-v20, the *-df pages.

Only what is used is declared; the rest is ignored. Amounts are in the account's home currency, prices in the quote
currency of the instrument, both as texts on the wire; ids are texts of integers (numbers are accepted too).
Enumerations stay text, because OANDA adds values to them.
"""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from brokersync.domain.money import BadNumberError, decimal_from
from brokersync.domain.times import BrokerTime, from_rfc3339, from_unix_text

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")  # exact as it is: no more than 38 digits
_UNIX_TIME = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?")


def _id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(value: object) -> object:
    return "" if value is None else value


def _amount(value: object) -> Decimal:
    if isinstance(value, str):
        if _PLAIN_NUMBER.fullmatch(value):
            return Decimal(value)
        if set(value) & set(",_"):
            raise ValueError(f"{value[:40]!r} is not a number")  # OANDA groups no digits
    try:
        return decimal_from(value, "number")
    except BadNumberError as error:
        raise ValueError(f"{str(value)[:40]!r} {error.problem}") from None


def _time(value: object) -> BrokerTime:
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is not a time")  # noqa: TRY004 (pydantic reports only ValueError)
    return from_unix_text(value) if _UNIX_TIME.fullmatch(value) else from_rfc3339(value)


Id = Annotated[str, BeforeValidator(_id)]
Text = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, PlainValidator(_amount)]
Time = Annotated[BrokerTime, PlainValidator(_time)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


# --- transactions ---------------------------------------------------------------------------------------------------


class Head(_Wire):
    """What every transaction has. `account_balance` is the balance after it, where it touches money."""

    id: Id
    type: str
    time: Time
    account_id: Id = Field(default="", alias="accountID")
    account_balance: Amount | None = Field(default=None, alias="accountBalance")
    home_currency: Text = Field(default="", alias="homeCurrency")  # CREATE only


class Leg(_Wire):
    """What a fill did to one Trade. `units` carry the fill's sign. Fills of 2016 have no price here."""

    trade_id: Id = Field(alias="tradeID")
    units: Amount
    price: Amount | None = None
    realized_pl: Amount | None = Field(default=None, alias="realizedPL")
    financing: Amount = Decimal(0)
    guaranteed_execution_fee: Amount = Field(default=Decimal(0), alias="guaranteedExecutionFee")


class OrderFill(Head):
    """ORDER_FILL. `pl` leaves out `financing`, which is what was realised at this close; `commission` is a cost."""

    order_id: Id = Field(default="", alias="orderID")
    instrument: str = Field(min_length=1)
    units: Amount
    price: Amount | None = None
    reason: Text = ""
    pl: Amount | None = None
    financing: Amount | None = None
    commission: Amount = Decimal(0)
    guaranteed_execution_fee: Amount = Field(default=Decimal(0), alias="guaranteedExecutionFee")
    trades_closed: tuple[Leg, ...] | None = Field(default=None, alias="tradesClosed")
    trade_reduced: Leg | None = Field(default=None, alias="tradeReduced")
    trade_opened: Leg | None = Field(default=None, alias="tradeOpened")


class TransferFunds(Head):
    """TRANSFER_FUNDS: `amount` is signed, positive into the account."""

    amount: Amount
    funding_reason: Text = Field(default="", alias="fundingReason")
    comment: Text = ""


class OpenTradeFinancing(_Wire):
    """The part of a financing that one open Trade earned or paid."""

    trade_id: Id = Field(alias="tradeID")
    financing: Amount


class PositionFinancing(_Wire):
    """The part of a financing that one instrument's position earned or paid."""

    instrument: Text = ""
    financing: Amount = Decimal(0)
    open_trade_financings: tuple[OpenTradeFinancing, ...] | None = Field(default=None, alias="openTradeFinancings")


class DailyFinancing(Head):
    """DAILY_FINANCING, once a day at 21:00 UTC (22:00 in winter)."""

    financing: Amount
    position_financings: tuple[PositionFinancing, ...] | None = Field(default=None, alias="positionFinancings")


class OpenTradeDividend(_Wire):
    """The part of a dividend adjustment that one open Trade earned or paid."""

    trade_id: Id = Field(alias="tradeID")
    dividend_adjustment: Amount = Field(alias="dividendAdjustment")


class DividendAdjustment(Head):
    """DIVIDEND_ADJUSTMENT of an index or share CFD."""

    instrument: Text = ""
    dividend_adjustment: Amount = Field(alias="dividendAdjustment")
    open_trade_dividends: tuple[OpenTradeDividend, ...] | None = Field(
        default=None, alias="openTradeDividendAdjustments"
    )


# --- what an account holds ------------------------------------------------------------------------------------------


class DependentOrder(_Wire):
    """A stop loss or take profit order as a Trade shows it, or as the account lists it."""

    id: Id = ""
    price: Amount | None = None
    trailing_stop_value: Amount | None = Field(default=None, alias="trailingStopValue")


class Trade(_Wire):
    """A Trade: OANDA's unit of a position. `financing` is the running sum of what it earned or paid."""

    id: Id
    instrument: str = Field(min_length=1)
    price: Amount
    open_time: Time = Field(alias="openTime")
    state: Text = "OPEN"
    current_units: Amount = Field(alias="currentUnits")
    unrealized_pl: Amount | None = Field(default=None, alias="unrealizedPL")
    financing: Amount | None = None
    take_profit: DependentOrder | None = Field(default=None, alias="takeProfitOrder")
    stop_loss: DependentOrder | None = Field(default=None, alias="stopLossOrder")
    guaranteed_stop_loss: DependentOrder | None = Field(default=None, alias="guaranteedStopLossOrder")
    trailing_stop_loss: DependentOrder | None = Field(default=None, alias="trailingStopLossOrder")
    take_profit_id: Id = Field(default="", alias="takeProfitOrderID")
    stop_loss_id: Id = Field(default="", alias="stopLossOrderID")
    guaranteed_stop_loss_id: Id = Field(default="", alias="guaranteedStopLossOrderID")
    trailing_stop_loss_id: Id = Field(default="", alias="trailingStopLossOrderID")


class PositionSide(_Wire):
    """The long or the short side of a position; short units are negative."""

    units: Amount = Decimal(0)
    average_price: Amount | None = Field(default=None, alias="averagePrice")
    unrealized_pl: Amount | None = Field(default=None, alias="unrealizedPL")
    financing: Amount | None = None


class Position(_Wire):
    """All Trades of one instrument."""

    instrument: str = Field(min_length=1)
    long: PositionSide = PositionSide()
    short: PositionSide = PositionSide()


class Figures(_Wire):
    """Figures of an account, as its summary and the state of its changes give them."""

    nav: Amount | None = Field(default=None, alias="NAV")
    margin_used: Amount | None = Field(default=None, alias="marginUsed")
    margin_available: Amount | None = Field(default=None, alias="marginAvailable")


class Account(Figures):
    """An account's summary, or the whole account, which lists its trades, positions and orders too."""

    id: str = Field(min_length=1)
    currency: str = Field(min_length=3, max_length=5)
    alias: Text = ""
    balance: Amount
    open_trade_count: int = Field(default=0, ge=0, alias="openTradeCount")
    trades: tuple[Trade, ...] | None = None
    orders: tuple[DependentOrder, ...] = ()


class AccountRef(_Wire):
    """An entry of the list of accounts."""

    id: str = Field(min_length=1)


# --- answers --------------------------------------------------------------------------------------------------------


class SummaryAnswer(_Wire):
    """GET /accounts/{id}/summary and GET /accounts/{id}."""

    account: Account
    last_transaction_id: int = Field(alias="lastTransactionID", ge=0)


class AccountsAnswer(_Wire):
    """GET /accounts."""

    accounts: tuple[AccountRef, ...]


class PagesAnswer(_Wire):
    """GET /accounts/{id}/transactions: where the transactions of a time span are found."""

    count: int = Field(ge=0)
    start: object = Field(default=None, alias="from")
    pages: tuple[str, ...]
    last_transaction_id: int = Field(alias="lastTransactionID", ge=0)


class TransactionId(_Wire):
    """All that proving completeness needs of a transaction; `time` stays as it came, for the mapper to judge."""

    id: int = Field(ge=1)
    time: object = None


class TransactionsAnswer(_Wire):
    """GET /accounts/{id}/transactions/idrange and .../sinceid, as far as completeness goes."""

    transactions: tuple[TransactionId, ...]
    last_transaction_id: int = Field(alias="lastTransactionID", ge=0)
