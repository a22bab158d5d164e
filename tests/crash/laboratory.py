"""One feed's life on the laptop's AWS, with a worker that can be ended at any call, and what is left at the end."""

import json
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.scheduler import DynamoScheduler
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Feed
from brokersync.domain.runs import RequestedBy
from local.commands.connect import connect, manifest_of
from local.commands.stack import Stack
from local.stack.laptop import Laptop
from tests.crash.faults import DEAD, Fault

REDELIVERY = 400.0  # seconds: past the queue's visibility timeout, so past the lease too
PAUSE = 30.0  # seconds between a delivery and the next one that is owed
VOLATILE = {"run_id", "snapshot_key", "as_of", "balance_run_id", "positions_run_id"}
MAX_DELIVERIES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What one play connects: credentials, and the accounts that are named with them (none: the broker lists them)."""

    credentials: Mapping[str, str]
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to connect, and where its worker is hit: at a call of its n-th delivery.

    `endpoint` is where the broker answers. `login` makes that of one play, all of them with the same books: plays that
    shared one would share their broker's limit too. `lasting` takes from a cursor what says when it was written.
    """

    broker: str
    environment: str
    endpoint: str
    login: Callable[[], Login]
    lasting: Callable[[str], str] = str
    delivery: int = -1
    fault: Fault | None = None


@dataclass(slots=True, kw_only=True)
class EndState:
    """What is stored when nothing is owed any more, without what differs from run to run by nature."""

    trades: list[str]
    cash_events: list[str]
    portfolios: list[str]
    cursor: str
    lease_free: bool
    nothing_owed: bool
    status: tuple[str, str]
    events: list[str]
    calls: list[list[str]] = field(default_factory=list)
    run_rows: list[dict[str, Any]] = field(default_factory=list)

    def compared(self) -> dict[str, object]:
        """The part that has to be the same however often workers died."""
        return {
            name: getattr(self, name)
            for name in (
                "trades",
                "cash_events",
                "portfolios",
                "cursor",
                "lease_free",
                "nothing_owed",
                "status",
                "events",
            )
        }


class _OwnQueue(Stack):
    """The stack, but for its queues: nothing but the laboratory's worker may take the jobs of its feeds."""

    def __init__(self, name: str, queue_url: str) -> None:
        super().__init__(name, {})
        self._queue_url = queue_url

    @cached_property
    def queue(self) -> SqsSyncQueue:
        return SqsSyncQueue(self.session, self._queue_url, self._queue_url)


