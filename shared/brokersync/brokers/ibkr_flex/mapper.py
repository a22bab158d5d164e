"""What statements say together, in the terms of ledger and portfolio."""

from typing import TypeVar

from brokersync.brokers.ibkr_flex.account import Account
from brokersync.brokers.ibkr_flex.document import FIGURES, Document
from brokersync.brokers.ibkr_flex.identity import Entries, mask
from brokersync.brokers.ibkr_flex.manifest import HISTORY, OVERVIEW, SAVED
from brokersync.brokers.ibkr_flex.mapper_trades import find_cancelled
from brokersync.domain.pages import Normalised, Unmapped
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.trades import CashEvent, Execution

_Entry = TypeVar("_Entry", Execution, CashEvent)


class Together:
    """What several documents say together. A row that two of them tell, word for word, is one row."""

    def __init__(self) -> None:
        self._infos: dict[str, AccountInfo] = {}
        self._figures: dict[str, Account] = {}
        self._trades: Entries[Execution] = Entries()
        self._confirmed: Entries[Execution] = Entries()
        self._cash: Entries[CashEvent] = Entries()
        self._exec_ids: set[str] = set()
        self._unmapped: list[Unmapped] = []

    def add(self, document: Document, section: str) -> None:
        """Take what counts: of an overview only accounts and figures, of a history all but the figures."""
        self._introduce(document)
        if section != HISTORY:
            for account in document.statements:
                self._take_figures(account)
        if section != OVERVIEW:
            self._take(document.trades, self._trades)
            self._take(document.confirmed, self._confirmed)
            self._take(document.cash, self._cash)
            self._exec_ids |= document.exec_ids
        self._unmapped += [row for row in document.unmapped if _counts(row, section)]
        if section == SAVED and (advice := document.selection.advice()):
            self._unmapped.append(advice)

    def normalised(self) -> Normalised:
        """All of it. Where both tell a fill, the Activity statement's word replaces the Trade Confirmation's."""
        confirmed = [
            trade
            for trade in self._confirmed.all()
            if trade.source_trade_id.removeprefix("exec:") not in self._exec_ids
        ]
        for number, account in self._figures.items():
            account.currency = account.currency or self._infos[number].currency
        return Normalised(
            accounts=list(self._infos.values()),
            balances=[balance for account in self._figures.values() if (balance := account.balance())],
            positions=[positions for account in self._figures.values() if (positions := account.positions())],
            executions=list(find_cancelled([*self._trades.all(), *confirmed])),
            cash_events=list(self._cash.all()),
            unmapped=self._unmapped,
        )

    def _introduce(self, document: Document) -> None:
        infos = [account.info() for account in document.statements]
        for number in sorted(document.row_accounts):
            whole = next((info for info in infos if number.startswith(info.broker_account_id)), None)
            infos.append(AccountInfo(broker_account_id=number, currency=whole.currency if whole else ""))
        for info in infos:
            if info.currency or info.broker_account_id not in self._infos:
                self._infos[info.broker_account_id] = info

    def _take_figures(self, account: Account) -> None:
        """Of several statements of an account (one per day, if the query breaks out days) the last one counts."""
        known = self._figures.get(account.number)
        if known is None or known.ended_ns <= account.ended_ns:
            self._figures[account.number] = account

    def _take(self, entries: Entries[_Entry], into: Entries[_Entry]) -> None:
        for entry, error in into.adopt(entries):
            where = f"account {mask(entry.broker_account_id)}, {entry.source_id}"
            self._unmapped.append(
                Unmapped(
                    section=type(entry).__name__,
                    where=where,
                    reason=str(error),
                    broker_account_id=entry.broker_account_id,
                )
            )


def _counts(row: Unmapped, section: str) -> bool:
    """Whether a row that was not understood is missing from what is taken of its document."""
    if section == OVERVIEW:
        return row.section in FIGURES
    return section != HISTORY or row.section not in FIGURES
