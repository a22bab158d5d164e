"""How the contract suite drives a broker's simulator: one kit per broker, in local/simulators/kits/<slug>.py.

A kit starts the simulator in a scene, says which credentials work and which don't, tells the truth from the
simulator's own books (never from its answers), makes things happen, and lists the errors of the broker's documentation
with what has to follow from them. What a broker can't have is declared in `lacks` with the reason: nothing is skipped
in silence, and what the manifest knows better is checked against it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import import_module
from typing import Self

from pydantic import JsonValue, TypeAdapter
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from brokersync.domain.errors import ErrorCode
from local.simulators.control import Control
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer, serve_in_thread

START = datetime(2026, 5, 12, 13, 0, 0, 123_457, tzinfo=UTC)
"""When every scene begins: a Tuesday, 09:00 in New York, and some microseconds that nobody may lose."""


class KitClock:
    """The time of a scene, for the engine and the simulator alike: it stands still until somebody moves it.

    It keeps ports.Clock: who sleeps moves it. Safe to read from the simulator's thread.
    """

    def __init__(self, now: datetime = START) -> None:
        self._lock = threading.Lock()
        self._now = now

    def now(self) -> datetime:
        """Aware UTC."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        with self._lock:
            self._now += by

    def wait_until(self, moment: datetime) -> None:
        """Let time pass until then; nothing if it is past."""
        with self._lock:
            self._now = max(self._now, moment)


# --- what a scene has to offer --------------------------------------------------------------------------------------


class Past(StrEnum):
    """What the accounts have lived through when the scene begins."""

    EMPTY = "empty"
    """Nothing was ever traded and no cash has moved."""
    SHORT = "short"
    """Some fifty executions, cash events of the kinds the broker has, some positions open at the end.

    Hundreds of entries slow the suite down: it loads this past in nearly every test.
    """
    PAGED = "paged"
    """So long that the first sync needs more answers for it than for SHORT: it has to page to the end."""


class Login(StrEnum):
    """What a credential is worth."""

    GOOD = "good"
    REJECTED = "rejected"
    """Never worked: mistyped, or another login's."""
    EXPIRED = "expired"
    """Worked once: its life, or the trader's consent, has ended. Lacking where credentials live for ever."""


class Happening(StrEnum):
    """What can happen at a broker between two syncs. Each moves the clock if it needs to, and says whom it concerns."""

    TRADE = "trade"
    """Something new is executed. Returns the new executions' ids."""
    EQUAL_FILLS = "equal_fills"
    """Executions alike in everything but their ids: returns their ids, two or more."""
    LATE_ROW = "late_row"
    """An execution is told that is older than the newest one told before. Returns its id. Needs an overlap.

    However long ago that newest one was told: an overlap is counted from what was served, not from now.
    """
    OUT_OF_ORDER = "out_of_order"
    """New executions come in another order than that of their times. Returns their ids."""
    CORRECTION = "correction"
    """An execution that was told before comes with another content under its id. Returns that id."""
    CANCEL = "cancel"
    """An execution that was told before is cancelled or busted. Returns that execution's id."""
    PRICES_MOVE = "prices_move"
    """Figures change, nothing is executed. Returns nothing."""
    MANY = "many"
    """So much is executed that the next sync has to page for it. Returns the new executions' ids."""
    TIED_AT_BORDER = "tied_at_border"
    """As MANY, with executions of the same time on both sides of a page's border. Returns ids, those among them."""
    SESSION_ENDS = "session_ends"
    """What the broker issued for the credential (a session token) ends; the credential stays good. Returns nothing."""
    STRANGER = "stranger"
    """From now on the broker answers with another trader's data, under the same credential. Returns nothing."""
    FORGETS = "forgets"
    """The broker answers without any execution where it told some before. Returns nothing. Needs an overlap."""


Demand = Past | Login | Happening
"""What the suite demands of a kit: each is offered, or declared as lacking with the reason."""

