"""From OANDA's answers to balances, positions, executions and cash events. Pure: the same pages say the same."""

import re
from collections.abc import Iterable, Sequence
from decimal import localcontext
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from brokersync.brokers.exact_json import JsonObject, a_list, an_object, problems, validated
from brokersync.brokers.oanda.answers import Answer, Kind, recognise, transactions_in
from brokersync.brokers.oanda.holdings import (
    Detail,
    Holdings,
    balance,
    from_positions,
    from_trades,
    orders_by_id,
)
from brokersync.brokers.oanda.manifest import OPEN_TRADES, SUMMARY, TRANSACTIONS
from brokersync.brokers.oanda.models import AccountsAnswer, Figures, Position, SummaryAnswer, Trade
from brokersync.brokers.oanda.transactions import Source, TransactionReader, text_in
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from brokersync.domain.pages import Normalised, RawPage, Unmapped
from brokersync.domain.portfolio import AccountInfo, PositionsSection
from brokersync.domain.portfolio import Position as OpenPosition
from brokersync.domain.times import BrokerTime, to_ns

CURRENCY: Final = "currency"
"""The fact that transactions and Trades need and don't tell: the account's currency."""

_EXACT_DIGITS = 100  # amounts have at most 38 digits: their sums stay exact
_ACCOUNT_IN_PATH = re.compile(r"/accounts/([^/{}]+)")
_FETCHED = {
    SUMMARY: (Kind.ACCOUNT,),
    TRANSACTIONS: (Kind.TRANSACTION_PAGES, Kind.TRANSACTIONS),
    OPEN_TRADES: (Kind.TRADES,),
}
_Row = TypeVar("_Row", bound=BaseModel)


def normalise(pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
    """What the pages say; see ports.Provider.normalise."""
    with localcontext(prec=_EXACT_DIGITS):
        mapping = _Mapping(accounts)
        read = [(page, _answer(page)) for page in pages]
        for page, answer in read:
            mapping.learn(page, answer)
        for page, answer in read:
            mapping.add(page, answer)
        return mapping.finished()


def _answer(page: RawPage) -> Answer:
    answer = recognise(page.body, page.section)
    if answer.kind not in _FETCHED.get(page.section, (answer.kind,)):
        raise BrokerChangedError(f"OANDA answered {answer.kind} where {page.section} was asked for.")
    return answer


class _Mapping:
    """Gathers what several pages say. `accounts` may come out of it; none means all."""

    def __init__(self, accounts: Sequence[str]) -> None:
        self._accounts = frozenset(accounts)
        self._currencies: dict[str, str] = {}
        self._holdings = Holdings()
        self._out = Normalised()
        self._transactions = TransactionReader(self._out, self._permitted)

    def learn(self, page: RawPage, answer: Answer) -> None:
        """Remember accounts and their currencies, for the pages that don't tell them."""
        here = _account_in(page.path)
        told = [(here, page.facts.get(CURRENCY, ""))]
        if answer.kind is Kind.ACCOUNT:
            account = an_object(answer.document["account"], "account")
            told.append((text_in(account, "id"), text_in(account, "currency")))
        told += [
            (text_in(row, "accountID"), text_in(row, "homeCurrency"))
            for row in transactions_in(answer)
            if isinstance(row, dict)
        ]
        for number, currency in told:
            if number:
                self._currencies[number] = self._currencies.get(number, "") or currency

    def add(self, page: RawPage, answer: Answer) -> None:
        """Read one page. Raises BrokerChangedError, UserActionNeededError (wrong_account)."""
        as_of = BrokerTime(ns=to_ns(page.received_at), raw=page.received_at.isoformat(), zone="time of receipt")
        account = self._permitted(_account_in(page.path) or self._only_account())
        source = Source(section=page.section, account=account, currency=self._currencies.get(account, ""))
        match answer.kind:
            case Kind.ACCOUNTS:
                listed = validated(AccountsAnswer, answer.document, page.section)
                self._out.accounts += [
                    AccountInfo(broker_account_id=self._permitted(ref.id), currency=self._currencies.get(ref.id, ""))
                    for ref in listed.accounts
                ]
            case Kind.ACCOUNT:
                self._account(answer.document, page.section, as_of)
            case Kind.CHANGES:
                state = validated(Figures, answer.document.get("state", {}), f"{page.section}: state")
                self._out.balances.append(balance(account, source.currency, state, None, as_of))
            case Kind.TRADES | Kind.TRADE:
                trades = self._rows(Trade, answer, source)
                if trades is not None:
                    detail = Detail.TRADES if answer.kind is Kind.TRADES else Detail.ONE
                    self._hold(detail, account, as_of, from_trades(trades, account, source.currency, as_of))
            case Kind.POSITIONS | Kind.POSITION:
                sums = self._rows(Position, answer, source)
                if sums is not None:
                    detail = Detail.POSITIONS if answer.kind is Kind.POSITIONS else Detail.ONE
                    self._hold(detail, account, as_of, from_positions(sums, account, source.currency, as_of))
            case _:
                pass  # orders, and where to find transactions: neither money nor positions
        self._transactions.read(transactions_in(answer), source)

    def finished(self) -> Normalised:
        """All that was read."""
        self._out.positions += self._holdings.sections()
        return self._out

    def _account(self, document: JsonObject, section: str, as_of: BrokerTime) -> None:
        account = validated(SummaryAnswer, document, section).account
        number = self._permitted(account.id)
        self._out.accounts.append(AccountInfo(broker_account_id=number, currency=account.currency, name=account.alias))
        self._out.balances.append(balance(number, account.currency, account, account.balance, as_of))
        if account.trades is not None:
            found = from_trades(account.trades, number, account.currency, as_of, orders_by_id(account))
            self._hold(Detail.TRADES, number, as_of, found)
        elif account.open_trade_count == 0:
            self._hold(Detail.COUNT, number, as_of, ())

    def _rows(self, model: type[_Row], answer: Answer, source: Source) -> list[_Row] | None:
        """The rows of a list of holdings. None when one can't be read: a list with a gap is no list (I5)."""
        value = answer.document[answer.kind]
        rows = a_list(value, answer.kind) if answer.kind in (Kind.TRADES, Kind.POSITIONS) else [value]
        read: list[_Row] = []
        bad: list[Unmapped] = []
        for number, row in enumerate(rows, start=1):
            try:
                read.append(model.model_validate(row))
            except ValidationError as error:
                named = row.get("id", row.get("instrument", number)) if isinstance(row, dict) else number
                bad.append(Unmapped(section=source.section, where=f"{answer.kind} {named}", reason=problems(error)))
        if not bad:
            return read
        self._out.unmapped += bad
        self._out.missing_sections.append(source.section)
        return None

    def _hold(self, detail: Detail, account: str, as_of: BrokerTime, positions: Iterable[OpenPosition]) -> None:
        section = PositionsSection(broker_account_id=account, as_of=as_of, positions=tuple(positions))
        self._holdings.add(detail, section)

    def _only_account(self) -> str:
        """Whom a saved answer is about that names nobody: the one account of all pages, if there is just one."""
        return next(iter(self._currencies)) if len(self._currencies) == 1 else ""

    def _permitted(self, account: str) -> str:
        if account and self._accounts and account not in self._accounts:
            raise UserActionNeededError(
                ErrorCode.WRONG_ACCOUNT,
                "OANDA answered with another account's data. Nothing of it was stored.",
                detail=f"the answer is about an account ending in {account[-4:]}, which is not this feed's",
            )
        return account


def _account_in(path: str) -> str:
    match = _ACCOUNT_IN_PATH.search(path)
    return match.group(1) if match else ""