class Laboratory:
    """Plays scenarios. Nothing but its own worker touches its feeds: the stack's schedule is paused."""

    def __init__(self, laptop: Laptop) -> None:
        self._laptop = laptop
        self._lock = threading.Lock()
        self._heard: dict[str, dict[str, str]] = defaultdict(dict)
        session, endpoint = laptop.emulator.session, laptop.emulator.endpoint
        self._dynamodb = session.client("dynamodb", endpoint_url=endpoint)
        self._sqs = session.client("sqs", endpoint_url=endpoint)
        self._own_queue = self._sqs.create_queue(QueueName=f"crash-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        self._stack = _OwnQueue(laptop.deployed.name, self._own_queue)
        DynamoScheduler(self._stack.session).pause("*")
        self._events = self._listen(session.client("events", endpoint_url=endpoint))
        function = laptop.deployed.resources["SyncFunction"]
        configured = session.client("lambda", endpoint_url=endpoint).get_function_configuration(FunctionName=function)
        self._environment = {
            **configured["Environment"]["Variables"],
            **laptop.emulator.environment,
            "SYNC_QUEUE_URL": self._own_queue,
            "BACKFILL_QUEUE_URL": self._own_queue,
        }
        self._prefix = self._environment["TABLE_PREFIX"]

    @contextmanager
    def worker(self, scenario: Scenario) -> Iterator[subprocess.Popen[str]]:
        """A process that forks one worker per delivery, after a rehearsal of the scenario."""
        brokers = {f"{scenario.broker}:{scenario.environment}": scenario.endpoint}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the log lines of some hundred syncs
            text=True,
            env={
                **self._environment,
                "BROKER_ENDPOINTS": json.dumps(brokers),
                "PYTHONPATH": ".:shared",
                "PATH": "/usr/bin:/bin",
            },
        )
        try:
            self.play(scenario, process, rehearsal=True)
            yield process
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(30)
            process.stdout.close()

    def play(self, scenario: Scenario, worker: subprocess.Popen[str], *, rehearsal: bool = False) -> EndState:
        """Connect, and deliver messages until nothing is owed; the scenario's fault hits one of them."""
        login = scenario.login()
        feed = self._connect(scenario, login)
        assert feed.wanted is not None
        job = _job(feed.feed_id, feed.wanted.job_id)
        ahead, received = 0.0, 1
        calls: list[list[str]] = []
        for number in range(MAX_DELIVERIES):
            fault = scenario.fault if number == scenario.delivery else None
            answer = _deliver(worker, job, ahead, received, fault, rehearsal=rehearsal)
            calls.append(answer.get("calls", []))
            if answer["status"] == DEAD or answer.get("failed"):
                ahead, received = ahead + REDELIVERY, received + 1
                continue
            assert answer["status"] == 0, answer
            feed = self._feed(feed.feed_id)
            if feed.wanted is None:
                break
            # The message that wakes owed work, or the tick that comes in its place; late enough for any permit.
            wait = (feed.wanted.not_before - datetime.now(UTC)).total_seconds() + 1
            ahead, received, job = max(ahead + PAUSE, wait), 1, _job(feed.feed_id, feed.wanted.job_id)
        end = self._end_state(self._feed(feed.feed_id), calls)
        return replace(end, cursor=scenario.lasting(end.cursor))

    def _connect(self, scenario: Scenario, login: Login) -> Feed:
        (feed,) = connect(
            self._stack,
            manifest_of(scenario.broker),
            user_id=f"user-{uuid.uuid4().hex[:8]}",
            environment=scenario.environment,
            credentials=login.credentials,
            broker_account_ids=login.accounts,
            interval_min=None,
        )
        return feed

    def _feed(self, feed_id: str) -> Feed:
        feed = self._stack.feeds.get(feed_id)
        assert feed is not None
        return feed

    def _end_state(self, feed: Feed, calls: list[list[str]]) -> EndState:
        accounts = [feed.accounts[number] for number in sorted(feed.accounts)]
        return EndState(
            trades=self._items("trades", accounts),
            cash_events=self._items("cash_events", accounts),
            portfolios=self._items("portfolios", accounts),
            cursor=feed.cursor,
            lease_free=feed.lease is None,
            nothing_owed=feed.wanted is None and not feed.announce and not feed.news,
            status=(str(feed.outcome), str(feed.error_code)),
            events=self._take_events(feed.feed_id),
            calls=calls,
            run_rows=[_plain(item) for item in self._query("sync_runs", "feed_id", feed.feed_id)],
        )

    def _items(self, table: str, accounts: list[str]) -> list[str]:
        return sorted(
            json.dumps({**_lasting(item), "account_id": number}, sort_keys=True, default=str)
            for number, account in enumerate(accounts)
            for item in self._query(table, "account_id", account)
        )

    def _query(self, table: str, key: str, value: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=f"{self._prefix}{table}",
            KeyConditionExpression="#k = :v",
            ExpressionAttributeNames={"#k": key},
            ExpressionAttributeValues={":v": {"S": value}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]

    def _listen(self, events: Any) -> str:
        queue: str = self._sqs.create_queue(QueueName=f"crash-events-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = self._laptop.deployed.outputs["EventBusName"]
        events.put_rule(Name="crash", EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": "brokersync"}]}))
        events.put_targets(Rule="crash", EventBusName=bus, Targets=[{"Id": "crash", "Arn": arn}])
        return queue

    def _take_events(self, feed_id: str) -> list[str]:
        """The events of a feed, each once: whoever acts on them knows a repeated one by its id."""
        with self._lock:
            while messages := self._sqs.receive_message(QueueUrl=self._events, MaxNumberOfMessages=10).get("Messages"):
                for message in messages:
                    event = json.loads(message["Body"])
                    detail = event["detail"]
                    kind = f"{event['detail-type']} {detail.get('new_entries', '')}"
                    self._heard[detail["feed_id"]][detail["event_id"]] = kind
                    self._sqs.delete_message(QueueUrl=self._events, ReceiptHandle=message["ReceiptHandle"])
            return sorted(self._heard[feed_id].values())


def _deliver(
    worker: subprocess.Popen[str], job: SyncJob, ahead: float, received: int, fault: Fault | None, *, rehearsal: bool
) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    request = {
        "body": job.model_dump_json(),
        "ahead": ahead,
        "received": received,
        "rehearsal": rehearsal,
        "fault": {"call": fault.call, "when": fault.when.value} if fault else None,
    }
    worker.stdin.write(json.dumps(request) + "\n")
    worker.stdin.flush()
    answer: dict[str, Any] = json.loads(worker.stdout.readline())
    return answer


def _job(feed_id: str, job_id: str) -> SyncJob:
    return SyncJob(job_id=job_id, feed_id=feed_id, requested_by=RequestedBy.CONNECT, requested_at=datetime.now(UTC))


def _lasting(value: Any) -> Any:
    """An item without what says when and by which run it was stored."""
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in VOLATILE}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


def _plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item without its type tags; maps keep theirs."""
    return {name: next(iter(value.values())) for name, value in item.items()}
