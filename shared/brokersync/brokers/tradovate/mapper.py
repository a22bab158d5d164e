"""From Tradovate's answers to accounts, figures, executions and cash events. Pure: the same pages say the same."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from pydantic import ValidationError

from brokersync.brokers.exact_json import problems
from brokersync.brokers.tradovate import figures, refusals
from brokersync.brokers.tradovate.answers import rows_of
from brokersync.brokers.tradovate.cash import cash_event
from brokersync.brokers.tradovate.client import ACCOUNT_ID
from brokersync.brokers.tradovate.fills import executions
from brokersync.brokers.tradovate.joins import JOINED, Joins, RowProblem
from brokersync.brokers.tradovate.manifest import (
    ACCOUNTS,
    CASH_BALANCES,
    CASH_LOG,
    FEES,
    FILLS,
    PAIRS,
    POSITIONS,
    SAVED,
    SNAPSHOTS,
)
from brokersync.brokers.tradovate.models import Account, CashBalance, CashChange, Entity, Fill, Position, Snapshot, Wire
from brokersync.domain.errors import BrokerChangedError, ErrorCode, NeedsReviewError, UserActionNeededError
from brokersync.domain.pages import Normalised, RawPage, Unmapped
from brokersync.domain.portfolio import PositionsSection

HOLDING: Final = "holding"
"""The fact of a page of cash: ids, with commas, of the accounts with open positions. Their cash isn't their worth."""

_MONEY = (FILLS, FEES, PAIRS, CASH_LOG)
"""Sections of which no row may be passed over in silence."""
_WHOLE = (POSITIONS, CASH_BALANCES)
"""Sections that say nothing when a row can't be read: a list with a gap is no list."""

_Row = TypeVar("_Row", bound=Wire)


