"""A sync of the Alpaca simulator without an engine: fetch over real HTTP, normalise at each checkpoint, keep by id."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.pages import Checkpoint, Normalised, RawPage
from brokersync.domain.trades import LedgerEntry
from brokersync.ports.brokers import FetchContext
from local.simulators.alpaca_http import make_app
from local.simulators.alpaca_world import AccountSpec, Rules, World
from local.simulators.control import LoggedRequest
from local.simulators.serving import RunningServer
from local.simulators.truth import differences
from tests.simulators.conftest import Stage
from tests.simulators.engineless import PlainHttp, chunks

ACCOUNT = "PA3TEST00001"
KEYS = {"api_key_id": "PKTEST0000000000001", "api_secret_key": "a-secret-of-the-simulator"}
NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)  # a Tuesday, 09:00 in New York

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
        """Store a chunk, then move the cursor."""
        self.entries |= {one.source_id: one for one in (*said.executions, *said.cash_events)}
        self.said.append(said)
        self.checkpoints.append(checkpoint)
        self.cursor = checkpoint.cursor


class Simulated:
    """A served world with one account, and syncs of it. `now` is the simulator's time and ours."""

    def __init__(self, stage: tuple[Stage, RunningServer], rules: Rules, spec: Mapping[str, object]) -> None:
        self.now = NOW
        self.world = World(clock=lambda: self.now, rules=rules)
        usual: dict[str, object] = {"account": ACCOUNT, "key_id": KEYS["api_key_id"], "secret": KEYS["api_secret_key"]}
        self.account = self.world.open_account(AccountSpec(**(usual | dict(spec))))  # type: ignore[arg-type]
        # The real limit is kept by permits; here nobody waits.
        stage[0].app, self.control = make_app(self.world, requests_per_minute=100_000)
        self.base_url = f"{stage[1].base_url}/v2"

    def context(self, http: PlainHttp, kept: Kept, **changed: object) -> FetchContext:
        """The context of a run."""
        usual: dict[str, object] = {
            "credentials": KEYS,
            "environment": provider.manifest.environment("paper"),
            "base_url": self.base_url,
            "accounts": (ACCOUNT,),
            "cursor": kept.cursor,
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
        http = PlainHttp(before)
        self.control.forget_requests()
        try:
            fetched = chunks(
                provider.fetch(self.context(http, kept, **changed)),
                lambda pages: provider.normalise(pages, (ACCOUNT,)),
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

    def truth(self) -> dict[str, dict[str, object]]:
        """All entries that the simulator's own books hold, by their ids."""
        truth = self.account.book.truth
        return {one.source_trade_id: asdict(one) for one in truth.executions} | {
            one.source_id: asdict(one) for one in truth.cash_events
        }


def assert_kept_is_true(simulated: Simulated, kept: Kept) -> None:
    """Everything that the simulator holds is kept, entry by entry, and nothing else."""
    assert list(differences(simulated.truth(), kept.entries.values(), complete=True)) == []  # type: ignore[arg-type]
    assert [row for said in kept.said for row in said.unmapped] == []
