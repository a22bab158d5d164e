"""IBKR's kit. Errors: Flex Web Service, "Error Codes" (version 3). Days pass where other brokers' minutes do."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from brokersync.brokers.ibkr_flex.manifest import OVERLAP_DAYS
from brokersync.domain.errors import ErrorCode
from local.simulators.control import Control
from local.simulators.faults import Fault
from local.simulators.ibkr_flex_book import Book, Fill
from local.simulators.ibkr_flex_calendar import SimulatedClock
from local.simulators.ibkr_flex_http import PATH, make_app
from local.simulators.ibkr_flex_service import MESSAGES
from local.simulators.ibkr_flex_trader import Numbers, Trader
from local.simulators.ibkr_flex_truth import truth_of
from local.simulators.ibkr_flex_world import AHEAD, AccountSpec, LoginSpec, QuerySpec, World
from local.simulators.ibkr_flex_xml import StatementWriter, envelope
from local.simulators.kit import (
    START,
    BrokerKit,
    ErrorCase,
    Happening,
    Intent,
    KitClock,
    Login,
    Past,
    Scene,
    TrueAccount,
    served,
)

_GOOD, _ENDED, _OTHER = "111222333444555666777888", "222333444555666777888999", "333444555666777888999000"
_OWN, _STRANGER = ("U7300001", "U7300002"), "U7300009"
_QUERY: Final = QuerySpec(id="700001")
_DAY: Final = timedelta(days=1)


class _SceneClock(SimulatedClock):
    """The simulator's clock, as the scene's."""

    def __init__(self, clock: KitClock) -> None:
        super().__init__()
        self._scene = clock

    def now(self) -> datetime:
        return self._scene.now()


@contextmanager
def _start(clock: KitClock, past: Past) -> Iterator[Scene]:
    executions, days = {Past.EMPTY: (0, 40), Past.SHORT: (60, 20), Past.PAGED: (200, 800)}[past]
    accounts = tuple(
        AccountSpec(account=number, seed=seed, executions=executions, days=days, base=base, blank=past is Past.EMPTY)
        for number, seed, base in zip(_OWN, (11, 12), ("USD", "EUR"), strict=True)
    )
    stranger = AccountSpec(account=_STRANGER, seed=13, executions=30, days=20)
    world = World(
        [
            LoginSpec(token=_GOOD, accounts=accounts, queries=(_QUERY,)),
            LoginSpec(token=_ENDED, accounts=(), queries=(_QUERY,), expires=START - _DAY),
            LoginSpec(token=_OTHER, accounts=(stranger,), queries=(_QUERY,)),
        ],
        _SceneClock(clock),
    )
    app, control = make_app(world)
    with served(app) as url:
        yield Scene(
            base_url=f"{url}{PATH}",
            control=control,
            accounts=_OWN,
            strangers=(_STRANGER,),
            logins={
                Login.GOOD: _credentials(_GOOD),
                Login.REJECTED: _credentials("999888777666555444333222"),
                Login.EXPIRED: _credentials(_ENDED),
            },
            happenings=_Happenings(world, control, clock).by_name(),
            truth=lambda: _truth(world),
        )


def _credentials(token: str) -> Mapping[str, str]:
    return {"token": token, "query_id": _QUERY.id}


class _Happenings:
    """What the days bring to the good login's accounts: they are made in advance, and told when they are over."""

    def __init__(self, world: World, control: Control, clock: KitClock) -> None:
        self._world, self._control, self._clock = world, control, clock
        self._accounts = list(world.logins[_GOOD].books.values())

    def by_name(self) -> Mapping[Happening, Callable[[], Sequence[str]]]:
        return {
            Happening.TRADE: self._trade,
            Happening.EQUAL_FILLS: lambda: self._days_until(_equal),
            Happening.LATE_ROW: lambda: self._correct()[1:],
            Happening.OUT_OF_ORDER: lambda: self._correct()[1:],
            Happening.CANCEL: lambda: self._correct()[:1],
            Happening.STRANGER: self._stranger,
            Happening.FORGETS: self._forgets,
        }

    def _trade(self) -> Sequence[str]:
        if not any(book.fills for book in self._accounts):
            return self._first_trade()
        return self._days_until(lambda new: [_id(fill) for fill in new])

    def _first_trade(self) -> Sequence[str]:
        """The day on which an account begins to trade that never did."""
        self._clock.advance(_DAY)
        rng = random.Random("first trade")  # noqa: S311 (a simulation, no secret)
        book = self._accounts[0]
        Trader(book, Numbers(rng), rng).live(self._world.built, executions=3)
        return [_id(fill) for fill in book.fills]

    def _days_until(self, wanted: Callable[[Sequence[Fill]], Sequence[str]]) -> Sequence[str]:
        """Let days pass until the fills that they bring have what is wanted."""
        told = self._world.built
        for _ in range(AHEAD):
            self._clock.advance(_DAY)
            built = self._world.built
            new = [fill for book in self._accounts for fill in book.fills if told < fill.booked <= built]
            if found := wanted(new):
                return found
        raise LookupError(f"nothing of this kind happens in {AHEAD} days: choose another seed")

    def _correct(self) -> Sequence[str]:
        """A day that cancels an execution of the days before, and books it anew under its old time: both ids."""
        book, told = self._accounts[0], self._world.built
        self._clock.advance(_DAY)
        free = 1 + max([fill.transaction_id for fill in book.fills] + [cash.transaction_id for cash in book.cash])
        original = [
            fill for fill in book.fills if fill.at.date() < told and fill.contract.category == "STK" and fill.order_id
        ][-1]
        again = replace(original, transaction_id=free + 1, booked=self._world.built, commission=Decimal("0.25"))
        cancel = replace(
            again,
            transaction_id=free,
            trade_id=None,
            exec_id="",
            kind="TradeCancel",
            codes=("Ca",),
            effect="",
            quantity=-original.quantity,
            commission=Decimal(0),
            tax=Decimal(0),
            pnl=Decimal(0),
            cancels=original,
        )
        book.fills += [cancel, again]
        return [_id(original), _id(again)]

    def _stranger(self) -> Sequence[str]:
        self._answer(self._world.logins[_OTHER].books.values())
        return ()

    def _forgets(self) -> Sequence[str]:
        self._answer([replace(book, fills=[], cash=[]) for book in self._accounts])
        return ()

    def _answer(self, books: Iterable[Book]) -> None:
        """Let the next statements be these accounts', of the days that a sync asks for tomorrow."""
        told = self._world.built
        self._clock.advance(_DAY)
        writer = StatementWriter(_QUERY, self._clock.now(), self._world.built)
        body = writer.statement(books, told - timedelta(days=OVERLAP_DAYS), self._world.built)
        self._control.faults.add(Fault(path="/GetStatement", status=200, body=body, times=None))


