"""The API over in-memory ports, and requests to it as the gateway sends them (payload 2.0)."""

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage
from brokersync.domain.feeds import Feed, Lease
from brokersync.domain.identity import user_id
from brokersync.domain.manifests import AuthField, Manifest
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy, RunStats, SectionState, SyncRun
from brokersync.domain.times import minute_of
from brokersync.domain.trades import Origin, content_hash
from brokersync.ports.accounts import TradingAccount
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Acquired
from brokersync.ports.storage import NewEntry
from brokersync.services.backfill import Backfill
from brokersync.services.change_account import ChangeAccount
from brokersync.services.connecting import Connecting
from brokersync.services.export import Export
from brokersync.services.list_brokers import ListBrokers
from brokersync.services.manual_syncs import ManualSyncs
from brokersync.services.operate import SetPlan
from brokersync.services.owe_sync import OweSync
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.own_connections import OwnConnections
from brokersync.services.read_connections import ReadConnections
from brokersync.services.read_equity import ReadEquity
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_round_trips import ReadRoundTrips
from brokersync.services.read_runs import ReadRuns
from brokersync.services.read_status import ReadStatus
from brokersync.services.read_trades import ReadTrades
from brokersync.services.request_sync import RequestSync
from brokersync.services.review import Review
from brokersync.services.schedules import Schedules
from brokersync.services.shared_limits import SharedLimits
from brokersync.telemetry import make_logger
from functions.api.page import SignIn
from functions.api.resolver import Services, create_app
from tests.fakes import (
    FakeAccounts,
    FakeClock,
    FakeConnections,
    FakeFeeds,
    FakeIds,
    FakeLedger,
    FakePortfolios,
    FakeRuns,
    FakeSyncQueue,
    FakeUsers,
)
from tests.fakes.breakers import FakeBreakers
from tests.fakes.kept_for_users import FakeExports, FakeRepeats
from tests.fakes.limits import FakeLimitLedger
from tests.fakes.time_and_chance import START
from tests.unit.services.world import a_manifest, an_execution

ISSUER = "https://issuer.test"
SIGN_IN = SignIn(issuer=ISSUER, client_id="page", scope="openid")
REQUEST_ID = "5f0c2b1e-8b0a-4a58-9b5c-0d6b6a1f2c3d"
SAMPLE_EVENT = Path(__file__).parents[3] / "events" / "http_get_sync_status.json"
BROKERS = ("ibkr_flex", "oanda")
NEWS_NOTE = "Statements are made once a day, after the close."


@dataclass
class Context:
    """Lambda's context, as far as it is looked at."""

    function_name: str = "api"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:api:live"
    aws_request_id: str = REQUEST_ID

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


