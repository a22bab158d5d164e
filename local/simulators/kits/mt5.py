"""The kit of MetaTrader 5 bridges. Errors: the table in brokers/mt5/errors.py."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from brokersync.domain.errors import ErrorCode
from brokersync.domain.times import to_ns
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
from local.simulators.mt5_clock import NEW_YORK_PLUS_7
from local.simulators.mt5_http import make_app
from local.simulators.mt5_world import AccountSpec, World

_OWN, _SECOND, _STRANGER = "52557820", "52557821", "60112233"
_KEY, _OTHER_KEY = "kit-key-0123456789abcdef", "kit-key-of-somebody-else"
_PAST: Final = {Past.EMPTY: (0, 20), Past.SHORT: (60, 20), Past.PAGED: (2_600, 300)}  # executions, days


@contextmanager
def _start(clock: KitClock, past: Past) -> Iterator[Scene]:
    executions, days = _PAST[past]
    blank = past is Past.EMPTY
    world = World(
        [
            AccountSpec(login=_OWN, api_key=_KEY, seed=4, executions=executions, blank=blank, days=days),
            AccountSpec(login=_SECOND, api_key=_KEY, seed=5, executions=20, days=20, hedging=False),
            AccountSpec(login=_STRANGER, api_key=_OTHER_KEY, seed=6, executions=20, days=20),
        ],
        clock=lambda: to_ns(clock.now()),
    )
    app, control = make_app(world)
    with served(app) as url:
        yield Scene(
            base_url=url,
            control=control,
            accounts=(_OWN, _SECOND),
            strangers=(_STRANGER,),
            logins={Login.GOOD: _credentials(_KEY), Login.REJECTED: _credentials("kit-key-that-was-replaced")},
            happenings=_Happenings(world, clock).by_name(),
            truth=lambda: {login: _truth(world, login) for login in world.accounts},
        )


def _credentials(key: str) -> Mapping[str, str]:
    return {
        "base_url": "https://mt5.example.com",
        "api_key": key,
        "server_zone": NEW_YORK_PLUS_7,
        "login": f"{_OWN}, {_SECOND}",
    }


class _Happenings:
    """What happens on the first account."""

    def __init__(self, world: World, clock: KitClock) -> None:
        self._world, self._clock = world, clock

    def by_name(self) -> Mapping[Happening, Callable[[], Sequence[str]]]:
        return {
            Happening.TRADE: lambda: self._after(1, lambda: self._world.trade(_OWN, 2)),
            Happening.EQUAL_FILLS: lambda: self._after(1, lambda: self._world.equal_fills(_OWN)),
            Happening.LATE_ROW: lambda: self._after(1, lambda: self._world.trade_late(_OWN)),
            Happening.CORRECTION: lambda: self._after(1, lambda: [self._world.correct(_OWN)]),
            Happening.CANCEL: lambda: self._after(1, lambda: [self._world.cancel(_OWN)]),
            Happening.PRICES_MOVE: self._prices_move,
            Happening.MANY: self._many,
            Happening.STRANGER: self._stranger,
            Happening.FORGETS: self._forgets,
        }

    def _after(self, minutes: int, happen: Callable[[], Sequence[str]]) -> Sequence[str]:
        self._clock.advance(timedelta(minutes=minutes))
        return happen()

    def _prices_move(self) -> Sequence[str]:
        self._clock.advance(timedelta(minutes=1))
        self._world.move_prices()
        return ()

    def _many(self) -> Sequence[str]:
        """Nobody looked for more than a year, which is asked for in two parts."""
        made: list[str] = []
        for _ in range(14):
            self._clock.advance(timedelta(days=30))
            made += self._world.act(_OWN, 10)
        return made

    def _stranger(self) -> Sequence[str]:
        """Somebody logs the bridge's only terminal in to another account."""
        self._world.logged_in = _STRANGER
        return ()

    def _forgets(self) -> Sequence[str]:
        """history_deals_get fails, and the bridge shows that as an empty list."""
        self._world.accounts[_OWN].forgets = True
        return ()


