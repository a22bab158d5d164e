"""A sync engine over in-memory ports, with a broker whose answers a test writes."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import BrokerChangedError, SyncError
from brokersync.domain.feeds import Feed, FetchScope
from brokersync.domain.manifests import Environment, LimitScope, LimitWindow, Manifest
from brokersync.domain.pages import Checkpoint, ComeBack, FetchStep, Normalised, RawPage, Unmapped
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import RequestedBy, RunStats
from brokersync.domain.times import from_rfc3339, minute_of
from brokersync.domain.trades import AssetClass, Execution, ExecutionKind, Side
from brokersync.ports.brokers import BrokerHttp, FetchContext, HttpAnswer
from brokersync.ports.connections import Connection
from brokersync.ports.world import Deadline
from brokersync.services.breakers import Breakers
from brokersync.services.end_run import RunReport
from brokersync.services.open_broker import SyncPorts
from brokersync.services.store_chunk import ChunkStores
from brokersync.services.sync_feed import SyncFeed
from tests.fakes import (
    FakeAccounts,
    FakeBus,
    FakeClock,
    FakeConnections,
    FakeDeadline,
    FakeErasing,
    FakeFeeds,
    FakeIds,
    FakeKnownTrades,
    FakeLedger,
    FakePortfolios,
    FakeRuns,
    FakeSnapshots,
    FakeSyncQueue,
)
from tests.fakes.breakers import FakeBreakers

Script = Callable[[FetchContext], Iterator[FetchStep]]


def an_execution(trade_id: str, **changes: object) -> Execution:
    """A fill of the test broker's only account."""
    values: dict[str, object] = {
        "broker_account_id": "001",
        "source_trade_id": trade_id,
        "symbol": "EUR_USD",
        "asset_class": AssetClass.FOREX,
        "side": Side.BUY,
        "quantity": Decimal(100),
        "price": Decimal("1.0850"),
        "currency": "USD",
        "executed_at": from_rfc3339("2026-03-02T10:00:00Z"),
    }
    return Execution(**{**values, **changes})  # type: ignore[arg-type]


def a_page(*rows: dict[str, object], section: str = "trades", at: datetime, **top: object) -> RawPage:
    """An answer of the test broker: JSON with `rows`, each the changes that make an execution."""
    body = json.dumps({"rows": rows, **top}, default=str).encode()
    return RawPage(section=section, method="GET", path="/rows", params={}, status=200, received_at=at, body=body)


@dataclass
class ScriptedBroker:
    """ports.Provider whose fetch is the test's script; its answers are JSON, and normalise really parses them.

    Rows named in `odd` are not understood; one that is `learned` by now is a trade of that id.
    """

    manifest: Manifest
    script: Script
    normalised: int = 0
    learned: frozenset[str] = frozenset()

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        yield from self.script(context)

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        self.normalised += 1
        out = Normalised()
        for page in pages:
            try:
                answer = json.loads(page.body)
            except ValueError as error:
                raise BrokerChangedError(
                    "The broker's answer is not JSON.", detail=f"{page.section}: {error}"
                ) from None
            out.missing_sections += answer.get("missing", [])
            odd = answer.get("odd", [])
            out.unmapped += [
                Unmapped(section=page.section, where=at, reason="?", broker_account_id=answer.get("of", ""))
                for at in odd
                if at not in self.learned
            ]
            out.unmapped += [
                Unmapped(section=page.section, where=at, reason="?", ledger=False) for at in answer.get("figures", [])
            ]
            out.executions += [an_execution(at) for at in odd if at in self.learned]
            out.accounts += [
                AccountInfo(broker_account_id=number, currency="USD") for number in answer.get("found", [])
            ]
            for row in answer["rows"]:
                cancels = row.get("cancels_trade_id") or row.get("cancels_trade_ref")
                cancel = {"kind": ExecutionKind.CANCEL} if cancels else {}
                amounts = {name: Decimal(row[name]) for name in ("price", "quantity") if name in row}
                out.executions.append(an_execution(row.pop("id"), **{**row, **amounts, **cancel}))
        return out

    def read_saved(self, name: str, body: bytes) -> RawPage:
        raise NotImplementedError

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        return []


class NoHttp:
    """The scripted broker has its answers already."""

    def get(self, url: str, *, params: object = None, headers: object = None) -> HttpAnswer:
        raise AssertionError("the scripted broker asks nobody")

    def for_run(self, manifest: Manifest, fingerprint: str, deadline: Deadline, stats: RunStats) -> BrokerHttp:
        return self


