"""One account as one statement tells it: its name, its figures and its open positions."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from brokersync.brokers.ibkr_flex.mapper_positions import POSITION, position
from brokersync.brokers.ibkr_flex.rows import CashReportRow, EquityRow, InformationRow, PositionRow
from brokersync.brokers.ibkr_flex.values import RowError, day, moment, required_number
from brokersync.domain.portfolio import AccountInfo, Balance, Position, PositionsSection
from brokersync.domain.times import BrokerTime

_BASE_SUMMARY: Final = "BASE_SUMMARY"
_CASH: Final = CashReportRow()
_EQUITY: Final = EquityRow()


@dataclass(slots=True, kw_only=True)
class Account:
    """What the rows of one FlexStatement say of its account.

    `as_of` is the statement's last day; where that is not told, the time it was made. `dated`: both its first and its
    last day are told.
    """

    number: str
    as_of: BrokerTime | None = None
    dated: bool = False
    currency: str = ""
    name: str = ""
    sections: set[str] = field(default_factory=set)
    _spoiled: set[str] = field(default_factory=set)
    _cash: Decimal | None = None
    _equity: Decimal | None = None
    _equity_day: date = date.min
    _summaries: list[Position] = field(default_factory=list)
    _lots: list[Position] = field(default_factory=list)

    @property
    def ended_ns(self) -> int:
        """The last day in nanoseconds since 1970 (UTC), to tell which of two statements is the later one."""
        return self.as_of.ns if self.as_of else 0

    def take_information(self, row: InformationRow) -> None:
        """AccountInformation: the base currency and the name that the trader gave the account."""
        self.currency = row.currency
        self.name = row.alias

    def take_cash(self, row: CashReportRow) -> None:
        """CashReportCurrency: the cash of all currencies together, in base. Raises RowError."""
        if row.currency == _BASE_SUMMARY:
            self._date(row.last_day, _CASH.last_day)
            self._cash = self._figure(row.ending_cash, _CASH.ending_cash)

    def take_equity(self, row: EquityRow) -> None:
        """EquitySummaryByReportDateInBase: one a day; the last one counts. Raises RowError."""
        when = day(row.day, _EQUITY.day) if row.day else self._equity_day
        if when >= self._equity_day:
            self._date(row.day, _EQUITY.day)
            self._equity_day = when
            self._equity = self._figure(row.total, _EQUITY.total)

    def take_position(self, row: PositionRow) -> None:
        """OpenPosition: SUMMARY rows, or, where the query has no sums, the LOT rows. Raises RowError."""
        try:
            found = position(row, self.number, self._date(row.day, POSITION.day))
        except RowError:
            self._spoiled.add("positions")
            raise
        if found is not None:
            (self._lots if row.level == "LOT" else self._summaries).append(found)

    def info(self) -> AccountInfo:
        """The account as IBKR lists it."""
        return AccountInfo(broker_account_id=self.number, currency=self.currency, name=self.name)

    def balance(self) -> Balance | None:
        """Cash and net asset value in base; None when the statement tells neither, or tells one that can't be read."""
        if self.as_of is None or "balance" in self._spoiled or (self._cash is None and self._equity is None):
            return None
        return Balance(
            broker_account_id=self.number,
            currency=self.currency,
            as_of=self.as_of,
            balance=self._cash,
            equity=self._equity,
        )

    def positions(self) -> PositionsSection | None:
        """All open positions, none of them for a flat account; None when the statement can't tell them all."""
        found = self._summaries or self._lots
        told = "OpenPositions" in self.sections or found
        if self.as_of is None or "positions" in self._spoiled or not told:
            return None
        return PositionsSection(broker_account_id=self.number, as_of=self.as_of, positions=tuple(found))

    def _figure(self, value: str, name: str) -> Decimal:
        try:
            return required_number(value, name)
        except RowError:
            self._spoiled.add("balance")
            raise

    def _date(self, value: str, name: str) -> BrokerTime:
        """The statement's last day; of a section that was saved alone, its row's own date."""
        if self.as_of is None:
            self.as_of = moment(value, name)
        return self.as_of
