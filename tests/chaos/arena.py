"""Feeds over a deployed stack's tables, where no message moves unless the test delivers it, at a time that it says."""

import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.scheduler import DynamoScheduler
from brokersync.aws.session import AwsSession
from brokersync.aws.users import DynamoUsers
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Feed
from brokersync.domain.manifests import Manifest
from brokersync.domain.plans import Plan
from brokersync.domain.runs import RequestedBy, SyncRun
from brokersync.domain.times import minute_of
from brokersync.domain.trades import LedgerEntry
from brokersync.ports.dispatching import Position
from brokersync.ports.messages import SyncQueue
from brokersync.runtime import RandomIds
from brokersync.services.dispatch_due import DispatchDue
from brokersync.services.owe_sync import OweSync, RequestedSync
from local.commands.connect import connect, manifest_of
from local.commands.stack import Stack
from local.simulators.control import Control
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.truth import AccountTruth, differences
from local.stack.laptop import Laptop
from tests.e2e.stored import Stored

LAST_SECOND = 50
INTERVAL = 5  # minutes between two scheduled syncs, the shortest there is


class Clock:
    """The real clock, as many seconds ahead as the test has let pass."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


class Minute:
    """An invocation that has a minute left, always."""

    def seconds_left(self) -> float:
        return 60.0


@dataclass(frozen=True, slots=True)
class Trader:
    """Somebody with one connection and its one feed."""

    user_id: str
    feed_id: str


@dataclass(frozen=True, slots=True)
class OandaTrader(Trader):
    """Somebody with one account at OANDA."""

    spec: AccountSpec

    @property
    def account_id(self) -> str:
        """Ours; a feed of one account has the account's id."""
        return self.feed_id


