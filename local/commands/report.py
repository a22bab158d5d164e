"""What an operator is shown of a running stack: how the accounts stand, and what has failed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.feeds import Feed
from brokersync.domain.loads import Load
from brokersync.domain.runs import Outcome
from brokersync.domain.status import AccountStatus, SyncStatus, derive
from brokersync.domain.times import minute_of
from brokersync.ports.dispatching import Scheduler
from brokersync.ports.reading import RunsReader
from brokersync.runtime import SystemClock
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.read_status import AccountState, ReadStatus
from local.commands.dead_letters import DeadLetter, JobQueue, look
from local.commands.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The stack as a whole. `behind` is minutes that the dispatcher has not dispatched; None: it never ran."""

    behind: int | None
    paused: Sequence[str]
    waiting: dict[JobQueue, int]
    dead: dict[JobQueue, int]
    feeds: Counter[AccountStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A feed that failed, the job of its last run, and how many dead letters there are of it."""

    feed: Feed
    status: SyncStatus
    job_id: str
    dead: int


def overview(stack: Stack, scheduler: Scheduler) -> Overview:
    """Dispatcher, queues and all feeds by status. Reads the whole table of feeds."""
    now = datetime.now(UTC)
    state = scheduler.state()
    return Overview(
        behind=max(0, minute_of(now) - state.position.done_minute) if state.position else None,
        paused=sorted(state.paused),
        waiting={queue: _count(stack, queue.outputs[0]) for queue in JobQueue},
        dead={queue: _count(stack, queue.outputs[1]) for queue in JobQueue},
        feeds=Counter(derive(feed, now).status for feed in stack.feeds.all()),
    )


def accounts(stack: Stack, user_id: str) -> Sequence[AccountState]:
    """A trader's accounts, each with what the trader is told."""
    own = OwnAccounts(stack.accounts, stack.feeds)
    return ReadStatus(own, BrokerCatalog(), SystemClock()).all(user_id).accounts


def failures(stack: Stack, runs: RunsReader, letters: Sequence[DeadLetter]) -> Sequence[Failure]:
    """Feeds whose last run failed, and those with a dead letter. Reads the whole table of feeds."""
    now = datetime.now(UTC)
    dead = Counter(letter.job.feed_id for letter in letters if letter.job)
    failed = []
    for feed in stack.feeds.all():
        if feed.outcome is Outcome.FAILED or feed.feed_id in dead:
            job_id = next((run.job_id for run in runs.newest(feed.feed_id, limit=1)), "")
            failed.append(Failure(feed=feed, status=derive(feed, now), job_id=job_id, dead=dead[feed.feed_id]))
    return failed


def dead_letters(stack: Stack) -> Sequence[DeadLetter]:
    """What lies in both queues' dead-letter queues."""
    sqs = stack.session.client("sqs")
    return [letter for queue in JobQueue for letter in look(sqs, stack.outputs[queue.outputs[1]])]


def _count(stack: Stack, output: str) -> int:
    attributes = stack.session.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs[output], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def told_load(load: Load | None) -> str:
    """How far a long load is; empty when none goes on."""
    if load is None:
        return ""
    reached = f"until {load.reached:%Y-%m-%d}, " if load.reached else ""
    return f"Loading history ({load.kind.value}): {reached}{load.chunks} chunks, {load.trades} new trades"