def a_manifest(*, overlap: timedelta = timedelta(0), scope: FetchScope = FetchScope.ACCOUNT) -> Manifest:
    return Manifest(
        slug="scripted",
        name="Scripted",
        documentation_url="",
        fetch_scope=scope,
        environments=(Environment(name="live", base_url="http://127.0.0.1"),),
        auth_fields=(),
        setup_help="",
        limit_scope=LimitScope.PROCESS,
        limits=(LimitWindow(count=100, seconds=1),),
        useful_interval_min=5,
        history_depth_days=None,
        overlap=overlap,
        perishable=False,
        unique_id="id",
        sections=("trades",),
    )


@dataclass
class World:
    """One feed, and everything around it."""

    broker: ScriptedBroker
    clock: FakeClock = field(default_factory=FakeClock)
    ids: FakeIds = field(default_factory=FakeIds)
    feeds: FakeFeeds = field(default_factory=FakeFeeds)
    queue: FakeSyncQueue = field(default_factory=FakeSyncQueue)
    bus: FakeBus = field(default_factory=FakeBus)
    snapshots: FakeSnapshots = field(default_factory=FakeSnapshots)
    connections: FakeConnections = field(default_factory=FakeConnections)
    runs: FakeRuns = field(default_factory=FakeRuns)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    portfolios: FakePortfolios = field(default_factory=FakePortfolios)
    breakers: FakeBreakers = field(default_factory=FakeBreakers)

    def __post_init__(self) -> None:
        self.ledger = FakeLedger(self.feeds)
        self.known = FakeKnownTrades()
        self.erasing = FakeErasing(self.connections)
        self.connections.create(
            Connection(
                connection_id="con_1", user_id="user", broker="scripted", environment="live", version=1, fingerprint=""
            ),
            {"token": "secret"},
        )
        self.feeds.create(
            Feed(
                feed_id="acc_1",
                user_id="user",
                connection_id="con_1",
                connection_version=1,
                broker="scripted",
                plan=Plan.PRO,
                interval_min=15,
                accounts={"001": "acc_1"} if self.broker.manifest.fetch_scope is FetchScope.ACCOUNT else {},
            )
        )
        self.ports = SyncPorts(
            stores=ChunkStores(
                feeds=self.feeds,
                accounts=self.accounts,
                portfolios=self.portfolios,
                ledger=self.ledger,
                known=self.known,
            ),
            runs=self.runs,
            snapshots=self.snapshots,
            connections=self.connections,
            erasing=self.erasing,
            catalog=self,
            breakers=Breakers(self.breakers, self.clock),
            http=NoHttp(),
            queue=self.queue,
            bus=self.bus,
            clock=self.clock,
            ids=self.ids,
            broker_endpoints={},
        )
        self.engine = SyncFeed(self.ports)

    # ports.Catalog
    def slugs(self) -> Sequence[str]:
        return ["scripted"]

    def provider(self, slug: str) -> ScriptedBroker:
        assert slug == "scripted"
        return self.broker

    @property
    def feed(self) -> Feed:
        feed = self.feeds.get("acc_1")
        assert feed is not None
        return feed

    def job(self, *, tick: int | None = None, requested_by: RequestedBy = RequestedBy.SYSTEM) -> SyncJob:
        return SyncJob(
            job_id=self.ids.new("job"),
            feed_id="acc_1",
            requested_by=requested_by,
            requested_at=self.clock.now(),
            tick=minute_of(self.clock.now()) if tick is None and requested_by is RequestedBy.SYSTEM else tick,
        )

    def sync(self, job: SyncJob | None = None, *, seconds: float = 60) -> RunReport | None:
        return self.engine.run(job or self.job(), FakeDeadline(self.clock, seconds))

    def deploy(self, *learned: str) -> None:
        """New code, in new processes, that understands these rows."""
        self.broker.learned = frozenset(learned)
        self.engine = SyncFeed(self.ports)

    def next_tick(self) -> RunReport | None:
        """The feed's next scheduled sync."""
        self.clock.advance(minutes=15)
        return self.sync()

    def trades(self) -> dict[str, Execution]:
        """What is stored, by id, in its current version."""
        found = {}
        for stored in self.ledger.newest("acc_1", limit=10_000):
            assert isinstance(stored.entry, Execution)
            found[stored.entry.source_trade_id] = stored.entry
        return found


def serving(*steps: Sequence[FetchStep] | SyncError) -> Script:
    """A script that plays one list of steps per sync; an error in place of a list is raised, the last one repeats."""
    left = list(steps)

    def script(context: FetchContext) -> Iterator[FetchStep]:
        current = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(current, SyncError):
            raise current
        yield from current

    return script


__all__ = ["Checkpoint", "ComeBack", "ScriptedBroker", "World", "a_manifest", "a_page", "an_execution", "serving"]