class Arena:
    """Connects traders, moves the clock, dispatches, and compares what is stored with what the broker holds."""

    def __init__(
        self, laptop: Laptop, clock: Clock, world: World, control: Control, endpoints: Mapping[str, str]
    ) -> None:
        self.clock, self.world, self.control = clock, world, control
        self._endpoints = endpoints
        self.stack = Stack(laptop.deployed.name, {})
        self.stored = Stored(self.stack)
        self._queue_urls = self.stack.outputs["SyncJobsQueueUrl"], self.stack.outputs["SyncBackfillQueueUrl"]
        self.laptop = laptop
        self._dynamodb = laptop.emulator.session.client("dynamodb", endpoint_url=laptop.emulator.endpoint)
        self._numbers = iter(range(1, 1_000))
        # A dispatcher that never ran looks at every key of the wheel, for seconds.
        self.scheduler = DynamoScheduler(self.stack.session)
        self.scheduler.move(Position(done_minute=minute_of(self.clock.now())))

    def worker_environment(self, credentials: Mapping[str, str]) -> Mapping[str, str]:
        """What the sync function gets, with the brokers of this arena; `credentials` are its role's."""
        emulator = self.laptop.emulator
        function = self.laptop.deployed.resources["SyncFunction"]
        client = emulator.session.client("lambda", endpoint_url=emulator.endpoint)
        variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        brokers = {"BROKER_ENDPOINTS": json.dumps(dict(self._endpoints))}
        return {**variables, **emulator.environment, **credentials, **brokers}

    # --- what happens -----------------------------------------------------------------------------------------------

    def connect(self, count: int, *, executions: int = 20) -> Sequence[OandaTrader]:
        """New traders with an account at OANDA each; the messages for their first syncs are lost."""
        traders = []
        for _ in range(count):
            number = next(self._numbers)
            spec = AccountSpec(
                account=f"101-004-{number:07d}-001",
                token=f"chaos-token-{number}",
                seed=number,
                executions=executions,
                days=3,
            )
            self.world.open_account(spec)
            one = self.connect_to(manifest_of("oanda"), "practice", {"token": spec.token}, [spec.account])
            traders.append(OandaTrader(one.user_id, one.feed_id, spec))
        return traders

    def connect_to(
        self, manifest: Manifest, environment: str, credentials: Mapping[str, str], numbers: Sequence[str]
    ) -> Trader:
        """A new trader with these credentials; the message for the first sync is lost."""
        user_id = f"user-{uuid.uuid4().hex[:8]}"
        DynamoUsers(self.stack.session).set_plan(user_id, Plan.ELITE)
        (feed,) = connect(
            self.stack,
            manifest,
            user_id=user_id,
            environment=environment,
            credentials=credentials,
            broker_account_ids=numbers,
            interval_min=INTERVAL,
        )
        self.lose_messages()
        return Trader(user_id, feed.feed_id)

    def pass_minutes(self, minutes: float) -> None:
        """Let time pass."""
        self.clock.ahead += minutes * 60

    def dispatcher(
        self, seed: int = 7, session: AwsSession | None = None, queue: SyncQueue | None = None
    ) -> DispatchDue:
        """A dispatcher of its own, at the arena's time; `queue` takes the place of the stack's."""
        own = session or self.stack.session
        return DispatchDue(
            sessions={},
            scheduler=DynamoScheduler(own),
            feeds=type(self.stack.feeds)(own),
            queue=queue or SqsSyncQueue(own, *self._queue_urls),
            clock=self.clock,
            ids=RandomIds(),
            rng=random.Random(seed),
        )

    def tick_after(self, minutes: float, traders: Sequence[Trader]) -> list[SyncJob]:
        """Let time pass, of which the schedule missed nothing before, and tick; returns the traders' messages."""
        if (second := self.clock.now().second) > LAST_SECOND:
            self.clock.ahead += 60 - second  # all of this has to be in one minute
        state = self.scheduler.state()
        assert state.position is not None
        self.scheduler.move(replace(state.position, done_minute=minute_of(self.clock.now()), target_minute=0))
        self.pass_minutes(minutes)
        self.dispatcher().run(Minute())
        return self.take_messages(traders)

    def due_job(self, trader: Trader) -> SyncJob:
        """A job for the trader as the tick of this minute would send it if the feed were due now."""
        now = self.clock.now()
        return SyncJob(
            job_id=RandomIds().new("job"),
            feed_id=trader.feed_id,
            requested_by=RequestedBy.SYSTEM,
            requested_at=now,
            tick=minute_of(now),
        )

    def owed_job(self, trader: Trader) -> SyncJob | None:
        """The message that wakes what is owed to the trader, when its time has come: until then time passes."""
        wanted = self.feed(trader).wanted
        if wanted is None:
            return None
        self.clock.sleep(max(0.0, (wanted.not_before - self.clock.now()).total_seconds() + 1))
        return SyncJob(
            job_id=wanted.job_id, feed_id=trader.feed_id, requested_by=wanted.kind, requested_at=self.clock.now()
        )

    def ask(self, trader: OandaTrader) -> RequestedSync:
        """The trader presses the button."""
        service = OweSync(self.stack.feeds, self.stack.queue, RandomIds(), self.clock)
        return service.run(self.feed(trader), trader.account_id)

    def switch_auto_sync_off(self, trader: Trader) -> None:
        """What the trader's settings do: the feed leaves the wheel until something is owed to it."""
        self._dynamodb.update_item(
            TableName=f"{self.stack.outputs['TablePrefix']}feeds",
            Key={"feed_id": {"S": trader.feed_id}},
            UpdateExpression="SET sync = :off REMOVE wheel_slot",
            ExpressionAttributeValues={":off": {"BOOL": False}},
        )

    def take_messages(self, traders: Sequence[Trader]) -> list[SyncJob]:
        """The traders' jobs that wait in the queues now; delayed ones stay, those of other traders are lost."""
        mine = {trader.feed_id for trader in traders}
        sqs, jobs = self.stack.session.client("sqs"), []
        for url in self._queue_urls:
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get(
                "Messages"
            ):
                for message in messages:
                    jobs.append(SyncJob.model_validate_json(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [job for job in jobs if job.feed_id in mine]

    def lose_messages(self) -> None:
        """Whatever was sent never arrives, what waits for its delay included."""
        for url in self._queue_urls:
            self.stack.session.client("sqs").purge_queue(QueueUrl=url)

    # --- what is stored ---------------------------------------------------------------------------------------------

    def feed(self, trader: Trader) -> Feed:
        """The feed as it is."""
        return self.stored.feed(trader.feed_id)

    def items(self, trader: Trader) -> Mapping[str, Sequence[Any]]:
        """Every item of the trader's, as DynamoDB holds it, by table; the run rows are left out."""
        feed = self.feed(trader)
        keys = [("feeds", "feed_id", feed.feed_id), ("known_trades", "feed_id", feed.feed_id)]
        keys.append(("connections", "connection_id", feed.connection_id))
        for account_id in feed.accounts.values():
            keys += [(table, "account_id", account_id) for table in ("accounts", "portfolios", "trades", "cash_events")]
        found: dict[str, list[Any]] = {}
        for table, name, value in keys:
            found.setdefault(table, []).extend(self._query(table, name, value))
        return found

    def _query(self, table: str, name: str, value: str) -> Sequence[Any]:
        answer = self._dynamodb.query(
            TableName=f"{self.stack.outputs['TablePrefix']}{table}",
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": name},
            ExpressionAttributeValues={":value": {"S": value}},
            ConsistentRead=True,
        )
        assert "LastEvaluatedKey" not in answer, "more than a page: ask for fewer entries"
        return answer["Items"]

    def runs(self, trader: Trader) -> Sequence[SyncRun]:
        """All run rows, oldest first."""
        return self.stored.runs(trader.feed_id)

    def entries(self, trader: OandaTrader) -> Sequence[LedgerEntry]:
        """Everything in the ledger."""
        return self.stored.entries(trader.account_id)

    def problems(self, trader: OandaTrader) -> Iterator[str]:
        """Where trades, cash, cursor or balance differ from the broker's own books, or something is left undone."""
        truth: Any = self.world.truth({"account": trader.spec.account})
        (account,) = truth["accounts"]
        true = AccountTruth.model_validate(account).by_id()
        feed, balance = self.feed(trader), self.stored.portfolio(trader.account_id).balance
        found = [*differences(true, self.entries(trader), complete=True)]
        if feed.cursor != account["last_transaction_id"]:
            found.append(f"the cursor is {feed.cursor}, the last transaction {account['last_transaction_id']}")
        if balance is None or balance.balance != Decimal(account["balance"]):
            found.append(f"the balance is {balance and balance.balance}, truly {account['balance']}")
        if feed.lease is not None or feed.wanted is not None or feed.announce or feed.news:
            found.append(f"left undone: {feed.lease=} {feed.wanted=} {feed.announce=} {feed.news=}")
        return (f"{trader.spec.account}: {problem}" for problem in found)
