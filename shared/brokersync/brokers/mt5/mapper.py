"""From a bridge's answers to balances, positions, executions and cash events. Pure: the same pages say the same."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final

from pydantic import ValidationError

from brokersync.brokers.exact_json import problems, validated
from brokersync.brokers.mt5.answers import Answer, Kind, recognise
from brokersync.brokers.mt5.completeness import explains
from brokersync.brokers.mt5.deals import Source, read_deal
from brokersync.brokers.mt5.errors import of_told
from brokersync.brokers.mt5.manifest import HISTORY, POSITIONS
from brokersync.brokers.mt5.models import Deal, Info
from brokersync.brokers.mt5.models import Position as WirePosition
from brokersync.brokers.mt5.server_clock import ServerClock
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.pages import Normalised, RawPage, Unmapped
from brokersync.domain.portfolio import AccountInfo, Balance, Position, PositionsSection
from brokersync.domain.times import BrokerTime, to_ns
from brokersync.domain.trades import Side

# The facts that pages carry along: what an earlier answer or the connection's settings told.
LOGIN: Final = "login"
CURRENCY: Final = "currency"
MARGIN_MODE: Final = "margin_mode"
SERVER_ZONE: Final = "server_zone"
DEALS_BALANCE: Final = "deals_balance"
"""On the info after the deals: what the balance has to be if these deals are all there are."""

_EXACT_DIGITS = 100  # amounts have at most 38 digits: their sums stay exact


def normalise(pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
    """What the pages say; see ports.Provider.normalise."""
    with localcontext(prec=_EXACT_DIGITS):
        mapping = _Mapping(accounts)
        read = [(page, recognise(page.body, page.section, _asked_for(page.section))) for page in pages]
        for page, answer in read:
            mapping.learn(page, answer)
        for page, answer in read:
            mapping.add(page, answer)
        return mapping.finished()


def permitted(login: str, accounts: Sequence[str]) -> str:
    """An account that may come out; an empty sequence permits all. Raises UserActionNeededError (wrong_account)."""
    if login and accounts and login not in accounts:
        raise UserActionNeededError(
            ErrorCode.WRONG_ACCOUNT,
            "The terminal behind the bridge is logged in to another account. Nothing of it was stored.",
            detail=f"the answer is about an account ending in {login[-4:]}, which is not this feed's",
        )
    return login


def _asked_for(section: str) -> str:
    return section if section in set(Kind) else ""


class _Mapping:
    """Gathers what several pages say. `accounts` may come out of it; none means all."""

    def __init__(self, accounts: Sequence[str]) -> None:
        self._accounts = accounts
        self._infos: dict[str, tuple[Info, BrokerTime]] = {}
        self._balances: list[Decimal] = []
        self._due: Decimal | None = None
        self._deals: dict[tuple[str, str], tuple[Deal, Source]] = {}
        self._out = Normalised()

    def learn(self, page: RawPage, answer: Answer) -> None:
        """Remember the account's figures, the newest ones, for the pages that don't tell its currency."""
        if answer.kind is not Kind.INFO:
            return
        info = validated(Info, answer.info, page.section)
        permitted(info.login, self._accounts)
        as_of = _received(page)
        known = self._infos.get(info.login)
        if known is None or known[1].ns <= as_of.ns:
            self._infos[info.login] = info, as_of
        self._balances.append(info.balance)
        if due := page.facts.get(DEALS_BALANCE):
            self._due = Decimal(due)

    def add(self, page: RawPage, answer: Answer) -> None:
        """Read one page. Raises BrokerChangedError, UserActionNeededError (wrong_account)."""
        if answer.kind is Kind.ERROR and answer.error is not None:
            if page.section != POSITIONS:
                raise of_told(answer.error, page.section)
            self._out.missing_sections.append(POSITIONS)  # trades are not held up by it
        elif answer.kind is Kind.POSITIONS:
            self._positions(page, answer)
        elif answer.kind is Kind.DEALS:
            self._read_deals(answer, self._source(page, answer))

    def finished(self) -> Normalised:
        """All that was read."""
        for deal, source in self._deals.values():
            said = read_deal(deal, source)
            self._out.executions += said.executions
            self._out.cash_events += said.cash_events
            if said.problem:
                self._unmapped(source, f"deal {deal.ticket}", said.problem)
        digits = 2
        for info, as_of in self._infos.values():
            self._out.accounts.append(AccountInfo(broker_account_id=info.login, currency=info.currency, name=info.name))
            self._out.balances.append(_balance(info, as_of))
            digits = info.currency_digits
        if self._due is not None and not explains(self._due, self._balances, digits):
            self._out.missing_sections.append(HISTORY)
        return self._out

    def _source(self, page: RawPage, answer: Answer) -> Source:
        """Whose rows a page has; a saved one may only say it by the one account that its companions are about."""
        alone = next(iter(self._infos)) if len(self._infos) == 1 else ""
        login = permitted(answer.login or page.facts.get(LOGIN, "") or alone, self._accounts)
        info = self._infos[login][0] if login in self._infos else None
        zone = page.facts.get(SERVER_ZONE, "")
        return Source(
            section=page.section,
            login=login,
            currency=page.facts.get(CURRENCY, info.currency if info else ""),
            margin_mode=int(page.facts.get(MARGIN_MODE, info.margin_mode if info else 0)),
            clock=ServerClock.of(zone) if zone else ServerClock.unknown(),
        )

    def _read_deals(self, answer: Answer, source: Source) -> None:
        """A deal that comes in several answers is read once, as the last one tells it."""
        for number, row in enumerate(answer.rows, start=1):
            try:
                deal = Deal.model_validate(row)
            except ValidationError as error:
                self._unmapped(source, _where("deal", row, number), problems(error))
                continue
            self._deals[source.login, deal.ticket] = deal, source

    def _positions(self, page: RawPage, answer: Answer) -> None:
        """The open positions; none at all when one can't be read: a list with a gap is no list (I5)."""
        source, as_of = self._source(page, answer), _received(page)
        read: list[Position] = []
        bad: list[Unmapped] = []
        for number, row in enumerate(answer.rows, start=1):
            try:
                read.append(_position(WirePosition.model_validate(row), source, as_of))
            except ValidationError as error:
                where = _where("position", row, number)
                bad.append(Unmapped(section=page.section, where=where, reason=problems(error)))
        if bad:
            self._out.unmapped += bad
            self._out.missing_sections.append(page.section)
            return
        self._out.positions = [one for one in self._out.positions if one.broker_account_id != source.login]
        self._out.positions.append(PositionsSection(broker_account_id=source.login, as_of=as_of, positions=tuple(read)))

    def _unmapped(self, source: Source, where: str, reason: str) -> None:
        self._out.unmapped.append(Unmapped(section=source.section, where=where, reason=reason))


