"""OANDA's kit. Errors: developer.oanda.com/rest-live-v20/troubleshooting-errors."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Final

from brokersync.brokers.oanda.client import PAGE_SIZE
from brokersync.domain.errors import ErrorCode
from brokersync.domain.times import to_ns
from local.simulators import oanda_views as views
from local.simulators.control import Control
from local.simulators.faults import Fault
from local.simulators.kit import (
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
from local.simulators.oanda_fills import fill
from local.simulators.oanda_http import make_app
from local.simulators.oanda_truth import text
from local.simulators.oanda_world import Account, AccountSpec, World

_OWN, _SECOND, _STRANGER = "101-004-7300001-001", "101-004-7300001-002", "101-004-7300002-001"
_GOOD, _OTHER = "kit-token-0123456789abcdef", "kit-token-of-somebody-else"
_REFUSED: Final = json.dumps({"errorMessage": "Insufficient authorization to perform request."})


@contextmanager
def _start(clock: KitClock, past: Past) -> Iterator[Scene]:
    executions = {Past.EMPTY: 0, Past.SHORT: 60, Past.PAGED: 900}[past]
    blank = past is Past.EMPTY
    world = World(
        [
            AccountSpec(account=_OWN, token=_GOOD, seed=4, executions=executions, blank=blank, days=20),
            AccountSpec(account=_SECOND, token=_GOOD, seed=5, executions=20, days=20),
            AccountSpec(account=_STRANGER, token=_OTHER, seed=6, executions=20, days=20),
        ],
        clock=lambda: to_ns(clock.now()),
    )
    app, control = make_app(world)
    with served(app) as url:
        yield Scene(
            base_url=f"{url}/v3",
            control=control,
            accounts=(_OWN, _SECOND),
            strangers=(_STRANGER,),
            logins={Login.GOOD: {"token": _GOOD}, Login.REJECTED: {"token": "kit-token-that-was-replaced"}},
            happenings=_Happenings(world, control, clock).by_name(),
            truth=lambda: {number: _truth(account) for number, account in world.accounts.items()},
        )


class _Happenings:
    """What happens on the first account."""

    def __init__(self, world: World, control: Control, clock: KitClock) -> None:
        self._world, self._control, self._clock = world, control, clock
        self._account = world.accounts[_OWN]

    def by_name(self) -> Mapping[Happening, Callable[[], Sequence[str]]]:
        return {
            Happening.TRADE: self._trade,
            Happening.EQUAL_FILLS: lambda: self._equal_fills(3),
            Happening.PRICES_MOVE: self._prices_move,
            Happening.MANY: self._many,
            Happening.TIED_AT_BORDER: self._tied_at_border,
            Happening.STRANGER: self._stranger,
        }

    def _trade(self) -> Sequence[str]:
        self._pass()
        return self._new(lambda: self._world.trade(_OWN, 2))

    def _equal_fills(self, count: int) -> Sequence[str]:
        """A limit order that is filled in equal parts in the same nanosecond."""
        self._pass()
        book, now = self._account.book, to_ns(self._clock.now())
        held = sum(trade.units for trade in book.open_trades.values() if trade.instrument == "EUR_USD")
        units = Decimal(1000) if held >= 0 else Decimal(-1000)

        def happen() -> None:
            fields = {"instrument": "EUR_USD", "units": text(units * count), "reason": "CLIENT_ORDER"}
            order = book.record("LIMIT_ORDER", now, fields)
            for _ in range(count):
                fill(book, now, order=order, instrument="EUR_USD", units=units, reason="LIMIT_ORDER")

        return self._new(happen)

    def _prices_move(self) -> Sequence[str]:
        self._pass()
        self._world.move_prices()
        return ()

    def _many(self) -> Sequence[str]:
        self._pass()
        return self._new(lambda: self._trade_until(self._account.book.last_id + PAGE_SIZE + 1))

    def _tied_at_border(self) -> Sequence[str]:
        """What follows the cursor comes in pages of PAGE_SIZE ids: the second of three equal fills is a page's last."""
        self._pass()
        book = self._account.book
        border = book.last_id + PAGE_SIZE
        self._trade_until(border - 20)
        while book.last_id < border - 3:
            book.record("CLIENT_CONFIGURE", to_ns(self._clock.now()), {"alias": "Simulated"})
        return self._equal_fills(3)

    def _stranger(self) -> Sequence[str]:
        book = self._world.accounts[_STRANGER].book
        body = json.dumps({"account": views.summary(book), "lastTransactionID": str(book.last_id)})
        self._control.faults.add(Fault(path="/summary", status=200, body=body, times=None))
        return ()

    def _trade_until(self, last_id: int) -> None:
        while self._account.book.last_id < last_id:
            self._world.trade(_OWN, 1)

    def _pass(self) -> None:
        self._clock.advance(timedelta(minutes=1))

    def _new(self, happen: Callable[[], object]) -> Sequence[str]:
        """The executions that come of it."""
        done = self._account.book.truth.executions
        before = len(done)
        with self._world.lock:
            happen()
        return [one.source_trade_id for one in done[before:]]


def _truth(account: Account) -> TrueAccount:
    book = account.book
    held: dict[str, Decimal] = {}
    for trade in book.open_trades.values():
        held[trade.instrument] = held.get(trade.instrument, Decimal(0)) + trade.units
    unrealised = sum((book.unrealised(trade) for trade in book.open_trades.values()), Decimal(0))
    return TrueAccount.of(
        executions=[asdict(done) for done in book.truth.executions],
        cash_events=[asdict(moved) for moved in book.truth.cash_events],
        balance={"balance": text(book.totals.balance), "equity": text(book.totals.balance + unrealised)},
        positions={symbol: text(units) for symbol, units in held.items() if units},
    )


def _error(
    status: int, intent: Intent, code: ErrorCode | None, *, times: int | None = None, later: bool = False
) -> ErrorCase:
    body = _REFUSED if status in (401, 403) else json.dumps({"errorMessage": f"Simulated {status}"})
    fault = Fault(status=status, body=body, times=times)
    name = f"{status} once" if times else str(status)
    return ErrorCase(name=name, faults=(fault,), intent=intent, code=code, later=later)


kit = BrokerKit(
    slug="oanda",
    environment="practice",
    start=_start,
    quiet_requests=2,  # the summary, and the open Trades as there are some
    errors=(
        _error(400, Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER),
        _error(401, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error(401, Intent.HEALS, None, times=1),
        _error(403, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error(403, Intent.HEALS, None, times=1),
        _error(404, Intent.ASKS_TRADER, ErrorCode.ACCOUNT_CLOSED),
        _error(405, Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER),
        _error(416, Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER, later=True),  # about ids after the cursor
    ),
    lacks={
        Login.EXPIRED: "OANDA's tokens live until they are replaced: a replaced one is rejected",
        Happening.LATE_ROW: "ids have no gaps and grow with time: nothing is booked late",
        Happening.OUT_OF_ORDER: "every answer is in the order of the ids",
        Happening.CORRECTION: "a transaction never changes: OANDA adjusts by a new one",
        Happening.CANCEL: "OANDA has no cancel of a fill: it adjusts by a new transaction",
        Happening.SESSION_ENDS: "the token itself opens every request",
        Happening.FORGETS: "what was served is never asked again",
    },
)
