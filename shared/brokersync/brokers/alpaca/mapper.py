"""From Alpaca's answers to balances, positions, executions and cash events. Pure: the same pages say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from brokersync.brokers.alpaca.activities import FILL, RowProblem, cash_event, execution, is_trade, option_event
from brokersync.brokers.alpaca.answers import read_account, read_rows, recognise
from brokersync.brokers.alpaca.manifest import ACCOUNT, ACTIVITIES, POSITIONS
from brokersync.brokers.alpaca.models import Account, Fill, NonTrade, Position
from brokersync.brokers.alpaca.symbols import instrument
from brokersync.brokers.exact_json import JsonObject, problems, validated
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.pages import Normalised, RawPage, Unmapped
from brokersync.domain.portfolio import AccountInfo, Balance, PositionsSection
from brokersync.domain.portfolio import Position as OpenPosition
from brokersync.domain.times import BrokerTime, to_ns
from brokersync.domain.trades import Side

NUMBER: Final = "account_number"
ALPACA_ID: Final = "account_id"
CURRENCY: Final = "currency"
"""The facts that activities and positions need and don't tell."""

_USUAL_CURRENCY: Final = "USD"  # of all that is traded at Alpaca, and of an answer that doesn't say


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose rows a page holds; `number` and `alpaca_id` are empty where the page doesn't say."""

    number: str
    alpaca_id: str
    currency: str


def facts_of(account: Account) -> dict[str, str]:
    """What pages about this account have to carry along."""
    return {NUMBER: account.account_number, ALPACA_ID: account.id, CURRENCY: account.currency}


