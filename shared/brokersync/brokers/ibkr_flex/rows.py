"""The rows that we read, each with the attributes that we need of it, as text.

A row is picked by position out of the flat attribute list that expat gives: all rows of a section have the attributes
that its query selects, in one order, so the positions are looked up once and not for every row.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final, Generic, NamedTuple, TypeVar

NO_VALUE: Final = frozenset({"--", "N/A", "MULTI"})
"""What IBKR writes, besides nothing at all, where there is no value."""


class StatementRow(NamedTuple):
    """FlexStatement. Of every row type, the defaults are the names of the attributes."""

    account: str = "accountId"
    first_day: str = "fromDate"
    last_day: str = "toDate"
    made_at: str = "whenGenerated"


class InformationRow(NamedTuple):
    """AccountInformation."""

    account: str = "accountId"
    alias: str = "acctAlias"
    currency: str = "currency"


class CashReportRow(NamedTuple):
    """CashReportCurrency."""

    account: str = "accountId"
    currency: str = "currency"
    last_day: str = "toDate"
    ending_cash: str = "endingCash"


class EquityRow(NamedTuple):
    """EquitySummaryByReportDateInBase."""

    account: str = "accountId"
    day: str = "reportDate"
    total: str = "total"


class PositionRow(NamedTuple):
    """OpenPosition."""

    account: str = "accountId"
    level: str = "levelOfDetail"
    symbol: str = "symbol"
    conid: str = "conid"
    currency: str = "currency"
    day: str = "reportDate"
    position: str = "position"
    open_price: str = "openPrice"
    cost_price: str = "costBasisPrice"
    mark_price: str = "markPrice"
    profit: str = "fifoPnlUnrealized"
    opened_at: str = "openDateTime"
    lot: str = "originatingTransactionID"


class CashRow(NamedTuple):
    """CashTransaction."""

    account: str = "accountId"
    level: str = "levelOfDetail"
    transaction_id: str = "transactionID"
    kind: str = "type"
    amount: str = "amount"
    currency: str = "currency"
    date_time: str = "dateTime"
    report_date: str = "reportDate"
    settle_date: str = "settleDate"
    symbol: str = "symbol"
    description: str = "description"


class TradeRow(NamedTuple):
    """Trade of an Activity statement; with the names of CONFIRMATION, TradeConfirm of a Trade Confirmation."""

    account: str = "accountId"
    level: str = "levelOfDetail"
    transaction_id: str = "transactionID"
    trade_id: str = "tradeID"
    exec_id: str = "ibExecID"
    order_id: str = "ibOrderID"
    kind: str = "transactionType"
    symbol: str = "symbol"
    asset: str = "assetCategory"
    currency: str = "currency"
    multiplier: str = "multiplier"
    date_time: str = "dateTime"
    trade_date: str = "tradeDate"
    trade_time: str = "tradeTime"
    side: str = "buySell"
    quantity: str = "quantity"
    price: str = "tradePrice"
    tax: str = "taxes"
    commission: str = "ibCommission"
    commission_currency: str = "ibCommissionCurrency"
    profit: str = "fifoPnlRealized"
    effect: str = "openCloseIndicator"
    codes: str = "notes"
    orig_transaction_id: str = "origTransactionID"
    orig_trade_id: str = "origTradeID"
    conid: str = "conid"
    isin: str = "isin"
    underlying: str = "underlyingSymbol"
    expiry: str = "expiry"
    strike: str = "strike"
    put_call: str = "putCall"


ACTIVITY: Final = TradeRow()
CONFIRMATION: Final = ACTIVITY._replace(
    price="price",
    tax="tax",
    commission="commission",
    commission_currency="commissionCurrency",
    codes="code",
    exec_id="execID",
    order_id="orderID",
)

_Row = TypeVar("_Row", bound=NamedTuple)


class Picker(Generic[_Row]):
    """Picks rows of one type out of flat attribute lists (name, value, name, value, ...)."""

    def __init__(self, names: _Row, learn: Callable[[Sequence[str]], None] | None = None) -> None:
        """`names` is a row of attribute names; `learn` is told the attributes of the rows, whenever they change."""
        self._names = names
        self._learn = learn
        self._shape: list[str] = []
        self._pick: Callable[[list[str]], Iterable[str]] = itemgetter(*[-1] * len(names))
        self._make: Callable[[Iterable[str]], _Row] = names._make

    def __call__(self, attributes: list[str]) -> _Row:
        """The row; an attribute that isn't there, or has no value, is an empty text."""
        shape = attributes[::2]
        if shape != self._shape:
            self._turn_to(shape)
        attributes.append("")
        values = self._pick(attributes)
        if not NO_VALUE.isdisjoint(values):
            values = ["" if value in NO_VALUE else value for value in values]
        return self._make(values)

    def _turn_to(self, shape: list[str]) -> None:
        self._shape = shape
        at = {name: 2 * place + 1 for place, name in enumerate(shape)}
        self._pick = itemgetter(*(at.get(name, -1) for name in self._names))
        if self._learn is not None:
            self._learn(shape)
