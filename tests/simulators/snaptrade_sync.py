"""A fetch from the SnapTrade simulator without an engine: over real HTTP, each step looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from brokersync.brokers.snaptrade.provider import provider
from brokersync.domain.pages import Checkpoint, ComeBack, Normalised, RawPage
from brokersync.domain.trades import LedgerEntry
from brokersync.ports.brokers import FetchContext, HttpAnswer
from local.simulators.control import LoggedRequest
from local.simulators.serving import RunningServer
from local.simulators.snaptrade_http import make_app
from local.simulators.snaptrade_world import AccountSpec, World
from local.simulators.truth import differences
from tests.simulators.conftest import Stage
from tests.simulators.engineless import PlainHttp

SPEC = AccountSpec(
    client_id="TEST-CLIENT", consumer_key="a-consumer-key", user_id="a-trader", user_secret="a-user-secret"
)
PERSONAL = replace(SPEC, client_id="TEST-PERSONAL", user_id="", user_secret="")
NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)  # a Tuesday, 09:00 in New York: transactions are there up to Monday


class ClockedHttp(PlainHttp):
    """Answers are received at the time of the scene."""

    def __init__(self, clock: Callable[[], datetime], before: Callable[[int], None]) -> None:
        super().__init__(before)
        self._clock = clock

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        return replace(super().get(url, params=params, headers=headers), received_at=self._clock())


@dataclass
class Kept:
    """What a ledger would hold after some fetches, and where the feed stands."""

    cursor: str = ""
    state: Mapping[str, str] = field(default_factory=dict)
    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    said: list[Normalised] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    pages: list[RawPage] = field(default_factory=list)


class Simulated:
    """A served world with one account. `now` is the simulator's time, `ahead` how far ours is before it."""

    def __init__(self, stage: tuple[Stage, RunningServer], spec: AccountSpec, **limits: int) -> None:
        self.now, self.ahead = NOW, timedelta(0)
        self.spec = spec
        self.world = World(clock=lambda: self.now)
        self.account = self.world.open_account(spec)
        stage[0].app, self.control = make_app(self.world, **limits)
        self.base_url = stage[1].base_url

    def context(self, http: PlainHttp, kept: Kept) -> FetchContext:
        """The context of a run."""
        fields = ("client_id", "consumer_key", "user_id", "user_secret")
        return FetchContext(
            credentials={name: getattr(self.spec, name) for name in fields},
            environment=provider.manifest.environment("live"),
            base_url=self.base_url,
            accounts=(self.spec.identity,),
            cursor=kept.cursor,
            state=kept.state,
            history_start=None,
            now=self.now + self.ahead,
            http=http,
        )

    def fetch(self, kept: Kept, *, before: Callable[[int], None] = lambda _ordinal: None) -> ComeBack | None:
        """One run, its checkpoints kept; what it ends with, if that is to come back."""
        http = ClockedHttp(lambda: self.now + self.ahead, before)
        pending: list[RawPage] = []
        try:
            for step in provider.fetch(self.context(http, kept)):
                match step:
                    case RawPage():
                        pending.append(step)
                        kept.pages.append(step)
                    case Checkpoint():
                        said = provider.normalise(pending, (self.spec.identity,))
                        pending = []
                        kept.entries |= {one.source_id: one for one in (*said.executions, *said.cash_events)}
                        kept.said.append(said)
                        kept.checkpoints.append(step)
                        kept.cursor, kept.state = step.cursor, {}
                    case ComeBack():
                        kept.state = step.state
                        return step
        finally:
            http.close()
        return None

    def requests(self, path: str = "") -> list[LoggedRequest]:
        """The requests whose path has this in it."""
        return [one for one in self.control.requests if path in one.path]

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


def assert_kept_is_true(simulated: Simulated, kept: Kept) -> None:
    """Everything that SnapTrade has loaded is kept, entry by entry, and nothing else."""
    told = simulated.world.truth_of(simulated.spec.identity)
    true = {one["source_trade_id"]: one for one in told["executions"]}  # type: ignore[index, attr-defined]
    true |= {one["source_id"]: one for one in told["cash_events"]}  # type: ignore[index, attr-defined]
    assert list(differences(true, kept.entries.values(), complete=True)) == []
    assert [row for said in kept.said for row in said.unmapped] == []
