"""Transactions to executions and cash events, whichever answer they came in. Pure.

Only four types trade or move money; the others order, cancel, configure or reject. A type that nobody has met yet is
left alone too, unless it has trade legs or changed the balance: then it is reported, so that the account isn't taken
for complete.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from brokersync.brokers.exact_json import problems
from brokersync.brokers.oanda.cash import daily_financing, dividend, transfer
from brokersync.brokers.oanda.fills import read_fill
from brokersync.brokers.oanda.models import DailyFinancing, DividendAdjustment, Head, OrderFill, TransferFunds
from brokersync.domain.pages import Normalised, Unmapped

_MODELS: Final[Mapping[str, type[Head]]] = {
    "ORDER_FILL": OrderFill,
    "TRANSFER_FUNDS": TransferFunds,
    "DAILY_FINANCING": DailyFinancing,
    "DIVIDEND_ADJUSTMENT": DividendAdjustment,
}
_LEG_KEYS = ("tradeOpened", "tradeReduced", "tradesClosed")


def text_in(row: Mapping[str, object], key: str) -> str:
    """A row's text under a key; empty when there is none, or something else (which its model will refuse)."""
    value = row.get(key)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rows come from. `account` and `currency` are empty where the answer doesn't say."""

    section: str
    account: str
    currency: str


class TransactionReader:
    """Reads rows of several answers into one result; a transaction that comes twice is read once.

    `permitted` returns an account id that may come out, and raises for one that may not.
    """

    def __init__(self, out: Normalised, permitted: Callable[[str], str]) -> None:
        self._out = out
        self._permitted = permitted
        self._seen: set[tuple[str, str, str]] = set()
        self._balances: dict[str, Decimal | None] = {}

    def read(self, rows: Sequence[object], source: Source) -> None:
        """Read rows in the order in which they happened. A row that can't be read becomes Unmapped."""
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict):
                self._unmapped(source, f"row {number}", "it is not a transaction but a bare value")
                continue
            account = self._permitted(text_in(row, "accountID") or source.account)
            where = f"transaction {str(row['id'])[:20]}" if "id" in row else f"row {number}"
            try:
                transaction = _MODELS.get(text_in(row, "type"), Head).model_validate(row)
            except ValidationError as error:
                self._balances[account] = None
                self._unmapped(source, where, problems(error))
                continue
            identity = (account, transaction.id, transaction.type)
            if not account or identity not in self._seen:
                self._seen.add(identity)
                self._read(transaction, row, account, source)
            if transaction.account_balance is not None:
                self._balances[account] = transaction.account_balance

    def _read(self, transaction: Head, row: Mapping[str, object], account: str, source: Source) -> None:
        match transaction:
            case OrderFill():
                said = read_fill(transaction, account, source.currency)
                self._out.executions += said.executions
                self._out.cash_events += said.cash_events
                for problem in said.problems:
                    self._unmapped(source, f"transaction {transaction.id}", problem)
            case TransferFunds():
                self._out.cash_events += transfer(transaction, account, source.currency)
            case DailyFinancing():
                self._out.cash_events += daily_financing(transaction, account, source.currency)
            case DividendAdjustment():
                self._out.cash_events += dividend(transaction, account, source.currency)
            case _:
                reason = self._why_it_matters(transaction, row, account)
                if reason:
                    self._unmapped(source, f"transaction {transaction.id}", f"{transaction.type}: {reason}")

    def _why_it_matters(self, transaction: Head, row: Mapping[str, object], account: str) -> str:
        """Why a transaction of another type can't be left alone; empty when it can."""
        if any(row.get(key) for key in _LEG_KEYS):
            return "it has trade legs, but its type is not known"
        balance = transaction.account_balance
        if balance is not None and balance != self._balances.get(account):
            return "it gives a new account balance, but its type is not known"
        return ""

    def _unmapped(self, source: Source, where: str, reason: str) -> None:
        self._out.unmapped.append(Unmapped(section=source.section, where=where, reason=reason))
