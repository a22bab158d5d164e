"""Tradovate's kit. Errors: partner.tradovate.com (Error Handling, Rate Limits, Penalty Tickets)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from brokersync.domain.errors import ErrorCode
from local.simulators import tradovate_views as views
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
from local.simulators.tradovate_gate import LoginSpec
from local.simulators.tradovate_http import PATH, make_app
from local.simulators.tradovate_world import Account, AccountSpec, World, truth_of

_FIRST, _SECOND, _STRANGER = 7_300_001, 7_300_002, 7_300_009


def _login(name: str, cid: int, *, password_expired: bool = False) -> LoginSpec:
    return LoginSpec(
        username=f"kit-{name}",
        password=f"kit-password-of-{name}",
        cid=cid,
        sec=f"kit-secret-of-{name}",
        user_id=cid * 10,
        password_expired=password_expired,
    )


_LOGIN: Final = _login("trader", 7301)
_OTHERS: Final = _login("stranger", 7309)
_EXPIRED: Final = _login("late-comer", 7305, password_expired=True)
_LISTS: Final = "/(account|order|fill|position)/list"


@contextmanager
def _start(clock: KitClock, past: Past) -> Iterator[Scene]:
    """Two accounts: one with open positions, one that is flat."""
    world = World(clock=clock.now)
    blank = past is Past.EMPTY
    world.add_login(
        _LOGIN,
        [
            AccountSpec(id=_FIRST, name="DEMO730001", seed=3, executions=40, blank=blank),
            AccountSpec(id=_SECOND, name="DEMO730002", seed=4, executions=15, blank=blank, flat=True),
        ],
    )
    world.add_login(_OTHERS, [AccountSpec(id=_STRANGER, name="DEMO730009", executions=20)])
    world.add_login(_EXPIRED, [])
    app, control = make_app(world)
    with served(app) as url:
        yield Scene(
            base_url=f"{url}{PATH}",
            control=control,
            accounts=(str(_FIRST), str(_SECOND)),
            strangers=(str(_STRANGER),),
            logins={
                Login.GOOD: _credentials(_LOGIN),
                Login.REJECTED: _credentials(_LOGIN) | {"password": "kit-password-before"},
                Login.EXPIRED: _credentials(_EXPIRED),
            },
            happenings=_Happenings(world, control, clock).by_name(),
            truth=lambda: {number: _truth(one) for number, one in world.accounts.items()},
            issued=lambda: list(world.gate.issued),
        )


def _credentials(login: LoginSpec) -> dict[str, str]:
    return {
        "username": login.username,
        "password": login.password,
        "cid": str(login.cid),
        "sec": login.sec,
        "app_id": "kit",
    }


class _Happenings:
    """What happens to the good login's first account."""

    def __init__(self, world: World, control: Control, clock: KitClock) -> None:
        self._world, self._control, self._clock = world, control, clock
        self._account = str(_FIRST)

    def by_name(self) -> Mapping[Happening, Callable[[], Sequence[str]]]:
        of = self._account
        return {
            Happening.TRADE: lambda: self._passed(lambda: self._world.trade(of, 2)),
            Happening.EQUAL_FILLS: lambda: self._passed(lambda: self._world.equal_fills(of, 3)),
            Happening.LATE_ROW: lambda: self._passed(lambda: self._world.late(of)),
            Happening.OUT_OF_ORDER: lambda: self._passed(lambda: self._world.out_of_order(of)),
            Happening.CORRECTION: lambda: self._passed(lambda: self._world.correct(of)),
            Happening.CANCEL: lambda: self._passed(lambda: self._world.bust(of)),
            Happening.PRICES_MOVE: lambda: self._passed(self._prices_move),
            Happening.SESSION_ENDS: self._session_ends,
            Happening.STRANGER: self._stranger,
            Happening.FORGETS: self._forgets,
        }

    def _passed(self, happen: Callable[[], Sequence[str]]) -> Sequence[str]:
        self._clock.advance(timedelta(minutes=1))
        return happen()

    def _prices_move(self) -> Sequence[str]:
        self._world.move_prices()
        return ()

    def _session_ends(self) -> Sequence[str]:
        self._world.gate.end_sessions(_LOGIN.username)
        return ()

    def _stranger(self) -> Sequence[str]:
        other = self._world.accounts[str(_STRANGER)]
        body = json.dumps([views.account(other.book, other.spec.name, other.login.user_id, other.opened)])
        self._control.faults.add(Fault(path="/account/list", status=200, body=body, times=None))
        return ()

    def _forgets(self) -> Sequence[str]:
        """The lists are empty, though the session goes on."""
        self._control.faults.add(Fault(path="/(order|fill|fillFee|fillPair)/list", status=200, body="[]", times=None))
        return ()


def _truth(account: Account) -> TrueAccount:
    told = truth_of(account)
    return TrueAccount.of(
        executions=told["executions"],
        cash_events=told["cash_events"],
        balance=told["balance"],
        positions=told["positions"],
    )


