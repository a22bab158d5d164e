"""What a Flex query has to select, and what an answer shows that it doesn't."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.pages import Unmapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A section as Client Portal calls it, its rows, the fields we can't do without, and the level of detail."""

    title: str
    row: str
    fields: tuple[str, ...]
    level: str = ""
    option: str = ""


NEEDED: Final[Mapping[str, Needed]] = {
    "AccountInformation": Needed(title="Account Information", row="AccountInformation", fields=("currency",)),
    "CashReport": Needed(title="Cash Report", row="CashReportCurrency", fields=("currency", "endingCash")),
    "CashTransactions": Needed(
        title="Cash Transactions",
        row="CashTransaction",
        fields=("levelOfDetail", "transactionID", "type", "amount", "currency", "dateTime"),
        level="DETAIL",
        option="Detail",
    ),
    "EquitySummaryInBase": Needed(
        title="Net Asset Value (NAV) in Base", row="EquitySummaryByReportDateInBase", fields=("reportDate", "total")
    ),
    "OpenPositions": Needed(
        title="Open Positions",
        row="OpenPosition",
        fields=("levelOfDetail", "symbol", "position", "currency"),
        level="SUMMARY",
        option="Summary",
    ),
    "Trades": Needed(
        title="Trades",
        row="Trade",
        fields=(
            "levelOfDetail",
            "transactionID",
            "tradeID",
            "transactionType",
            "symbol",
            "assetCategory",
            "currency",
            "multiplier",
            "dateTime",
            "quantity",
            "tradePrice",
            "taxes",
            "ibCommission",
            "ibCommissionCurrency",
            "origTradeID",
        ),
        level="EXECUTION",
        option="Executions",
    ),
}
"""By the element that holds the rows. It is there, though empty, whenever its section is selected."""


class Selection:
    """What an answer shows of its query: which sections, which fields and levels of detail their rows have.

    A query's fields are the same in every row: one that is missing in some rows only is those rows' own fault.
    """

    def __init__(self) -> None:
        self._sections: set[str] = set()
        self._fields: defaultdict[str, set[str]] = defaultdict(set)
        self._levels: defaultdict[str, set[str]] = defaultdict(set)

    def section(self, element: str) -> None:
        """The answer has this section."""
        self._sections.add(element)

    def fields(self, row: str, names: Iterable[str]) -> None:
        """Rows of this name have these attributes."""
        self._fields[row].update(names)

    def level(self, row: str, level: str) -> None:
        """There is a row of this name and level of detail."""
        self._levels[row].add(level)

    def advice(self) -> Unmapped | None:
        """What somebody who saved this statement should add to the query, if trades can't be told apart for sure."""
        trades = NEEDED["Trades"]
        if not self._fields[trades.row] or "transactionID" in self._fields[trades.row]:
            return None
        return Unmapped(
            section=trades.title,
            where="the query",
            reason="transactionID is not selected: the trades' ids are made of ibExecID or of what was traded. Add it "
            "before syncing, as every id changes with it.",
            ledger=False,
        )

    def check(self) -> None:
        """Raise UserActionNeededError (setup_incomplete) listing what has to be added to the query."""
        lacking = "; ".join(f"{needed.title} ({what})" for needed, what in self._lacking())
        if lacking:
            raise UserActionNeededError(
                ErrorCode.SETUP_INCOMPLETE,
                f"The Flex query lacks: {lacking}. Add it in Client Portal (Flex Queries, edit the query, Select All).",
            )

    def _lacking(self) -> Iterator[tuple[Needed, str]]:
        for element, needed in NEEDED.items():
            fields, levels = self._fields[needed.row], self._levels[needed.row]
            if element not in self._sections:
                yield needed, "the section"
            elif fields and (missing := [name for name in needed.fields if name not in fields]):
                yield needed, ", ".join(missing)
            elif levels and needed.level and needed.level not in levels:
                yield needed, f"the option {needed.option}"
