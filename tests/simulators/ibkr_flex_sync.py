"""A sync of the IBKR simulator without an engine, on the simulator's own clock.

Fetch over real HTTP with the real permits, normalise at each checkpoint, come back when told to, keep by id.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.types import ASGIApp

from brokersync.brokers.http import HttpxBrokers
from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.brokers.permits import ProcessPermits
from brokersync.domain.errors import ErrorCode, RetryLaterError, SyncError
from brokersync.domain.money import plain
from brokersync.domain.pages import Checkpoint, ComeBack, Normalised, RawPage
from brokersync.domain.runs import RunStats
from brokersync.domain.trades import CashEvent, Execution
from brokersync.ports.brokers import FetchContext
from local.simulators.control import Control
from local.simulators.ibkr_flex_calendar import SimulatedClock
from local.simulators.ibkr_flex_http import PATH, make_app
from local.simulators.ibkr_flex_world import AccountSpec, LoginSpec, QuerySpec, World
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage

Serve = Callable[..., "Simulated"]

TOKEN = "a-token-of-the-simulator"
QUERY = "100001"
NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)  # a Tuesday morning in New York; Monday's statement is built
MONDAY = "20260511"


class WorldClock:
    """ports.Clock on the simulator's clock: sleeping moves it."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """The simulator's time."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Time passes in the simulator."""
        self._clock.set(self._clock.now() + timedelta(seconds=seconds), frozen=True)


class Invocation:
    """ports.Deadline of a run that has 60 seconds of the simulator's time."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._ends = clock.now() + timedelta(seconds=60)

    def seconds_left(self) -> float:
        """Seconds until the end."""
        return (self._ends - self._clock.now()).total_seconds()


@dataclass
class Kept:
    """What a ledger would hold after some runs, and where the feed stands."""

    cursor: str = ""
    state: Mapping[str, str] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    executions: dict[str, Execution] = field(default_factory=dict)
    cash_events: dict[str, CashEvent] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    pages: list[RawPage] = field(default_factory=list)
    said: list[Normalised] = field(default_factory=list)
    runs: int = 0

    def keep(self, said: Normalised, checkpoint: Checkpoint) -> None:
        """Store a chunk, then move the cursor, unless something is missing."""
        for entry in (*said.executions, *said.cash_events):
            kept = self.executions if isinstance(entry, Execution) else self.cash_events
            if kept.get(entry.source_id, entry) != entry:
                self.changed.append(entry.source_id)
            kept[entry.source_id] = entry  # type: ignore[index]
        self.accounts |= {info.broker_account_id for info in said.accounts}
        self.said.append(said)
        if not said.missing_sections:
            self.cursor = checkpoint.cursor
            self.checkpoints.append(checkpoint)


class Simulated:
    """A served world, and syncs of its one login."""

    def __init__(self, world: World, control: Control, server: RunningServer) -> None:
        self.world, self.control, self.server = world, control, server
        self.clock = WorldClock(world.clock)
        self._http = HttpxBrokers(shared_permits=ProcessPermits(), clock=self.clock)

    @property
    def base_url(self) -> str:
        """What the provider is given."""
        return f"{self.server.base_url}{PATH}"

    def run(self, kept: Kept, **changed: object) -> ComeBack | None:
        """One run, as the engine does it; what it leaves to a later one."""
        kept.runs += 1
        http = self._http.for_run(provider.manifest, "fingerprint", Invocation(self.clock), RunStats())
        usual: dict[str, object] = {
            "credentials": {"token": TOKEN, "query_id": QUERY},
            "environment": provider.manifest.environment("live"),
            "base_url": self.base_url,
            "accounts": tuple(sorted(kept.accounts)),
            "cursor": kept.cursor,
            "state": kept.state,
            "history_start": None,
            "now": self.clock.now(),
            "http": http,
        }
        context = FetchContext(**(usual | changed))  # type: ignore[arg-type]
        kept.state = {}
        pending: list[RawPage] = []
        for step in provider.fetch(context):
            match step:
                case RawPage():
                    pending.append(step)
                    kept.pages.append(step)
                case Checkpoint():
                    kept.keep(provider.normalise(pending, context.accounts), step)
                    pending = []
                case ComeBack():
                    kept.state = step.state
                    return step
        return None

    def sync(self, kept: Kept, **changed: object) -> int:
        """Runs until nothing is owed; returns how many requests they took. Raises the SyncError of a run."""
        before = len(self.control.requests)
        while (later := self.run_within_limits(kept, **changed)) is not None:
            self.wait_until(later)
        return len(self.control.requests) - before

    def run_within_limits(self, kept: Kept, **changed: object) -> datetime | None:
        """One run; when to come back. A run that waits for a limit is begun again with the state it had."""
        state = kept.state
        try:
            later = self.run(kept, **changed)
        except RetryLaterError as error:
            if error.code is not ErrorCode.RATE_LIMITED or error.not_before is None:
                raise
            kept.state = state
            return error.not_before
        return later.at if later else None

    def failure(self, kept: Kept, **changed: object) -> SyncError:
        """The error that a sync ends with."""
        try:
            self.sync(kept, **changed)
        except SyncError as error:
            return error
        raise AssertionError("the sync ended well")

    def close(self) -> None:
        """Close the connections to the simulator."""
        self._http.close()

    def wait_until(self, moment: datetime) -> None:
        """Let the simulator's time pass."""
        self.world.clock.set(max(moment, self.clock.now()), frozen=True)

    def truth(self) -> dict[str, dict[str, dict[str, object]]]:
        """What the books hold, by account: executions and cash events by their ids."""
        accounts: list[dict[str, list[dict[str, object]]]] = self.world.truth({})["accounts"]  # type: ignore[index]
        return {
            str(one["broker_account_id"]): {
                str(row.get("source_trade_id") or row["source_id"]): row
                for row in (*one["executions"], *one["cash_events"])
            }
            for one in accounts
        }