def _id(fill: Fill) -> str:
    return str(fill.transaction_id)


def _equal(new: Sequence[Fill]) -> Sequence[str]:
    """Fills of one order in one second, of one price and size."""
    groups: dict[object, list[str]] = {}
    for fill in new:
        groups.setdefault((fill.order_id, fill.at, fill.price, fill.quantity), []).append(_id(fill))
    return next((ids for ids in groups.values() if len(ids) > 1), ())


def _truth(world: World) -> Mapping[str, TrueAccount]:
    books = [book for login in world.logins.values() for book in login.books.values()]
    return {book.account: _true_account(truth_of(book, world.built, since_ns=0)) for book in books}


def _true_account(true: Mapping[str, object]) -> TrueAccount:
    return TrueAccount.of(
        executions=true["executions"],
        cash_events=true["cash_events"],
        balance={"balance": true["balance"], "equity": true["equity"]},
        positions=true["positions"],
    )


def _error(
    code: str, intent: Intent, error: ErrorCode | None, *, at: str = "SendRequest", times: int | None = None
) -> ErrorCase:
    """An envelope with this code, at one of the two requests."""
    message = MESSAGES.get(code, "Simulated. Please try again shortly." if code == "1998" else "Simulated.")
    status = "Warn" if code == "1019" else "Fail"
    body = envelope(START, Status=status, ErrorCode=code, ErrorMessage=message)
    return ErrorCase(
        name=f"{code} once" if times else code,
        faults=(Fault(path=at, status=200, body=body, times=times),),
        intent=intent,
        code=error,
    )


_CSV = Fault(path="GetStatement", status=200, body='"ClientAccountID","Symbol"\n"U1","AAPL"\n', times=None)
_RETRIES, _TRADER, _HEALS = Intent.RETRIES, Intent.ASKS_TRADER, Intent.HEALS
_DOWN, _UNFINISHED = ErrorCode.BROKER_UNAVAILABLE, ErrorCode.WORK_IN_PROGRESS

kit = BrokerKit(
    slug="ibkr_flex",
    environment="live",
    start=_start,
    quiet_requests=3,  # ask, come back too early, fetch
    errors=(
        _error("1001", _RETRIES, _DOWN),
        _error("1003", _RETRIES, _DOWN),
        *(_error(f"100{last}", _RETRIES, _UNFINISHED, at="GetStatement") for last in range(4, 9)),
        _error("1009", _RETRIES, _DOWN, at="GetStatement"),
        _error("1010", _TRADER, ErrorCode.SETUP_INCOMPLETE),
        _error("1011", _TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error("1012", _TRADER, ErrorCode.CONSENT_EXPIRED),
        _error("1013", _TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error("1014", _TRADER, ErrorCode.SETUP_INCOMPLETE),
        _error("1015", _TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error("1016", _TRADER, ErrorCode.ACCOUNT_CLOSED),
        _error("1017", _RETRIES, _DOWN, at="GetStatement"),
        _error("1017", _HEALS, None, at="GetStatement", times=1),
        _error("1018", _RETRIES, ErrorCode.RATE_LIMITED),
        _error("1019", Intent.WAITS, _UNFINISHED, at="GetStatement"),
        _error("1020", _TRADER, ErrorCode.SETUP_INCOMPLETE),
        _error("1020", _HEALS, None, times=1),
        _error("1021", _RETRIES, _DOWN, at="GetStatement"),
        _error("1999", Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER),
        _error("1998", _RETRIES, _DOWN),
        ErrorCase(
            name="1019 without end",
            faults=_error("1019", _RETRIES, None, at="GetStatement").faults,
            intent=_RETRIES,
            code=_UNFINISHED,
        ),
        ErrorCase(
            name="a query in CSV",
            faults=(
                Fault(path="GetStatement", status=200, body='"ClientAccountID","Symbol"\n"U1","AAPL"\n', times=None),
            ),
            intent=_TRADER,
            code=ErrorCode.SETUP_INCOMPLETE,
        ),
    ),
    lacks={
        Happening.CORRECTION: "a row never changes: IBKR cancels it and books another one (cancel)",
        Happening.PRICES_MOVE: "figures are those of the day's statement, which is built once",
        Happening.MANY: "one statement holds a year, and no sync is a year after the one before; see the long past",
        Happening.TIED_AT_BORDER: "pages are windows of whole days in New York: no time is in two of them",
        Happening.SESSION_ENDS: "the token itself opens every request; a reference code that ended is case 1017",
    },
)
