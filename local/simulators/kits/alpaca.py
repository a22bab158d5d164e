"""Alpaca's kit. Errors: docs.alpaca.markets (Trading API, error codes of its reference pages)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Final

from brokersync.domain.errors import ErrorCode
from local.simulators import alpaca_views as views
from local.simulators.alpaca_http import make_app
from local.simulators.alpaca_query import PAGE_SIZE, select
from local.simulators.alpaca_truth import text
from local.simulators.alpaca_world import Account, AccountSpec, World, positions
from local.simulators.control import Control
from local.simulators.faults import Fault
from local.simulators.kit import BrokerKit, ErrorCase, Happening, Intent, KitClock, Login, Past, Scene, TrueAccount
from local.simulators.serving import serve_in_thread

_ACCOUNT: Final = "PA3KIT000001"
_STRANGER: Final = "PA3KIT000009"
_KEYS: Final = {"api_key_id": "PKKIT0000000000001", "api_secret_key": "kit-secret-0123456789abcdef"}
_OTHERS: Final = {"api_key_id": "PKKIT0000000000009", "api_secret_key": "kit-secret-of-somebody-else"}
_EXECUTIONS: Final = {Past.EMPTY: 0, Past.SHORT: 60, Past.PAGED: 900}


@contextmanager
def _start(clock: KitClock, past: Past) -> Iterator[Scene]:
    world = World(clock=clock.now)
    account = world.open_account(_spec(_ACCOUNT, _KEYS, past))
    world.open_account(_spec(_STRANGER, _OTHERS, Past.SHORT))
    if past is not Past.EMPTY:
        account.trader.exercise(clock.now())  # told before anything is canceled
    app, control = make_app(world)
    with serve_in_thread(app) as server:
        yield Scene(
            base_url=f"{server.base_url}/v2",
            control=control,
            accounts=(_ACCOUNT,),
            strangers=(_STRANGER,),
            logins={
                Login.GOOD: _KEYS,
                Login.REJECTED: _KEYS | {"api_secret_key": "kit-secret-before-it-was-regenerated"},
            },
            happenings=_Happenings(world, control, clock).by_name(),
            truth=lambda: {number: _truth(one) for number, one in world.accounts.items()},
        )


def _spec(account: str, keys: Mapping[str, str], past: Past) -> AccountSpec:
    return AccountSpec(
        account=account,
        key_id=keys["api_key_id"],
        secret=keys["api_secret_key"],
        executions=_EXECUTIONS[past],
        blank=past is Past.EMPTY,
    )


class _Happenings:
    """What happens on the account."""

    def __init__(self, world: World, control: Control, clock: KitClock) -> None:
        self._world, self._control, self._clock = world, control, clock
        self._account = world.accounts[_ACCOUNT]

    def by_name(self) -> Mapping[Happening, Callable[[], Sequence[str]]]:
        return {
            Happening.TRADE: lambda: self._passed(lambda: self._world.trade(_ACCOUNT, 2)),
            Happening.EQUAL_FILLS: lambda: self._passed(lambda: self._fills(3, equal_times=True)),
            Happening.LATE_ROW: lambda: self._passed(lambda: self._world.late(_ACCOUNT)),
            Happening.OUT_OF_ORDER: lambda: self._passed(lambda: self._fills(4, equal_times=False)),
            Happening.CANCEL: lambda: self._passed(lambda: self._world.cancel(_ACCOUNT)),
            Happening.PRICES_MOVE: lambda: self._passed(self._prices_move),
            Happening.MANY: lambda: self._passed(lambda: self._world.trade(_ACCOUNT, 2 * PAGE_SIZE)),
            Happening.TIED_AT_BORDER: lambda: self._passed(self._tied_at_border),
            Happening.STRANGER: self._stranger,
            Happening.FORGETS: self._forgets,
        }

    def _passed(self, happen: Callable[[], Sequence[str]]) -> Sequence[str]:
        self._clock.advance(timedelta(minutes=1))
        with self._world.lock:
            return happen()

    def _fills(self, count: int, *, equal_times: bool) -> Sequence[str]:
        """One order that fills in equal parts, in the same microsecond or in a falling order of their times."""
        share = self._account.book.assets["AAPL"]
        parts = [Decimal(10)] * count
        made = self._account.trader.order(self._clock.now(), share, "buy", parts, equal_times=equal_times)
        return [done.id for done in made]

    def _prices_move(self) -> Sequence[str]:
        self._world.move_prices()
        return ()

    def _tied_at_border(self) -> Sequence[str]:
        """Fills of one time, of which some are still on the first page of what is read again, and some are not."""
        newest = max(done.created for done in self._account.book.activities)
        start = f"{newest - timedelta(days=1):%Y-%m-%d}T00:00:00Z"
        there = len(select(self._account.book.activities, {"after": start, "direction": "asc"}, self._world.rules))
        self._world.trade(_ACCOUNT, PAGE_SIZE - there - 2)
        self._clock.advance(timedelta(minutes=1))
        return self._fills(PAGE_SIZE, equal_times=True)

    def _stranger(self) -> Sequence[str]:
        body = json.dumps(views.account(self._world.accounts[_STRANGER].book))
        self._control.faults.add(Fault(path="/account$", status=200, body=body, times=None))
        return ()

    def _forgets(self) -> Sequence[str]:
        self._control.faults.add(Fault(path="/activities", status=200, body="[]", times=None))
        return ()


def _truth(account: Account) -> TrueAccount:
    book = account.book
    return TrueAccount.of(
        executions=[asdict(done) for done in book.truth.executions],
        cash_events=[asdict(moved) for moved in book.truth.cash_events],
        balance={
            "balance": text(book.cash),
            "equity": text(book.equity()),
            "margin": text(views.initial_margin(book)),
        },
        positions=positions(account),
    )


def _error(status: int, code: int, intent: Intent, means: ErrorCode | None, *, times: int | None = None) -> ErrorCase:
    body = json.dumps({"code": code, "message": f"simulated {status}"})
    fault = Fault(status=status, body=body, times=times)
    return ErrorCase(name=f"{status} once" if times else str(status), faults=(fault,), intent=intent, code=means)


kit = BrokerKit(
    slug="alpaca",
    environment="paper",
    start=_start,
    quiet_requests=3,  # the account, its activities since the day before the newest one, its positions
    errors=(
        _error(400, 40010000, Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER),
        _error(401, 40110000, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error(401, 40110000, Intent.HEALS, None, times=1),
        _error(403, 40310000, Intent.ASKS_TRADER, ErrorCode.CREDENTIALS_REJECTED),
        _error(403, 40310000, Intent.HEALS, None, times=1),
        _error(404, 40410000, Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER),
        _error(422, 42210000, Intent.ALARMS, ErrorCode.UNEXPECTED_ANSWER),
    ),
    lacks={
        Login.EXPIRED: "keys live until they are regenerated or deleted: then they are rejected",
        Happening.CORRECTION: "what Alpaca corrects is canceled, and comes again under another id with status correct",
        Happening.SESSION_ENDS: "the keys themselves open every request",
    },
)