@dataclass(frozen=True)
class Answer:
    """What the API answered; `body` is decoded text."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self):
        return json.loads(self.body)


def event(
    method: str,
    path: str,
    *,
    subject: str | None = "alice",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    scope: str = "",
) -> dict[str, object]:
    """The sample event with another request in it; `subject` None is one without a verified token."""
    request = json.loads(SAMPLE_EVENT.read_text())
    context = request["requestContext"]
    request |= {"rawPath": path, "rawQueryString": urlencode(query or {}), "routeKey": f"{method} {path}"}
    request["headers"] |= headers or {}
    if body is not None:
        request["headers"] |= {"content-type": "application/json"}
        request["body"] = body if isinstance(body, str) else json.dumps(body)
    context["http"] |= {"method": method, "path": path}
    context["routeKey"] = request["routeKey"]
    if query:
        request["queryStringParameters"] = dict(query)
    if subject:
        context["authorizer"]["jwt"]["claims"] |= {"iss": ISSUER, "sub": subject, "scope": scope}
    else:
        del context["authorizer"]
    return request


def answer_of(response: Mapping[str, object]) -> Answer:
    """The answer in what the handler returned."""
    body = str(response["body"] or "")
    headers = {name.lower(): value for name, value in response["headers"].items()}
    if response["isBase64Encoded"]:
        raw = base64.b64decode(body)
        body = (gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw).decode()
    return Answer(status=response["statusCode"], headers=headers, body=body)


class OneBroker:
    """ports.Manifests with the facts of one made-up broker."""

    def manifest(self, slug: str) -> Manifest:
        if slug != "acme":
            raise ValueError(f"broker: {slug!r} is not one of acme")
        token = AuthField(name="token", label="Token", help="From Acme's site.")
        return replace(a_manifest(), slug="acme", name="Acme Markets", news_note=NEWS_NOTE, auth_fields=(token,))


@dataclass
class ApiWorld:
    """The API, and what it reads and writes. Everything is `alice`'s unless said otherwise."""

    clock: FakeClock = field(default_factory=FakeClock)
    ids: FakeIds = field(default_factory=FakeIds)
    feeds: FakeFeeds = field(default_factory=FakeFeeds)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    portfolios: FakePortfolios = field(default_factory=FakePortfolios)
    runs: FakeRuns = field(default_factory=FakeRuns)
    queue: FakeSyncQueue = field(default_factory=FakeSyncQueue)
    connections: FakeConnections = field(default_factory=FakeConnections)
    users: FakeUsers = field(default_factory=FakeUsers)
    limits: FakeLimitLedger = field(default_factory=FakeLimitLedger)
    breakers: FakeBreakers = field(default_factory=FakeBreakers)
    repeats: FakeRepeats = field(default_factory=FakeRepeats)

    def __post_init__(self) -> None:
        self.ledger, self.exports = FakeLedger(self.feeds), FakeExports(self.clock)
        self.own = OwnAccounts(self.accounts, self.feeds)
        read_status = ReadStatus(self.own, OneBroker(), self.clock)
        read_round_trips = ReadRoundTrips(self.own, self.ledger)
        limit = ManualSyncs(SharedLimits(self.limits, in_blocks=False, ahead=timedelta(0)), self.clock)
        owe = OweSync(self.feeds, self.queue, self.ids, self.clock)
        request_sync = RequestSync(self.own, owe, limit, self.clock)
        self.services = Services(
            read_status=read_status,
            read_portfolio=ReadPortfolio(self.own, self.portfolios),
            read_equity=ReadEquity(self.own, self.portfolios),
            read_runs=ReadRuns(self.own, self.runs),
            read_trades=ReadTrades(self.own, self.ledger),
            read_round_trips=read_round_trips,
            export=Export(self.own, self.ledger, read_round_trips, self.exports, self.ids, self.clock),
            request_sync=request_sync,
            review=Review(self.own, self.feeds, request_sync, owe, self.clock),
            backfill=Backfill(self.own, self.feeds, owe, OneBroker(), self.ids, self.clock),
            change_account=ChangeAccount(self.own, Schedules(self.feeds, OneBroker()), self.accounts),
            list_brokers=ListBrokers(BROKERS, BrokerCatalog(), self.breakers, self.clock),
            connecting=Connecting(
                connections=self.connections,
                records=self.connections,
                feeds=self.feeds,
                accounts=self.accounts,
                queue=self.queue,
                manifests=OneBroker(),
                plans=self.users,
                clock=self.clock,
                ids=self.ids,
            ),
            read_connections=ReadConnections(OwnConnections(self.connections, self.feeds), read_status),
            users=self.users,
            manual_syncs=limit,
            set_plan=SetPlan(self.users, self.feeds, OneBroker()),
            repeats=lambda: self.repeats,
            clock=self.clock,
        )
        self.app = create_app(self.services, "test", SIGN_IN, make_logger("api"))

    def request(self, method: str, path: str, **parts) -> Answer:
        return answer_of(self.app.resolve(event(method, path, **parts), Context()))

    def get(self, path: str, **parts) -> Answer:
        return self.request("GET", path, **parts)

    def post(self, path: str, **parts) -> Answer:
        return self.request("POST", path, **parts)

    def patch(self, path: str, **parts) -> Answer:
        return self.request("PATCH", path, **parts)

    def put(self, path: str, **parts) -> Answer:
        return self.request("PUT", path, **parts)

    def delete(self, path: str, **parts) -> Answer:
        return self.request("DELETE", path, **parts)

    def connect(self, connection_id: str = "con_1", *, subject: str = "alice") -> Connection:
        """A connection whose feeds a test adds."""
        return self.connections.create(
            Connection(
                connection_id=connection_id,
                user_id=user_id(ISSUER, subject),
                broker="acme",
                environment="live",
                version=1,
                fingerprint="",
            ),
            {"token": f"secret of {subject}"},
        )

    def add(self, account_id: str = "acc_1", *, subject: str = "alice", **changes: object) -> Feed:
        """A feed of one account, synced a minute ago unless `changes` say otherwise."""
        feed = replace(a_feed(account_id, self.clock.now(), subject), **changes)
        self.feeds.create(feed)
        self.accounts.ensure(an_account(account_id, feed))
        return feed

    def hold(self, feed_id: str, job_id: str = "job_running") -> Lease:
        """A worker takes the feed for a scheduled job."""
        now = self.clock.now()
        job = SyncJob(
            job_id=job_id, feed_id=feed_id, requested_by=RequestedBy.SYSTEM, requested_at=now, tick=minute_of(now)
        )
        acquired = self.feeds.acquire(feed_id, token="t", run_id="run_held", job=job, now=now)
        assert isinstance(acquired, Acquired)
        return acquired.lease

    def trade(self, account_id: str, trade_id: str, **changes: object) -> None:
        """A trade is stored, by a worker of its own."""
        feed = self.feeds.get(account_id)
        trade = an_execution(trade_id, **changes)
        new = NewEntry(
            account_id=account_id,
            entry=trade,
            content_hash=content_hash(trade),
            origin=Origin(run_id="run_1", snapshot_key="snapshots/30d/acc_1/run_1/0001.json.gz"),
        )
        lease = replace(A_LEASE, feed_id=account_id, epoch=feed.epoch)
        self.ledger.insert(lease, [new], None)