def _balance(info: Info, as_of: BrokerTime) -> Balance:
    return Balance(
        broker_account_id=info.login,
        currency=info.currency,
        as_of=as_of,
        balance=info.balance,
        equity=info.equity,
        margin=info.margin,
        free_margin=info.margin_free,
        margin_level=info.margin_level if info.margin else None,  # MetaTrader writes 0 where there is none
    )


def _position(wire: WirePosition, source: Source, as_of: BrokerTime) -> Position:
    return Position(
        broker_account_id=source.login,
        symbol=wire.symbol,
        side=Side.SELL if wire.type else Side.BUY,
        volume=wire.volume,
        as_of=as_of,
        currency=source.currency,
        position_id=wire.identifier or wire.ticket,
        open_price=wire.price_open,
        opened_at=source.clock.instant(wire.opened_ms),
        stop_loss=wire.sl or None,
        take_profit=wire.tp or None,
        current_price=wire.price_current,
        profit=wire.profit,
        swap=wire.swap,
    )


def _received(page: RawPage) -> BrokerTime:
    return BrokerTime(ns=to_ns(page.received_at), raw=page.received_at.isoformat(), zone="time of receipt")


def _where(name: str, row: object, number: int) -> str:
    return f"{name} {str(row['ticket'])[:20]}" if isinstance(row, dict) and "ticket" in row else f"row {number}"