TrueEntry = Mapping[str, JsonValue]
"""An execution or cash event under the ledger's names (brokersync.domain.trades).

Amounts are plain text without trailing zeros, enums their values, a time is nanoseconds under its name with `_ns`.
What the simulator's books don't know is left out.
"""
_ENTRIES = TypeAdapter(list[dict[str, JsonValue]])
_FIGURES = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAccount:
    """What an account truly holds now, by the simulator's own books.

    `entries` are executions and cash events by their ids in the ledger; `balance` what of domain.portfolio.Balance the
    books know (name: plain text); `positions` the signed sum of volumes by symbol as plain text, flat ones left out.
    """

    entries: Mapping[str, TrueEntry]
    balance: Mapping[str, str] = field(default_factory=dict)
    positions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, *, executions: object, cash_events: object, balance: object, positions: object) -> Self:
        """From lists of entries and mappings of figures as a simulator tells them at /_sim/truth.

        Raises ValidationError for what has another form, KeyError for an entry without id.
        """
        entries = {str(entry["source_trade_id"]): entry for entry in _ENTRIES.validate_python(executions)}
        entries |= {str(entry["source_id"]): entry for entry in _ENTRIES.validate_python(cash_events)}
        return cls(
            entries=entries,
            balance=_FIGURES.validate_python(balance, strict=True),
            positions=_FIGURES.validate_python(positions, strict=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A simulator that runs.

    `base_url` goes into the engine's broker_endpoints. `accounts` are the numbers that the good login opens: where a
    feed is one account the suite connects the first, and the others must not come out. The simulator holds another
    login too: its accounts are in `strangers`, and must never come out.
    `truth` tells all accounts by number. `issued` are secrets that the broker made (session tokens) until now.
    """

    base_url: str
    control: Control
    accounts: Sequence[str]
    strangers: Sequence[str]
    logins: Mapping[Login, Mapping[str, str]]
    happenings: Mapping[Happening, Callable[[], Sequence[str]]]
    truth: Callable[[], Mapping[str, TrueAccount]]
    issued: Callable[[], Sequence[str]] = tuple


# --- what has to follow from errors ---------------------------------------------------------------------------------


class Intent(StrEnum):
    """What has to follow from an error."""

    HEALS = "heals"
    """The same run still succeeds."""
    WAITS = "waits"
    """The broker is preparing: the run is deferred with work_in_progress, nothing counts as failed."""
    RETRIES = "retries"
    """The job comes back by itself, later."""
    ASKS_TRADER = "asks_trader"
    """Nothing is tried again until the trader has acted (setup_incomplete: the schedule goes on)."""
    ALARMS = "alarms"
    """The answer is not what the broker promises: the message comes back, then lies among the dead letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCase:
    """One row of the broker's error table: how to provoke it, and what has to follow.

    The faults are injected into the first sync of a SHORT past (`later`: into the one after it, when there is news).
    `code` is None where the run succeeds. The name is the documentation's: `401`, `1012`, `p-ticket`.
    """

    name: str
    faults: tuple[Fault, ...]
    intent: Intent
    code: ErrorCode | None
    later: bool = False


# --- serving --------------------------------------------------------------------------------------------------------


class _Stage:
    """A server whose app changes from scene to scene: to start and stop one costs more than most scenes do."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.server: RunningServer = serve_in_thread(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


_idle: list[_Stage] = []


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve a scene's app until the `with` block ends; yields `http://127.0.0.1:port`."""
    stage = _idle.pop() if _idle else _Stage()
    stage.app = app
    try:
        yield stage.server.base_url
    finally:
        stage.app = Starlette()
        _idle.append(stage)


def stop_serving() -> None:
    """Stop the servers that no scene uses any more."""
    while _idle:
        _idle.pop().server.stop()


# --- kits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerKit:
    """All that the suite needs to drive a broker's simulator.

    `start` serves a scene until its `with` block ends; the simulator lives by the clock it is given. `quiet_requests`
    is what a sync of an unchanged SHORT past may cost. `errors` are the rows of the broker's error table; the suite
    adds what every broker can answer (server faults, 429, time-outs, broken answers), and a case with the same name as
    one of those takes its place.
    """

    slug: str
    environment: str
    start: Callable[[KitClock, Past], AbstractContextManager[Scene]]
    quiet_requests: int
    errors: tuple[ErrorCase, ...]
    lacks: Mapping[Demand, str] = field(default_factory=dict)


class KitMissingError(Exception):
    """A broker has no kit: says what to write."""


def kit_of(slug: str) -> BrokerKit:
    """The broker's kit: `kit` in local/simulators/kits/<slug>.py. Raises KitMissingError."""
    name = f"local.simulators.kits.{slug}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise KitMissingError(
            f"{slug} has no kit: write its simulator, and local/simulators/kits/{slug}.py with "
            f"`kit = BrokerKit(slug={slug!r}, ...)`. See local/simulators/kit.py and docs/adding-a-broker.md."
        ) from None
    kit = getattr(module, "kit", None)
    if not isinstance(kit, BrokerKit) or kit.slug != slug:
        raise KitMissingError(f"local/simulators/kits/{slug}.py: `kit` has to be a BrokerKit with slug={slug!r}")
    return kit
