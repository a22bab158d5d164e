"""One statement document, row by row, into accounts, trades and cash, with what could not be understood."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, TypeVar

from brokersync.brokers.ibkr_flex.account import Account
from brokersync.brokers.ibkr_flex.identity import Entries, mask
from brokersync.brokers.ibkr_flex.mapper_cash import cash_event, is_detail
from brokersync.brokers.ibkr_flex.mapper_trades import execution, is_execution, tax_event
from brokersync.brokers.ibkr_flex.rows import (
    ACTIVITY,
    CONFIRMATION,
    CashReportRow,
    CashRow,
    EquityRow,
    InformationRow,
    Picker,
    PositionRow,
    StatementRow,
    TradeRow,
)
from brokersync.brokers.ibkr_flex.setup import NEEDED, Selection
from brokersync.brokers.ibkr_flex.statement import TakeElement, read_elements
from brokersync.brokers.ibkr_flex.values import RowError, day, first_moment, required
from brokersync.domain.pages import Unmapped
from brokersync.domain.trades import CashEvent, Execution

FIGURES: Final = frozenset({"CashReportCurrency", "EquitySummaryByReportDateInBase", "OpenPosition"})
"""Rows of what an account is worth and holds on the statement's last day."""

_SUMS_OF_TRADES: Final = ("Order", "SymbolSummary", "AssetSummary")
_TELLING: Final = ("transaction_id", "exec_id", "trade_id", "symbol", "conid", "currency", "kind")
_STATEMENT: Final = StatementRow()
_AnyRow = TypeVar("_AnyRow", bound=NamedTuple)


@dataclass(slots=True)
class Document:
    """What one document says. `trades` are the Activity statement's, `confirmed` the Trade Confirmation's.

    An execution keeps the account number of its row: `row_accounts` are those that have no statement of their own (the
    futures segment U1234567F of U1234567).
    """

    statements: list[Account] = field(default_factory=list)
    row_accounts: set[str] = field(default_factory=set)
    trades: Entries[Execution] = field(default_factory=Entries)
    confirmed: Entries[Execution] = field(default_factory=Entries)
    cash: Entries[CashEvent] = field(default_factory=Entries)
    exec_ids: set[str] = field(default_factory=set)
    unmapped: list[Unmapped] = field(default_factory=list)
    selection: Selection = field(default_factory=Selection)


def read_document(body: bytes) -> Document:
    """Read a document as far as it can be understood. Raises BrokerChangedError when it is no whole XML."""
    reader = _Reader()
    read_elements(body, reader.takers(), reader.stray)
    return reader.document