def a_feed(feed_id: str, now: datetime, subject: str = "alice") -> Feed:
    """A healthy feed of one account."""
    return Feed(
        feed_id=feed_id,
        user_id=user_id(ISSUER, subject),
        connection_id="con_1",
        connection_version=1,
        broker="acme",
        plan=Plan.PRO,
        interval_min=15,
        accounts={"001-SECRET-4711": feed_id},
        outcome=Outcome.SUCCEEDED,
        coverage=Coverage(start=now - timedelta(days=30), end=now - timedelta(minutes=1)),
        last_attempted_at=now - timedelta(minutes=1),
        last_successful_at=now - timedelta(minutes=1),
    )


def an_account(account_id: str, feed: Feed) -> TradingAccount:
    """An account of a feed. Its full number must never leave the API."""
    return TradingAccount(
        account_id=account_id,
        user_id=feed.user_id,
        feed_id=feed.feed_id,
        connection_id=feed.connection_id,
        broker=feed.broker,
        broker_account_id="001-SECRET-4711",
        masked_number="...4711",
        name="Day trading",
        currency="EUR",
        environment="live",
    )


def a_run(run_id: str, feed_id: str = "acc_1", **changes: object) -> SyncRun:
    """A run that stored one trade."""
    run = SyncRun(
        feed_id=feed_id,
        run_id=run_id,
        job_id="job_1",
        requested_by=RequestedBy.SYSTEM,
        started_at=START,
        finished_at=START + timedelta(seconds=2),
        outcome=Outcome.SUCCEEDED,
        stats=RunStats(fetched=1, inserted=1, requests=2),
        sections={"trades": SectionState.STORED},
        snapshot_keys=("snapshots/long/acc_1/run_1/0001.json.gz",),
    )
    return replace(run, **changes)


A_LEASE = Lease(
    feed_id="acc_1",
    token="t",
    epoch=0,
    until=START + timedelta(minutes=1),
    run_id="run_1",
    job_id="job_1",
    started_at=START,
    requested_by=RequestedBy.SYSTEM,
)