def _truth(world: World, login: str) -> TrueAccount:
    with world.lock:
        told = world.truth_of(login)
    return TrueAccount.of(
        executions=told["executions"],
        cash_events=told["cash_events"],
        balance=told["balance"],
        positions=told["positions"],
    )


def _status(status: int, intent: Intent, code: ErrorCode | None, *, times: int | None = None) -> ErrorCase:
    fault = Fault(status=status, body=json.dumps({"detail": f"Simulated {status}"}), times=times)
    return ErrorCase(name=f"{status} once" if times else str(status), faults=(fault,), intent=intent, code=code)


def _told(name: str, body: object, intent: Intent, code: ErrorCode, *, path: str = "") -> ErrorCase:
    """An error that comes with status 200."""
    fault = Fault(status=200, body=json.dumps(body), path=path, times=None)
    return ErrorCase(name=name, faults=(fault,), intent=intent, code=code)


def _last_error(number: int, text: str, intent: Intent, code: ErrorCode) -> ErrorCase:
    """A code of the terminal, as bridges pass on what last_error() gives them."""
    return _told(f"last_error {number}", {"success": False, "error": f"({number}, '{text}')"}, intent, code)


kit = BrokerKit(
    slug="mt5",
    environment="bridge",
    start=_start,
    quiet_requests=4,  # the info before and after what may not say whose it is: deals, positions
    errors=(
        _status(307, Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _status(400, Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _status(401, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _status(401, Intent.HEALS, None, times=1),
        _status(403, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _status(403, Intent.HEALS, None, times=1),
        _status(404, Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _status(405, Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _status(422, Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _last_error(-1, "Terminal: Call failed", Intent.RETRIES, ErrorCode.BROKER_UNAVAILABLE),
        _last_error(-2, "Invalid params", Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _last_error(-3, "No memory", Intent.RETRIES, ErrorCode.BROKER_UNAVAILABLE),
        _last_error(-4, "Not found", Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _last_error(-5, "Invalid version", Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _last_error(-6, "Terminal: Authorization failed", Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _last_error(-7, "Unsupported", Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _last_error(-8, "Auto-trading disabled", Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE),
        _last_error(-10003, "IPC initialize failed", Intent.RETRIES, ErrorCode.BROKER_UNAVAILABLE),
        _last_error(-10005, "IPC timeout", Intent.RETRIES, ErrorCode.BROKER_UNAVAILABLE),
        _told(
            "not initialized, with status 200",
            {"success": False, "error": "MT5 not initialized"},
            Intent.RETRIES,
            ErrorCode.BROKER_UNAVAILABLE,
        ),
        _told(
            "an error that nobody knows",
            {"success": False, "error": "'NoneType' object has no attribute '_asdict'"},
            Intent.ALARMS,
            ErrorCode.UNEXPECTED_ANSWER,
        ),
        _told(
            "null in place of deals",
            {"success": True, "data": {"deals": None, "count": 0}},
            Intent.RETRIES,
            ErrorCode.BROKER_UNAVAILABLE,
            path="/history",
        ),
        _told(
            "a terminal without login",
            {"success": True, "data": {"login": 0, "balance": 0.0, "equity": 0.0, "currency": ""}},
            Intent.ASKS_TRADER,
            ErrorCode.SETUP_INCOMPLETE,
            path="/info",
        ),
    ),
    lacks={
        Login.EXPIRED: "a bridge's key lives until its owner replaces it: then it is rejected",
        Happening.OUT_OF_ORDER: "a terminal sorts its history by time",
        Happening.SESSION_ENDS: "the key itself opens every request",
        Happening.TIED_AT_BORDER: "answers are cut by time, both ends included: deals of one time are never divided",
    },
)