def _error(
    name: str,
    intent: Intent,
    means: ErrorCode | None,
    *,
    status: int = 200,
    body: object = "",
    path: str = _LISTS,
    times: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> ErrorCase:
    text = body if isinstance(body, str) else json.dumps(body)
    fault = Fault(path=path, status=status, body=text, times=times, headers=dict(headers or {}))
    return ErrorCase(name=name, faults=(fault,), intent=intent, code=means)


def _sign_in(name: str, means: ErrorCode, body: object, intent: Intent = Intent.ASKS_TRADER) -> ErrorCase:
    return _error(f"sign-in: {name}", intent, means, body=body, path="/accesstokenrequest")


_TICKET: Final = {"p-ticket": "a-ticket", "p-time": 60}
_CAPTCHA: Final = {"p-ticket": "a-ticket", "p-time": 60, "p-captcha": True}
_UNEXPECTED: Final = ErrorCode.UNEXPECTED_ANSWER

kit = BrokerKit(
    slug="tradovate",
    environment="demo",
    start=_start,
    quiet_requests=13,  # 12 lists, and a snapshot of the account with open positions
    errors=(
        _error("400", Intent.ALARMS, _UNEXPECTED, status=400),
        _error("401", Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED, status=401, path="/v1"),
        _error("401 once", Intent.HEALS, None, status=401, times=1),
        _error("Expired Access Token once", Intent.HEALS, None, body={"errorText": "Expired Access Token"}, times=1),
        _error("403", Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED, status=403),
        _error("404", Intent.ALARMS, _UNEXPECTED, status=404),
        _error("408", Intent.RETRIES, ErrorCode.RATE_LIMITED, status=408),
        _error("423", Intent.RETRIES, ErrorCode.RATE_LIMITED, status=423),
        _error("errorText", Intent.ALARMS, _UNEXPECTED, body={"errorText": "Invalid or missed parameters"}),
        _error("failureText", Intent.ALARMS, _UNEXPECTED, body={"failureReason": "UnknownReason", "failureText": "No"}),
        _error("p-ticket", Intent.WAITS, ErrorCode.WORK_IN_PROGRESS, body=_TICKET),
        _error("p-ticket at the sign-in", Intent.WAITS, ErrorCode.WORK_IN_PROGRESS, body=_TICKET, path="/auth"),
        _error("p-ticket without end", Intent.RETRIES, ErrorCode.RATE_LIMITED, body=_TICKET),
        _error("p-captcha", Intent.RETRIES, ErrorCode.RATE_LIMITED, body=_CAPTCHA),
        _error("p-captcha at the sign-in", Intent.RETRIES, ErrorCode.RATE_LIMITED, body=_CAPTCHA, path="/auth"),
        _error("a snapshot's errorText", Intent.ALARMS, _UNEXPECTED, body={"errorText": "No"}, path="/getcash"),
        _error("no permission", Intent.ASKS_TRADER, ErrorCode.SETUP_INCOMPLETE, status=401, path="/getcash"),
        _error(
            "307 inside",
            Intent.HEALS,
            None,
            status=307,
            path="^/v1/account/list",
            headers={"Location": "/v1/account/list"},
            times=1,
        ),
        _error(
            "307 to a stranger",
            Intent.ALARMS,
            _UNEXPECTED,
            status=307,
            headers={"Location": "https://tradovateapi.com.example/v1/account/list"},
        ),
        _sign_in("Invalid credentials", ErrorCode.CREDENTIALS_REJECTED, {"errorText": "Invalid credentials"}),
        _sign_in("not registered", ErrorCode.CREDENTIALS_REJECTED, {"errorText": "The app is not registered"}),
        _sign_in("Closed", ErrorCode.ACCOUNT_CLOSED, {"userStatus": "Closed"}),
        _sign_in("Initiated", ErrorCode.SETUP_INCOMPLETE, {"userStatus": "Initiated"}),
        _sign_in("TemporaryLocked", ErrorCode.SETUP_INCOMPLETE, {"userStatus": "TemporaryLocked", "errorText": "No"}),
        _sign_in("UnconfirmedEmail", ErrorCode.SETUP_INCOMPLETE, {"userStatus": "UnconfirmedEmail"}),
        # A sign-in's answer is never kept, so these four meet a list.
        _error("an HTML page", Intent.ALARMS, _UNEXPECTED, body="<html><body>Maintenance</body></html>"),
        _error("an empty answer", Intent.ALARMS, _UNEXPECTED),
        _error("a status that nobody knows", Intent.ALARMS, _UNEXPECTED, status=418, body="{}"),
        ErrorCase(
            name="a cut answer in valid HTTP",
            faults=(Fault(path=_LISTS, keep_bytes=30, times=None),),
            intent=Intent.ALARMS,
            code=_UNEXPECTED,
        ),
    ),
    lacks={
        Past.PAGED: "a list comes whole, however long it is",
        Happening.MANY: "a list comes whole, however long it is",
        Happening.TIED_AT_BORDER: "a list comes whole: there is no border between pages",
    },
)
