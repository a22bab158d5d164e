"""A sync of the Tradovate simulator without an engine: fetch over real HTTP, normalise at checkpoints, keep by id."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.errors import SyncError
from brokersync.domain.pages import Checkpoint, ComeBack, Normalised, RawPage
from brokersync.domain.trades import LedgerEntry
from brokersync.ports.brokers import FetchContext, HttpAnswer, ProcessSession, Session
from local.simulators.control import LoggedRequest
from local.simulators.serving import RunningServer
from local.simulators.tradovate_gate import LoginSpec
from local.simulators.tradovate_http import PATH, make_app
from local.simulators.tradovate_world import AccountSpec, World, truth_of
from local.simulators.truth import differences
from tests.simulators.conftest import Stage

FIRST, SECOND = "8100011", "8100012"
NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)  # Tuesday, 08:00 in Chicago
LOGIN = LoginSpec(username="a-trader", password="a-pass-word", cid=8101, sec="a-secret-of-a-key", user_id=810)
CREDENTIALS = {"username": LOGIN.username, "password": LOGIN.password, "cid": str(LOGIN.cid), "sec": LOGIN.sec}

Before = Callable[[str], None]


class SimHttp:
    """ports.BrokerHttp without retries, by the simulator's clock. `before` is told each path before it is asked."""

    def __init__(self, now: Callable[[], datetime], before: Before) -> None:
        self._client = httpx.Client(timeout=10)
        self._now, self._before = now, before

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask once."""
        self._before(httpx.URL(url).path)
        return self._answer(self._client.get(url, params=params, headers=headers))

    def post(
        self,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask once."""
        assert form is None
        self._before(httpx.URL(url).path)
        return self._answer(self._client.post(url, json=json, headers=headers))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _answer(self, answer: httpx.Response) -> HttpAnswer:
        return HttpAnswer(
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content,
            received_at=self._now(),
        )


@dataclass
class Kept:
    """What a ledger would hold after some syncs, and where the feed stands."""

    cursor: str = ""
    accounts: set[str] = field(default_factory=set)
    entries: dict[tuple[str, str], LedgerEntry] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    pages: list[RawPage] = field(default_factory=list)
    said: list[Normalised] = field(default_factory=list)
    later: ComeBack | None = None
    session: Session = field(default_factory=ProcessSession)

    def keep(self, said: Normalised, checkpoint: Checkpoint) -> None:
        """Store a chunk, then move the cursor."""
        self.accounts |= {one.broker_account_id for one in said.accounts}
        for one in (*said.executions, *said.cash_events):
            self.entries[one.broker_account_id, one.source_id] = one
        self.said.append(said)
        self.checkpoints.append(checkpoint)
        self.cursor = checkpoint.cursor


class Simulated:
    """A served world with one login of two accounts, and syncs of it. `now` is the simulator's time and ours."""

    def __init__(
        self, stage: tuple[Stage, RunningServer], login: LoginSpec = LOGIN, now: datetime = NOW, **spec: object
    ) -> None:
        self.now = now
        self.world = World(clock=lambda: self.now)
        usual: dict[str, object] = {"executions": 40}
        self.world.add_login(
            login,
            [
                AccountSpec(id=int(FIRST), name="DEMO8100011", seed=3, **(usual | spec)),  # type: ignore[arg-type]
                AccountSpec(id=int(SECOND), name="DEMO8100012", seed=4, flat=True, **(usual | spec)),  # type: ignore[arg-type]
            ],
        )
        stage[0].app, self.control = make_app(self.world)
        self.base_url = stage[1].base_url

    def sync(self, kept: Kept, *, before: Before = lambda _path: None, **changed: object) -> Sequence[LoggedRequest]:
        """Fetch and keep, until the end or a ComeBack; returns the requests that came."""
        self.control.forget_requests()
        http = SimHttp(lambda: self.now, before)
        usual: dict[str, object] = {
            "credentials": CREDENTIALS,
            "environment": provider.manifest.environment("demo"),
            "base_url": f"{self.base_url}{PATH}",
            "accounts": tuple(sorted(kept.accounts)),
            "cursor": kept.cursor,
            "state": kept.later.state if kept.later else {},
            "history_start": None,
            "now": self.now,
            "http": http,
            "session": kept.session,
        }
        kept.later = None
        pending: list[RawPage] = []
        try:
            for step in provider.fetch(FetchContext(**(usual | changed))):  # type: ignore[arg-type]
                match step:
                    case RawPage():
                        pending.append(step)
                        kept.pages.append(step)
                    case Checkpoint():
                        kept.keep(provider.normalise(pending, tuple(kept.accounts)), step)
                        pending = []
                    case ComeBack():
                        kept.later = step
        finally:
            http.close()
        return list(self.control.requests)

    def after(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)

    def at(self, moment: str) -> None:
        """Let it be that moment (ISO 8601 with its zone)."""
        self.now = datetime.fromisoformat(moment)

    def asked(self) -> list[str]:
        """The paths of the requests since the last sync began."""
        return [logged.path.removeprefix(PATH) for logged in self.control.requests]

    def untrue(self, kept: Kept, *, complete: bool = True) -> Sequence[str]:
        """Where what is kept differs from the books."""
        found = []
        for number, account in self.world.accounts.items():
            told = truth_of(account)
            true = {entry.get("source_trade_id") or entry["source_id"]: entry for entry in _entries(told)}
            held = [one for (owner, _), one in kept.entries.items() if owner == number]
            found += [f"{number}: {line}" for line in differences(true, held, complete=complete)]
        return found


def fails(simulated: Simulated, kept: Kept, **changed: object) -> SyncError:
    """The error that a sync ends with."""
    with pytest.raises(SyncError) as raised:
        simulated.sync(kept, **changed)  # type: ignore[arg-type]
    return raised.value


def _entries(told: Mapping[str, object]) -> list[dict[str, str]]:
    return [*told["executions"], *told["cash_events"]]  # type: ignore[misc]
