"""A batch: side by side, a poison alone, and only what failed comes back (I7)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime
from threading import Barrier, get_ident

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.runs import RequestedBy
from brokersync.ports.world import Deadline
from brokersync.services.end_run import RunReport
from brokersync.services.sync_batch import JobMessage, SyncBatch
from tests.fakes import FakeClock, FakeDeadline

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


class Feeds:
    """A sync whose behaviour is the feed's name: `bad...` raises, `meet...` waits for the others of its kind."""

    def __init__(self, meeting: int = 1) -> None:
        self.barrier = Barrier(meeting, timeout=10)
        self.order: list[str] = []
        self.threads: set[int] = set()

    def run(self, job: SyncJob, deadline: Deadline) -> RunReport | None:
        self.threads.add(get_ident())
        if job.feed_id.startswith("meet"):
            self.barrier.wait()
        if job.feed_id.startswith("bad"):
            raise ConnectionError("the table can't be reached")
        self.order.append(job.feed_id)
        return None


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(10) as pool:
        yield pool


def message(feed_id: str, received: int = 1) -> JobMessage:
    job = SyncJob(job_id=f"job of {feed_id}", feed_id=feed_id, requested_by=RequestedBy.SYSTEM, requested_at=AT, tick=1)
    return JobMessage(message_id=f"m-{feed_id}", body=job.model_dump_json(), received=received)


def run(feeds: Feeds, executor: ThreadPoolExecutor, *messages: JobMessage, seconds: float = 60) -> list[str]:
    batch = SyncBatch(feeds, executor, lambda job: nullcontext())  # type: ignore[arg-type]
    return list(batch.run(messages, FakeDeadline(FakeClock(), seconds)).failed_message_ids)


def test_a_batch_runs_side_by_side(executor: ThreadPoolExecutor) -> None:
    # Given ten jobs none of which ends before all have begun, Then they all end
    feeds = Feeds(meeting=10)
    assert run(feeds, executor, *[message(f"meet{n}") for n in range(10)]) == []
    assert len(feeds.threads) == 10


def test_i7_a_poison_fails_alone(executor: ThreadPoolExecutor) -> None:
    feeds = Feeds()
    assert run(feeds, executor, message("a"), message("bad"), message("b")) == ["m-bad"]
    assert sorted(feeds.order) == ["a", "b"]


def test_i7_a_message_that_failed_before_runs_after_the_others(executor: ThreadPoolExecutor) -> None:
    feeds = Feeds()
    run(feeds, executor, message("again", received=2), message("first"))
    assert feeds.order == ["first", "again"]


def test_i7_without_time_left_a_failed_message_goes_back_and_the_others_are_done(executor: ThreadPoolExecutor) -> None:
    feeds = Feeds()
    assert run(feeds, executor, message("again", received=3), message("first"), seconds=10) == ["m-again"]
    assert feeds.order == ["first"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("not json", "Invalid JSON"),
        ("{}", "job_id: Field required"),
        ('{"version": 2}', "version: Input should be 1"),
        ('{"extra": 1}', "extra: Extra inputs are not permitted"),
    ],
)
def test_i10_a_message_that_nobody_can_read_is_named_with_its_problem_and_fails_alone(
    executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture, body: str, problem: str
) -> None:
    feeds = Feeds()
    unreadable = JobMessage(message_id="m-x", body=body, received=1)
    assert run(feeds, executor, unreadable, message("a")) == ["m-x"]
    assert feeds.order == ["a"]
    assert problem in next(record.problems for record in caplog.records if record.message == "message_unreadable")  # type: ignore[attr-defined]