def normalise(pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
    """What the pages say; see ports.Provider.normalise."""
    mapping = _Mapping(accounts)
    for page in pages:  # first of all: saved answers of other kinds don't say whose they are
        if page.section == ACCOUNT:
            mapping.account(page)
    for page in pages:
        if page.section == ACTIVITIES:
            mapping.activities(page)
        elif page.section == POSITIONS:
            mapping.positions(page)
    return mapping.finished()


class _Mapping:
    """Gathers what several pages say. `accounts` may come out of it; none means all."""

    def __init__(self, accounts: Sequence[str]) -> None:
        self._accounts = frozenset(accounts)
        self._owners: dict[str, Owner] = {}  # by Alpaca's id
        self._rows: dict[tuple[str, str], _Row] = {}
        self._out = Normalised()

    def account(self, page: RawPage) -> None:
        """The account's figures. Raises BrokerChangedError, UserActionNeededError (wrong_account)."""
        account = validated(Account, read_account(page), page.section)
        number = self._permitted(account.account_number)
        owner = Owner(number=number, alpaca_id=account.id, currency=account.currency)
        self._owners[account.id or number] = owner
        self._out.accounts.append(AccountInfo(broker_account_id=number, currency=account.currency))
        self._out.balances.append(
            Balance(
                broker_account_id=number,
                currency=account.currency,
                as_of=_received(page),
                balance=account.cash,
                equity=account.equity,
                margin=account.initial_margin,  # buying power is a multiple of what is free, and says nothing of it
            )
        )

    def positions(self, page: RawPage) -> None:
        """The open positions. With a row that can't be read the section is missing: a list with a gap is no list."""
        owner = self._owner(page)
        as_of = _received(page)
        held: list[OpenPosition] = []
        bad: list[Unmapped] = []
        for number, row in enumerate(_rows(page), start=1):
            try:
                held.append(_position(Position.model_validate(row), owner, as_of))
            except ValidationError as error:
                named = str(row.get("symbol", number))[:40] if isinstance(row, dict) else number
                bad.append(Unmapped(section=page.section, where=f"position {named}", reason=problems(error)))
        if bad:
            self._out.unmapped += bad
            self._out.missing_sections.append(page.section)
            return
        self._out.positions.append(
            PositionsSection(
                broker_account_id=owner.number,
                as_of=as_of,
                positions=tuple(one for one in held if one.volume),
            )
        )

    def activities(self, page: RawPage) -> None:
        """Take the rows of a page. One that was taken before is replaced: the later answer knows better."""
        owner = self._owner(page)
        here: dict[tuple[str, str], object] = {}
        for number, row in enumerate(_rows(page), start=1):
            if not isinstance(row, dict):
                self._unmapped(page.section, f"row {number}", "it is not an activity but a bare value")
                continue
            whose = self._owner_of(row, owner)
            name = row.get("id")
            named = name if isinstance(name, str) and name else ""
            where = f"activity {named[:60]}" if named else f"row {number}"
            key = (whose.number, named or f"{id(page)} {number}")
            if key in here and here[key] != row:
                self._unmapped(page.section, where, "its id is there twice in one answer, with different contents")
                continue
            here[key] = row
            self._rows[key] = _Row(content=row, owner=whose, section=page.section, where=where)

    def finished(self) -> Normalised:
        """All that was read."""
        for row in self._rows.values():
            try:
                self._read(row)
            except ValidationError as error:
                self._unmapped(row.section, row.where, problems(error))
            except RowProblem as problem:
                self._unmapped(row.section, row.where, str(problem))
        return self._out

    def _read(self, row: "_Row") -> None:
        account, currency = row.owner.number, row.owner.currency
        if row.content.get("activity_type") == FILL:
            self._out.executions.append(execution(Fill.model_validate(row.content), account, currency))
            return
        other = NonTrade.model_validate(row.content)
        if is_trade(other):
            self._out.executions += option_event(other, account, currency)
        else:
            self._out.cash_events.append(cash_event(other, account, currency))

    def _owner(self, page: RawPage) -> Owner:
        """Whose page it is: its facts say so, or the one account among the pages (saved answers have no facts)."""
        if NUMBER in page.facts:
            return Owner(
                number=self._permitted(page.facts[NUMBER]),
                alpaca_id=page.facts.get(ALPACA_ID, ""),
                currency=page.facts.get(CURRENCY, _USUAL_CURRENCY),
            )
        if len(self._owners) == 1:
            return next(iter(self._owners.values()))
        return Owner(number="", alpaca_id="", currency=_USUAL_CURRENCY)

    def _owner_of(self, row: JsonObject, owner: Owner) -> Owner:
        """Whose row it is, where it says so itself. Raises UserActionNeededError (wrong_account)."""
        said = row.get("account_id")
        if not isinstance(said, str) or not said or said == owner.alpaca_id:
            return owner
        known = self._owners.get(said)
        if known is not None:
            return known
        if self._accounts:
            raise _wrong_account(said)
        return Owner(number=said, alpaca_id=said, currency=owner.currency)

    def _permitted(self, number: str) -> str:
        if number and self._accounts and number not in self._accounts:
            raise _wrong_account(number)
        return number

    def _unmapped(self, section: str, where: str, reason: str) -> None:
        self._out.unmapped.append(Unmapped(section=section, where=where, reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    content: JsonObject
    owner: Owner
    section: str
    where: str


def _rows(page: RawPage) -> list[object]:
    """A page's rows; of a saved one, which has no facts, a single row will do."""
    return read_rows(page) if NUMBER in page.facts else recognise(page.body, page.section).rows


def _position(row: Position, owner: Owner, as_of: BrokerTime) -> OpenPosition:
    held = instrument(row.symbol)
    short = row.side == "short" or row.qty < 0
    return OpenPosition(
        broker_account_id=owner.number,
        symbol=held.symbol,
        side=Side.SELL if short else Side.BUY,
        volume=row.qty.copy_abs(),
        as_of=as_of,
        currency=held.currency or owner.currency,
        position_id=row.asset_id,
        open_price=row.avg_entry_price,
        current_price=row.current_price,
        profit=row.unrealized_pl,
    )


def _received(page: RawPage) -> BrokerTime:
    """Alpaca's figures have no time of their own."""
    return BrokerTime(ns=to_ns(page.received_at), raw=page.received_at.isoformat(), zone="time of receipt")


def _wrong_account(number: str) -> UserActionNeededError:
    return UserActionNeededError(
        ErrorCode.WRONG_ACCOUNT,
        "Alpaca answered with another account's data. Nothing of it was stored.",
        detail=f"the answer is about an account ending in {number[-4:]}, which is not this feed's",
    )
