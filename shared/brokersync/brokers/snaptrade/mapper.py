"""From SnapTrade's answers to balances, positions, executions and cash events. Pure: the same pages say the same."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from brokersync.brokers.exact_json import problems, validated
from brokersync.brokers.snaptrade.activities import RowProblem, entry_of, option_ticker
from brokersync.brokers.snaptrade.answers import Answer, recognise
from brokersync.brokers.snaptrade.answers import read as read_fetched
from brokersync.brokers.snaptrade.client import COUNTED_ONLY
from brokersync.brokers.snaptrade.identity import is_of, numbers_of
from brokersync.brokers.snaptrade.manifest import ACCOUNT, ACTIVITIES, BALANCES, POSITIONS
from brokersync.brokers.snaptrade.models import Account, Activity, Balance, Freshness, Position
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.money import plain
from brokersync.domain.pages import Normalised, RawPage, Unmapped
from brokersync.domain.portfolio import AccountInfo, PositionsSection
from brokersync.domain.portfolio import Balance as Figures
from brokersync.domain.portfolio import Position as OpenPosition
from brokersync.domain.times import BrokerTime, from_rfc3339, to_ns
from brokersync.domain.trades import Execution, Side

NUMBER: Final = "number"
CURRENCY: Final = "currency"
WORTH: Final = "worth"
AS_OF: Final = "as_of"
"""The facts that pages need and don't tell: whose they are, in which currency the account is kept, its worth and since
when that is true."""


def facts_of(number: str, account: Account) -> dict[str, str]:
    """What pages about this account have to carry along."""
    total, loaded = account.balance.total, account.sync_status.holdings.last_successful_sync
    known = {
        NUMBER: number,
        CURRENCY: total.currency,
        WORTH: plain(total.amount) if total.amount is not None else "",
        AS_OF: loaded.raw if loaded else "",
    }
    return {name: text for name, text in known.items() if text}


def normalise(pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
    """What the pages say; see ports.Provider.normalise."""
    mapping = _Mapping(accounts)
    # A connection tells only whether the others may be believed, and the fetch has asked that.
    read = {
        ACCOUNT: mapping.account,
        ACTIVITIES: mapping.activities,
        BALANCES: mapping.balances,
        POSITIONS: mapping.positions,
    }
    for page in pages:
        # An account that is gone was looked for elsewhere, and what was only counted comes whole.
        if page.status == 200 and page.section in read and COUNTED_ONLY not in page.facts:
            read[page.section](page)
    return mapping.out


class _Mapping:
    """Gathers what several pages say. `accounts` may come out of it; none means all."""

    def __init__(self, accounts: Sequence[str]) -> None:
        self._accounts = frozenset(accounts)
        self.out = Normalised()

    def account(self, page: RawPage) -> None:
        """The account itself; of a saved listing, all of them. Raises BrokerChangedError, UserActionNeededError."""
        for row in _read(page).rows:
            account = validated(Account, row, page.section)
            number = page.facts.get(NUMBER) or numbers_of(account, account.institution_name.upper() or "UNKNOWN")[0]
            if NUMBER in page.facts and not is_of(account, number):
                raise wrong_account()
            self.out.accounts.append(
                AccountInfo(
                    broker_account_id=self._permitted(number),
                    currency=account.balance.total.currency,
                    name=account.name,
                )
            )

    def activities(self, page: RawPage) -> None:
        """Executions and cash events. An id that is there twice in one answer counts once."""
        number = self._owner(page)
        seen: dict[str, object] = {}
        for at, row in enumerate(_read(page).rows, start=1):
            name = row.get("id") if isinstance(row, dict) else None
            where = f"activity {name[:60]}" if isinstance(name, str) and name else f"row {at}"
            if isinstance(name, str) and name in seen:
                if seen[name] != row:
                    self._unmapped(page, where, "its id is there twice in one answer, with different contents")
                continue
            if isinstance(name, str):
                seen[name] = row
            try:
                entry = entry_of(Activity.model_validate(row), number)
            except ValidationError as error:
                self._unmapped(page, where, problems(error))
            except RowProblem as problem:
                self._unmapped(page, where, str(problem))
            else:
                if isinstance(entry, Execution):
                    self.out.executions.append(entry)
                else:
                    self.out.cash_events.append(entry)

    def balances(self, page: RawPage) -> None:
        """Cash and worth in the account's own currency; cash of other currencies has no place among the figures."""
        number = self._owner(page)
        rows = [validated(Balance, row, page.section) for row in _read(page).rows]
        currency = page.facts.get(CURRENCY) or next((row.currency.code for row in rows), "")
        own = next((row for row in rows if row.currency.code == currency), None)
        if not currency:
            return
        self.out.balances.append(
            Figures(
                broker_account_id=number,
                currency=currency,
                as_of=_as_of(page),
                balance=own.cash if own else None,
                equity=Decimal(page.facts[WORTH]) if WORTH in page.facts else None,
            )
        )

    def positions(self, page: RawPage) -> None:
        """The open positions. With a row that can't be read the section is missing: a list with a gap is no list."""
        number, answer = self._owner(page), _read(page)
        told = validated(Freshness, answer.top.get("data_freshness") or {}, page.section).as_of
        as_of = told or _as_of(page)
        held: list[OpenPosition] = []
        bad: list[tuple[str, str]] = []
        for at, row in enumerate(answer.rows, start=1):
            try:
                held.append(_position(Position.model_validate(row), number, as_of))
            except ValidationError as error:
                bad.append((f"position {at}", problems(error)))
        if bad:
            for where, reason in bad:
                self._unmapped(page, where, reason)
            self.out.missing_sections.append(page.section)
            return
        self.out.positions.append(
            PositionsSection(broker_account_id=number, as_of=as_of, positions=tuple(one for one in held if one.volume))
        )

    def _owner(self, page: RawPage) -> str:
        return self._permitted(page.facts.get(NUMBER, ""))

    def _permitted(self, number: str) -> str:
        if self._accounts and number not in self._accounts:
            raise wrong_account()
        return number

    def _unmapped(self, page: RawPage, where: str, reason: str) -> None:
        self.out.unmapped.append(
            Unmapped(
                section=page.section,
                where=where,
                reason=reason,
                broker_account_id=page.facts.get(NUMBER, ""),
                ledger=page.section == ACTIVITIES,
            )
        )