def simulate(
    server: RunningServer,
    *,
    accounts: Sequence[AccountSpec] = (),
    queries: Sequence[QuerySpec] = (),
    now: datetime = NOW,
    **login: object,
) -> tuple[ASGIApp, Simulated]:
    """A world with one login; its clock stands still unless somebody sleeps."""
    usual: dict[str, object] = {
        "token": TOKEN,
        "accounts": tuple(accounts) or (AccountSpec(account="U7000001", executions=120, days=40),),
        "queries": tuple(queries) or (QuerySpec(id=QUERY),),
    }
    world = World([LoginSpec(**(usual | login))], SimulatedClock(now, frozen=True))  # type: ignore[arg-type]
    app, control = make_app(world)
    return app, Simulated(world, control, server)


@contextmanager
def serving(stage: tuple[Stage, RunningServer]) -> Iterator[Serve]:
    """Serves logins of the given kind, each in place of what was served before."""
    served: list[Simulated] = []

    def serve(**login: object) -> Simulated:
        app, simulated = simulate(stage[1], **login)  # type: ignore[arg-type]
        stage[0].app = app
        served.append(simulated)
        return simulated

    yield serve
    for simulated in served:
        simulated.close()


def as_truth(entry: Execution | CashEvent, like: Mapping[str, object]) -> dict[str, object]:
    """An entry in the words of the simulator's truth, as far as that goes."""
    told: dict[str, object] = {}
    for name in like:
        value = getattr(entry, name.removesuffix("_ns"))
        if name.endswith("_ns"):
            value = value.ns
        elif name == "fees":
            value = {kind: plain(amount) for kind, amount in value.items()}
        elif name in {"quantity", "price", "multiplier", "realised_pnl", "amount"}:
            value = plain(value)
        elif value is not None and name in {"asset_class", "side", "kind", "effect"}:
            value = value.value
        told[name] = value
    return told


def assert_kept_is_true(simulated: Simulated, kept: Kept) -> None:
    """Everything that the simulator's books hold is kept, field by field, and nothing else."""
    true = {key: row for rows in simulated.truth().values() for key, row in rows.items()}
    entries = {**kept.executions, **kept.cash_events}
    assert entries.keys() == true.keys()
    assert {key: as_truth(entry, true[key]) for key, entry in entries.items()} == true
    assert [row for said in kept.said for row in said.unmapped] == []


def error_body(code: str, message: str = "Words of IBKR.", status: str = "Fail") -> str:
    """IBKR's envelope around an error code."""
    inside = f"<Status>{status}</Status><ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage>"
    return f"<FlexStatementResponse timestamp='12 May, 2026 09:00 AM EDT'>{inside}</FlexStatementResponse>"


def paths(simulated: Simulated) -> list[str]:
    """Which of the two requests came, in order."""
    return [request.path.rpartition("/")[2] for request in simulated.control.requests]


def asked(simulated: Simulated) -> list[Mapping[str, str]]:
    """With which parameters they came."""
    return [request.params for request in simulated.control.requests]


def loaded(simulated: Simulated) -> Kept:
    """A ledger that is loaded, and the log of requests empty."""
    kept = Kept()
    simulated.sync(kept)
    simulated.control.forget_requests()
    return kept