class _Reader:
    def __init__(self) -> None:
        self.document = Document()
        self._selection = self.document.selection
        self._statement: Account | None = None

    def takers(self) -> Mapping[str, TakeElement]:
        """What to do with which element."""
        return {
            **{element: partial(self._enter, element) for element in NEEDED},
            **dict.fromkeys(_SUMS_OF_TRADES, lambda _: self._selection.level("Trade", "sum")),
            "FlexStatement": self._taker("FlexStatement", _STATEMENT, self._open),
            "AccountInformation": self._taker("AccountInformation", InformationRow(), self._take_information),
            "CashReportCurrency": self._taker(
                "CashReportCurrency", CashReportRow(), lambda row: self._account(row.account).take_cash(row)
            ),
            "EquitySummaryByReportDateInBase": self._taker(
                "EquitySummaryByReportDateInBase", EquityRow(), lambda row: self._account(row.account).take_equity(row)
            ),
            "OpenPosition": self._taker("OpenPosition", PositionRow(), self._take_position),
            "CashTransaction": self._taker("CashTransaction", CashRow(), self._take_cash),
            "Trade": self._taker("Trade", ACTIVITY, self._take_trade),
            "TradeConfirm": self._taker("TradeConfirm", CONFIRMATION, self._take_confirm),
        }

    def stray(self, name: str, attributes: list[str]) -> None:
        """An element that we don't read: ignored, unless it claims to be an execution (none of those gets lost)."""
        if "EXECUTION" not in attributes:
            return
        row = Picker(ACTIVITY)(attributes)
        if row.level == "EXECUTION":
            self._leave(name, ACTIVITY, row, f"levelOfDetail: EXECUTION on a {name} element, which is none")

    def _taker(self, name: str, names: _AnyRow, take: Callable[[_AnyRow], None]) -> TakeElement:
        pick = Picker(names, partial(self._selection.fields, name))

        def taker(attributes: list[str]) -> None:
            row = pick(attributes)
            try:
                take(row)
            except RowError as error:
                self._leave(name, names, row, str(error))

        return taker

    def _leave(self, name: str, names: NamedTuple, row: NamedTuple, reason: str) -> None:
        """Say of a row that it was not understood, in words that are the same whenever it comes again."""
        account = getattr(row, "account", "") or (self._statement.number if self._statement else "")
        told = [
            f"{getattr(names, field_name)} {value}"
            for field_name in _TELLING
            if (value := getattr(row, field_name, ""))
        ]
        where = ", ".join([f"account {mask(account)}", *told[:2]])
        self.document.unmapped.append(
            Unmapped(section=name, where=where, reason=reason, broker_account_id=account, ledger=name not in FIGURES)
        )

    # --- the elements -----------------------------------------------------------------------------------------------

    def _open(self, row: StatementRow) -> None:
        """From here on it is about this account, on its last day."""
        self._statement = None
        number = required(row.account, _STATEMENT.account)
        self._statement = Account(number=number)
        self.document.statements.append(self._statement)
        self._statement.as_of = first_moment((row.last_day, _STATEMENT.last_day), (row.made_at, _STATEMENT.made_at))
        if row.first_day:
            day(row.first_day, _STATEMENT.first_day)
            self._statement.dated = bool(row.last_day)

    def _enter(self, element: str, _attributes: list[str]) -> None:
        self._selection.section(element)
        if self._statement is not None:
            self._statement.sections.add(element)

    def _take_information(self, row: InformationRow) -> None:
        self._enter("AccountInformation", [])
        self._account(row.account).take_information(row)

    def _take_position(self, row: PositionRow) -> None:
        self._selection.level("OpenPosition", row.level)
        self._account(row.account).take_position(row)

    def _take_cash(self, row: CashRow) -> None:
        self._selection.level("CashTransaction", row.level)
        if is_detail(row):
            self.document.cash.add(cash_event(row, self._number(row.account)))

    def _take_trade(self, row: TradeRow) -> None:
        self._selection.level("Trade", row.level)
        if not is_execution(row):
            return
        trade = self.document.trades.add(execution(row, ACTIVITY, self._number(row.account)))
        if row.exec_id:
            self.document.exec_ids.add(row.exec_id)
        self._take_tax(row, ACTIVITY, trade)

    def _take_confirm(self, row: TradeRow) -> None:
        if is_execution(row):
            trade = self.document.confirmed.add(execution(row, CONFIRMATION, self._number(row.account)))
            self._take_tax(row, CONFIRMATION, trade)

    def _take_tax(self, row: TradeRow, names: TradeRow, trade: Execution) -> None:
        tax = tax_event(row, names, trade)
        if tax is not None:
            self.document.cash.add(tax)

    def _account(self, number: str) -> Account:
        """The account whose figures these are: the statement's; without a statement, the one that the row names."""
        if self._statement is not None:
            return self._statement
        required(number, _STATEMENT.account)
        for loose in self.document.statements:
            if loose.number == number:
                return loose
        self.document.statements.append(Account(number=number))
        return self.document.statements[-1]

    def _number(self, number: str) -> str:
        """The number of the account that traded. Raises RowError when neither row nor statement names one."""
        if self._statement is not None and number in ("", self._statement.number):
            return self._statement.number
        self.document.row_accounts.add(required(number, _STATEMENT.account))
        return number