def _read(page: RawPage) -> Answer:
    """A page's answer; a saved one, which has no facts, was recognised by its content already."""
    return read_fetched(page) if NUMBER in page.facts else recognise(page.body, page.section)


def _position(row: Position, number: str, as_of: BrokerTime) -> OpenPosition:
    option = row.instrument.kind == "option"
    return OpenPosition(
        broker_account_id=number,
        symbol=option_ticker(row.instrument.symbol) if option else row.instrument.symbol,
        side=Side.SELL if row.units < 0 else Side.BUY,
        volume=row.units.copy_abs(),
        as_of=as_of,
        currency=row.currency,
        position_id=row.instrument.id,
        open_price=None if option else row.cost_basis,  # of an option: per share or per contract, nobody says
        current_price=row.price,
    )


def _as_of(page: RawPage) -> BrokerTime:
    """When SnapTrade loaded the figures; when they came, where it doesn't say."""
    if AS_OF in page.facts:
        return from_rfc3339(page.facts[AS_OF])
    return BrokerTime(ns=to_ns(page.received_at), raw=page.received_at.isoformat(), zone="time of receipt")


def wrong_account() -> UserActionNeededError:
    """An answer about another account than the feed's."""
    return UserActionNeededError(
        ErrorCode.WRONG_ACCOUNT, "SnapTrade answered with another account's data. Nothing of it was stored."
    )
