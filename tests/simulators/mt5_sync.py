"""A sync of the MT5 simulator without an engine: fetch over real HTTP, normalise at each checkpoint, keep by id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from brokersync.brokers.mt5.provider import provider
from brokersync.domain.pages import Checkpoint, Normalised, RawPage
from brokersync.domain.times import to_ns
from brokersync.domain.trades import LedgerEntry
from brokersync.ports.brokers import FetchContext, HttpAnswer
from local.simulators.control import LoggedRequest
from local.simulators.kit import TrueAccount
from local.simulators.mt5_clock import NEW_YORK_PLUS_7
from local.simulators.mt5_http import Style, make_app
from local.simulators.mt5_world import AccountSpec, World
from local.simulators.serving import RunningServer
from local.simulators.truth import differences
from tests.simulators.conftest import Stage
from tests.simulators.engineless import PlainHttp, chunks

LOGIN = "52557820"
KEY = "a-key-of-the-simulator"
CREDENTIALS = {"base_url": "https://mt5.example.com", "api_key": KEY, "server_zone": NEW_YORK_PLUS_7}
NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)

Serve = Callable[..., "Simulated"]


@dataclass
class Kept:
    """What a ledger would hold after some syncs, and where the feed stands."""

    cursor: str = ""
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    pages: list[RawPage] = field(default_factory=list)
    said: list[Normalised] = field(default_factory=list)

    def keep(self, said: Normalised, checkpoint: Checkpoint) -> None:
        """Store a chunk, then move the cursor, unless something is missing."""
        self.entries |= {one.source_id: one for one in (*said.executions, *said.cash_events)}
        self.said.append(said)
        self.checkpoints.append(checkpoint)
        if not said.missing_sections:
            self.cursor = checkpoint.cursor

    @property
    def missing(self) -> set[str]:
        """The sections that were missing."""
        return {section for said in self.said for section in said.missing_sections}


class Simulated:
    """A served world with one account, and syncs of it. `now` is the simulator's time and ours."""

    def __init__(
        self,
        stage: tuple[Stage, RunningServer],
        style: Style,
        settings: Mapping[str, str],
        requests_per_minute: int,
        spec: Mapping[str, object],
    ) -> None:
        self.now = NOW
        self.settings = settings
        self.world = World(clock=lambda: to_ns(self.now))
        usual: dict[str, object] = {"login": LOGIN, "api_key": KEY, "executions": 60}
        self.account = self.world.open_account(AccountSpec(**(usual | dict(spec))))  # type: ignore[arg-type]
        stage[0].app, self.control = make_app(self.world, style, requests_per_minute=requests_per_minute)
        self.base_url = stage[1].base_url

    def context(self, http: PlainHttp, cursor: str = "", **changed: object) -> FetchContext:
        """The context of a run."""
        usual: dict[str, object] = {
            "credentials": CREDENTIALS | self.settings,
            "environment": provider.manifest.environment("bridge"),
            "base_url": self.base_url,
            "accounts": (LOGIN,),
            "cursor": cursor,
            "state": {},
            "history_start": None,
            "now": self.now,
            "http": http,
        }
        return FetchContext(**(usual | changed))  # type: ignore[arg-type]

    def sync(
        self,
        kept: Kept,
        *,
        checkpoints: int | None = None,
        before: Callable[[int], None] = lambda _ordinal: None,
        **changed: object,
    ) -> list[LoggedRequest]:
        """Fetch and keep, at most so many checkpoints; returns the requests that came."""
        http = ClockedHttp(self, before)
        self.control.forget_requests()
        try:
            fetched = chunks(
                provider.fetch(self.context(http, kept.cursor, **changed)),
                lambda pages: provider.normalise(pages, (LOGIN,)),
                kept.pages,
            )
            for said, checkpoint in islice(fetched, checkpoints):
                kept.keep(said, checkpoint)
        finally:
            http.close()
        return list(self.control.requests)

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)

    def truth(self) -> TrueAccount:
        """What the simulator's own book holds."""
        told = self.world.truth_of(LOGIN)
        return TrueAccount.of(
            executions=told["executions"],
            cash_events=told["cash_events"],
            balance=told["balance"],
            positions=told["positions"],
        )


class ClockedHttp(PlainHttp):
    """Answers are received when the simulator's clock says."""

    def __init__(self, simulated: Simulated, before: Callable[[int], None] = lambda _ordinal: None) -> None:
        super().__init__(before)
        self._simulated = simulated

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask once."""
        return replace(super().get(url, params=params, headers=headers), received_at=self._simulated.now)


def assert_kept_is_true(simulated: Simulated, kept: Kept, *, complete: bool = True) -> None:
    """Everything that the simulator holds is kept, entry by entry, and nothing else."""
    truth = simulated.truth().entries
    assert list(differences(truth, kept.entries.values(), complete=complete)) == []
    assert [row for said in kept.said for row in said.unmapped] == []