def normalise(pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
    """What the pages say; see ports.Provider.normalise. Pages without data are passed over."""
    return _Mapping([page for page in pages if _has_data(page)], accounts).normalised()


def refuse_strangers(listed: Sequence[str], known: Sequence[str]) -> None:
    """A login brings the accounts that it has; only one that has none of those we know is another trader's.

    Raises UserActionNeededError (wrong_account, setup_incomplete) and NeedsReviewError (empty_where_history).
    """
    if not listed and known:
        raise NeedsReviewError(
            ErrorCode.EMPTY_WHERE_HISTORY, "Tradovate's answer holds no account at all. Nothing was changed."
        )
    if not listed:
        raise UserActionNeededError(
            ErrorCode.SETUP_INCOMPLETE, "This Tradovate login has no account here: choose the other environment."
        )
    if known and not set(known) & set(listed):
        raise UserActionNeededError(
            ErrorCode.WRONG_ACCOUNT, "The Tradovate login opens none of this connection's accounts. Nothing was stored."
        )


class _Mapping:
    """Reads the pages of one chunk together."""

    def __init__(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> None:
        self._out = Normalised()
        self._pages = pages
        self._known = tuple(accounts)
        self._joins = Joins()
        self._rows: dict[str, list[tuple[RawPage, Wire]]] = {}
        self._spoiled: set[str] = set()
        self._read_all()

    def normalised(self) -> Normalised:
        """All that the pages say. Raises as ports.Provider.normalise."""
        listed = [row for _, row in self._of(ACCOUNTS, Account)]
        ids = [account.id for account in listed]
        if any(page.section == ACCOUNTS for page in self._pages):
            refuse_strangers(ids, self._known)
        self._allowed = {*ids, *self._known}
        self._cash = figures.by_account([row for _, row in self._of(CASH_BALANCES, CashBalance)])
        for account in listed:
            self._out.accounts.append(figures.account_info(account, self._cash.get(account.id, ()), self._joins))
        self._balances()
        self._positions(ids)
        self._executions()
        self._cash_events()
        return self._out

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read_all(self) -> None:
        """All rows into models. Of a section that was asked twice the later answer counts: it is the whole list."""
        for number, page in enumerate(self._pages):
            asked_again = any(later.section == page.section for later in self._pages[number + 1 :])
            if asked_again and page.section in (FILLS, CASH_BALANCES):
                continue
            for section, rows in rows_of(page).items():
                if section in JOINED:
                    self._joins.add(section, ())
                self._read(page, section, rows)
        there = {*self._rows, *(page.section for page in self._pages)}
        for page in self._pages:
            for section in page.facts.keys() & JOINED.keys() - there:
                self._joins.add_facts(section, page.facts[section])

    def _read(self, page: RawPage, section: str, rows: Sequence[object]) -> None:
        kind = _MODELS[section]
        for number, row in enumerate(rows, start=1):
            try:
                read = kind.model_validate(row)
            except ValidationError as error:
                self._unreadable(section, _where(row, number), problems(error))
                continue
            self._rows.setdefault(section, []).append((page, read))
            if section in JOINED and isinstance(read, Entity):
                self._joins.add(section, [read])

    def _unreadable(self, section: str, where: str, reason: str) -> None:
        """A row that can't be read. Of what only leads elsewhere it is missed where it leads to.

        Raises BrokerChangedError for an account: without it, nobody can say whose the rest is.
        """
        if section == ACCOUNTS:
            raise BrokerChangedError("Tradovate lists an account that can't be read.", detail=f"{where}: {reason}")
        if section in (*_MONEY, *_WHOLE):
            self._tell(section, where, reason)
        if section in _WHOLE:
            self._miss(section)

    def _of(self, section: str, kind: type[_Row]) -> list[tuple[RawPage, _Row]]:
        return [(page, row) for page, row in self._rows.get(section, ()) if isinstance(row, kind)]

    def _miss(self, section: str) -> None:
        self._spoiled.add(section)
        if section not in self._out.missing_sections:
            self._out.missing_sections.append(section)

    def _permit(self, account: str) -> None:
        if self._allowed and account not in self._allowed:
            raise RowProblem(f"account: ...{account[-4:]} is none of the accounts that the login lists")

    # --- saying -----------------------------------------------------------------------------------------------------

    def _balances(self) -> None:
        """The figures of accounts that are flat, by their cash, and of those of which there is a snapshot."""
        if CASH_BALANCES in self._spoiled:
            return
        page = next((one for one in self._pages if one.section == CASH_BALANCES and HOLDING in one.facts), None)
        holding = page.facts[HOLDING].split(",") if page else []
        snapshots = {one.params.get(ACCOUNT_ID, ""): (one, row) for one, row in self._of(SNAPSHOTS, Snapshot)}
        for account, (asked, snapshot) in snapshots.items():
            told = self._cash.get(account, ())
            as_of = figures.received(asked.received_at)
            self._out.balances.append(figures.balance(account, told, snapshot, as_of, self._joins))
        for account, told in self._cash.items():
            by_cash = not figures.needs_snapshot(told, holds_positions=account in holding)
            if page is not None and by_cash and (not self._allowed or account in self._allowed):
                as_of = figures.received(page.received_at)
                self._out.balances.append(figures.balance(account, told, None, as_of, self._joins))

    def _positions(self, listed: Sequence[str]) -> None:
        page = next((one for one in self._pages if one.section in (POSITIONS, SAVED)), None)
        rows = [row for _, row in self._of(POSITIONS, Position)]
        if page is None or POSITIONS in self._spoiled or (page.section == SAVED and not rows):
            return
        as_of = figures.received(page.received_at)
        held: dict[str, list[Position]] = {account: [] for account in (*listed, *(row.account_id for row in rows))}
        for row in rows:
            held[row.account_id].append(row)
        for account, its in held.items():
            try:
                self._permit(account)
                open_ones = tuple(figures.position(row, as_of, self._joins) for row in its if row.net_pos)
            except RowProblem as problem:
                self._tell(POSITIONS, f"account ...{account[-4:]}", str(problem), account)
                self._miss(POSITIONS)
                continue
            self._out.positions.append(PositionsSection(broker_account_id=account, as_of=as_of, positions=open_ones))

    def _executions(self) -> None:
        fills: dict[str, Fill] = {}
        for _, fill in self._of(FILLS, Fill):
            if fills.setdefault(fill.id, fill) != fill:
                self._tell(FILLS, f"id {fill.id}", "its id is there twice in one answer, with different contents")
        try:
            closings = self._joins.closings(fills)
        except RowProblem as problem:
            self._tell(PAIRS, "profits", str(problem))
            closings = None
        for fill in fills.values():
            account = ""
            try:
                account = self._joins.account_of(fill)
                self._permit(account)
                self._out.executions += executions(fill, self._joins, closings)
            except RowProblem as problem:
                self._tell(FILLS, f"id {fill.id}", str(problem), account)

    def _cash_events(self) -> None:
        for _, change in self._of(CASH_LOG, CashChange):
            try:
                self._permit(change.account_id)
                event = cash_event(change, self._joins)
            except RowProblem as problem:
                self._tell(CASH_LOG, f"id {change.id}", str(problem), change.account_id)
                continue
            if event is not None:
                self._out.cash_events.append(event)

    def _tell(self, section: str, where: str, reason: str, account: str = "") -> None:
        """Report a row. What isn't a fill or cash is told anew by the next answer, and leaves no hole behind."""
        self._out.unmapped.append(
            Unmapped(
                section=section,
                where=where,
                reason=reason,
                broker_account_id=account,
                ledger=section in (FILLS, CASH_LOG),
            )
        )


_MODELS: Final[Mapping[str, type[Wire]]] = {
    **JOINED,
    ACCOUNTS: Account,
    FILLS: Fill,
    CASH_BALANCES: CashBalance,
    SNAPSHOTS: Snapshot,
}


def _has_data(page: RawPage) -> bool:
    if page.section not in _MODELS and page.section != SAVED:
        return False
    return page.status == 200 and refusals.refusal_in(page.body, page.section) is None


def _where(row: object, number: int) -> str:
    named = row.get("id") if isinstance(row, dict) else None
    return f"row {number}" if named is None else f"id {str(named)[:40]}"
