"""SnapTrade's kit. Errors: docs.snaptrade.com/reference, the error answers of each operation."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Final

from brokersync.domain.errors import ErrorCode
from local.simulators import snaptrade_views as views
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
from local.simulators.snaptrade_book import Event
from local.simulators.snaptrade_http import PAGE_SIZE, make_app
from local.simulators.snaptrade_world import AccountSpec, Key, World

_KEY: Final = {
    "client_id": "KIT-CLIENT",
    "consumer_key": "kit-consumer-key-0123456789",
    "user_id": "kit-trader",
    "user_secret": "kit-user-secret-of-the-trader",
}
_ENDED: Final = _KEY | {"user_id": "kit-trader-gone", "user_secret": "kit-user-secret-gone"}
_OTHERS: Final = _KEY | {"user_id": "kit-somebody-else", "user_secret": "kit-user-secret-of-somebody-else"}
_PAST: Final = {Past.EMPTY: (0, 20), Past.SHORT: (60, 20), Past.PAGED: (1_300, 300)}  # executions, days


def _spec(key: Mapping[str, str], institution: str, number: str, *, seed: int, past: Past = Past.SHORT) -> AccountSpec:
    executions, days = _PAST[past]
    return AccountSpec(
        client_id=key["client_id"],
        consumer_key=key["consumer_key"],
        user_id=key["user_id"],
        user_secret=key["user_secret"],
        institution=institution,
        institution_id=number,
        number=f"****{number[-4:]}",
        seed=seed,
        executions=executions,
        days=days,
        blank=past is Past.EMPTY,
    )


_OWN: Final = _spec(_KEY, "ROBINHOOD", "54953432", seed=4)
_SECOND: Final = _spec(_KEY, "QUESTRADE", "88120034", seed=5)
_STRANGER: Final = _spec(_OTHERS, "ROBINHOOD", "77300981", seed=6)


@contextmanager
def _start(clock: KitClock, past: Past) -> Iterator[Scene]:
    world = World(clock=clock.now)
    world.open_account(_spec(_KEY, _OWN.institution, _OWN.institution_id, seed=_OWN.seed, past=past))
    world.open_account(_SECOND)
    world.open_account(_STRANGER)
    # Another user's older connection to the same account: it has ended, and goes on answering.
    ended = Key(_ENDED["client_id"], _ENDED["user_id"])
    world.user_secrets[ended] = _ENDED["user_secret"]
    long_ago = clock.now() - timedelta(days=400)
    world.connect(ended, _OWN.identity, since=long_ago).connection.disabled = clock.now()
    app, control = make_app(world)
    with served(app) as url:
        yield Scene(
            base_url=url,
            control=control,
            accounts=(_OWN.identity, _SECOND.identity),
            strangers=(_STRANGER.identity,),
            logins={
                Login.GOOD: _KEY,
                Login.REJECTED: _KEY | {"consumer_key": "kit-consumer-key-that-was-replaced"},
                Login.EXPIRED: _ENDED,
            },
            happenings=_Happenings(world, control, clock).by_name(),
            truth=lambda: {identity: _truth(world, identity) for identity in world.books},
        )


class _Happenings:
    """What happens on the first account, and that SnapTrade loads it, which it does on the next day."""

    def __init__(self, world: World, control: Control, clock: KitClock) -> None:
        self._world, self._control, self._clock = world, control, clock

    def by_name(self) -> Mapping[Happening, Callable[[], Sequence[str]]]:
        own = _OWN.identity
        return {
            Happening.TRADE: lambda: self._loaded(lambda: self._world.trade(own, 2)),
            Happening.EQUAL_FILLS: lambda: self._loaded(lambda: self._world.equal_fills(own)),
            Happening.LATE_ROW: lambda: self._loaded(lambda: self._world.late(own)),
            Happening.OUT_OF_ORDER: lambda: self._loaded(lambda: self._world.trade(own, 4)),
            Happening.CORRECTION: lambda: self._loaded(lambda: self._world.correct(own)),
            Happening.PRICES_MOVE: self._prices_move,
            Happening.MANY: lambda: self._loaded(lambda: self._world.trade(own, PAGE_SIZE + 100)),
            Happening.TIED_AT_BORDER: lambda: self._loaded(self._tied_at_border),
            Happening.STRANGER: self._stranger,
            Happening.FORGETS: self._forgets,
        }

    def _loaded(self, happen: Callable[[], Sequence[Event]]) -> Sequence[str]:
        self._clock.advance(timedelta(minutes=1))
        events = happen()
        tomorrow = self._clock.now().date() + timedelta(days=1)
        self._clock.wait_until(datetime.combine(tomorrow, time(9, 1), UTC))
        shown = self._world.shown(_OWN.identity)
        names = {event.ordinal: event.first_id or name for name, event in self._world.activities(shown)}
        return [names[event.ordinal] for event in events]

    def _prices_move(self) -> Sequence[str]:
        self._clock.advance(timedelta(minutes=1))
        self._world.move_prices()
        return ()

    def _tied_at_border(self) -> Sequence[Event]:
        """Fills of one moment, and so many after it that a page, which begins with the newest, ends among them."""
        tied = self._world.equal_fills(_OWN.identity, 20)
        self._clock.advance(timedelta(hours=1))
        self._world.trade(_OWN.identity, PAGE_SIZE - 10)
        return tied

    def _stranger(self) -> Sequence[str]:
        body = json.dumps(views.account(self._world, self._world.shown(_STRANGER.identity)))
        self._control.faults.add(Fault(path="/accounts/[0-9a-f-]+$", status=200, body=body, times=None))
        return ()

    def _forgets(self) -> Sequence[str]:
        body = json.dumps({"data": [], "pagination": {"offset": 0, "limit": PAGE_SIZE, "total": 0}})
        self._control.faults.add(Fault(path="/activities", status=200, body=body, times=None))
        return ()


def _truth(world: World, identity: str) -> TrueAccount:
    with world.lock:
        told = world.truth_of(identity)
    return TrueAccount.of(
        executions=told["executions"],
        cash_events=told["cash_events"],
        balance={"balance": told["balance"], "equity": told["equity"]},
        positions=told["positions"],
    )


def _error(
    status: int, body: Mapping[str, object], intent: Intent, code: ErrorCode | None, *, times: int | None = None
) -> ErrorCase:
    number = body.get("code", body.get("default_code", ""))
    fault = Fault(status=status, body=json.dumps(body), times=times)
    return ErrorCase(name=f"{status} {number}{' once' if times else ''}", faults=(fault,), intent=intent, code=code)


_UNSIGNED: Final = {"default_detail": "Unable to verify signature sent", "default_code": 1076}
_DISABLED_CONNECTION: Final = {
    "id": "87b24961-b51e-4db8-9226-f198f6518a89",
    "brokerage": {"slug": _OWN.institution, "display_name": "Robinhood"},
    "disabled": True,
    "disabled_date": "2026-05-11T15:11:19.217000-04:00",
}

kit = BrokerKit(
    slug="snaptrade",
    environment="live",
    start=_start,
    quiet_requests=5,  # the account, its connection, its activities, balances and positions
    errors=(
        _error(
            400,
            {"default_detail": "Unable to verify data sent", "default_code": 1076},
            Intent.ALARMS,
            ErrorCode.UNEXPECTED_ANSWER,
        ),
        _error(401, _UNSIGNED, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error(401, _UNSIGNED, Intent.HEALS, None, times=1),
        _error(
            402,
            {"detail": "Unable to sync with brokerage account because the connection is disabled.", "code": 3003},
            Intent.ASKS_TRADER,
            ErrorCode.CONSENT_EXPIRED,
        ),
        ErrorCase(
            name="a disabled connection with old 200s",
            faults=(Fault(path="/authorizations/", status=200, body=json.dumps(_DISABLED_CONNECTION), times=None),),
            intent=Intent.ASKS_TRADER,
            code=ErrorCode.CONSENT_EXPIRED,
            later=True,
        ),
        _error(
            403,
            {"default_detail": "User does not have permission to access this resource", "default_code": 1066},
            Intent.ASKS_TRADER,
            ErrorCode.SETUP_INCOMPLETE,
        ),
        _error(
            403,
            {"detail": "Feature is not enabled for this customer or this connection", "default_code": 1141},
            Intent.ASKS_TRADER,
            ErrorCode.SETUP_INCOMPLETE,
        ),
        _error(
            404,
            {"default_detail": "The requested resource does not exist.", "default_code": 1011},
            Intent.ALARMS,
            ErrorCode.UNEXPECTED_ANSWER,
        ),
        _error(
            410,
            {"detail": "This endpoint is not available for this customer.", "status_code": 410},
            Intent.ALARMS,
            ErrorCode.UNEXPECTED_ANSWER,
        ),
        _error(
            425,
            {"detail": "The resource is currently being populated. Please try again later.", "code": 3012},
            Intent.WAITS,
            ErrorCode.WORK_IN_PROGRESS,
        ),
        _error(
            429,
            {
                "detail": "Request was throttled. Expected available in 7 seconds.",
                "status_code": 429,
                "code": "0000",
            },
            Intent.RETRIES,
            ErrorCode.RATE_LIMITED,
        ),
        _error(
            500,
            {"detail": "Encountered an unexpected exception.", "status_code": 500, "code": 1000},
            Intent.RETRIES,
            ErrorCode.BROKER_UNAVAILABLE,
        ),
        _error(
            503,
            {
                "detail": "Unable to sync with brokerage account. Invalid response from Brokerage API.",
                "status_code": 503,
                "code": 3002,
            },
            Intent.RETRIES,
            ErrorCode.BROKER_UNAVAILABLE,
        ),
    ),
    lacks={
        Happening.CANCEL: "what an institution takes back is not told any more: a person decides what that means",
        Happening.SESSION_ENDS: "every request is signed with the key itself",
    },
)
