"""Any history of a feed: memory and DynamoDB tell the same story, and it keeps its promises (I4, I11)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import Announcement, Feed, Wanted
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.ports.feeds import Acquired
from tests.contract import made
from tests.contract.conftest import World, dynamo_world, fake_world

STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 74, 75, 76, 300])),
    st.tuples(st.just("acquire"), st.sampled_from("abc"), st.sampled_from([None, -1, 0, 1])),
    st.tuples(st.just("want"), st.sampled_from(list(RequestedBy)), st.sampled_from([0, 60, 300])),
    st.tuples(st.just("finish"), st.integers(0, 2), st.sampled_from([None, 0, 60]), st.booleans()),
    st.tuples(st.just("cursor"), st.integers(0, 2)),
    st.tuples(st.just("insert"), st.integers(0, 2), st.sampled_from(["1", "2", "3"])),
    st.tuples(st.just("reschedule"), st.sampled_from([5, 15, 60])),
    st.tuples(st.just("announced"), st.booleans()),
)
FEED_NUMBERS = count()


class Story:
    """One feed in one world, and the workers who think that they hold it."""

    def __init__(self, world: World, feed_id: str) -> None:
        self.world = world
        self.feed_id = feed_id
        self.now: datetime = made.NOW
        self.held: list[Acquired] = []
        world.feeds.create(made.feed(feed_id))

    @property
    def feed(self) -> Feed:
        return self.world.feeds.get(self.feed_id)

    def step(self, number: int, name: str, *details: object) -> object:
        """Take a step; returns what its caller is told."""
        try:
            return getattr(self, f"_{name}")(number, *details)
        except LeaseLostError:
            return LeaseLostError

    def _wait(self, _: int, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _acquire(self, number: int, worker: str, tick: int | None) -> object:
        message = made.job(None if tick is None else made.TICK + tick, self.feed_id)
        job = message.model_copy(update={"job_id": f"job_{number}"})
        got = self.world.feeds.acquire(self.feed_id, token=worker, run_id=f"run_{number}", job=job, now=self.now)
        if isinstance(got, Acquired):
            self.held.append(got)
        return got

    def _want(self, number: int, kind: RequestedBy, later: int) -> Wanted:
        owed = Wanted(job_id=f"job_{number}", kind=kind, not_before=self.now + timedelta(seconds=later))
        return self.world.feeds.want(self.feed_id, owed)

    def _worker(self, back: int) -> Acquired | None:
        return self.held[-1 - back] if back < len(self.held) else None

    def _finish(self, number: int, back: int, retry: int | None, succeeded: bool) -> None:
        worker = self._worker(back)
        if worker is None:
            return
        again = (
            None if retry is None else made.wanted(f"job_{number}", RequestedBy.RETRY, self.now + timedelta(0, retry))
        )
        event = Announcement(event_id=f"event_{number}", detail_type="t", detail={"n": number})
        self.world.feeds.finish(
            worker.lease,
            made.finish(
                outcome=Outcome.SUCCEEDED if succeeded else Outcome.FAILED,
                finished_at=self.now,
                wanted=again,
                announce=(event,),
            ),
            worker.feed,
        )

    def _cursor(self, number: int, back: int) -> None:
        worker = self._worker(back)
        if worker is not None:
            self.world.feeds.advance(worker.lease, str(number), Coverage(), None)

    def _insert(self, number: int, back: int, source_id: str) -> object:
        worker = self._worker(back)
        if worker is None:
            return None
        price = Decimal(number % 2)
        new = made.new(made.execution(source_id, price=price), account_id=self.feed_id)
        return self.world.ledger.insert(worker.lease, [new], str(number))

    def _reschedule(self, _: int, interval: int) -> None:
        self.world.feeds.reschedule(self.feed, made.schedule(Plan.PRO, interval))

    def _announced(self, _: int, all_of_them: bool) -> None:
        events = self.feed.announce
        self.world.feeds.announced(self.feed_id, events if all_of_them else events[:1])


@pytest.fixture
def worlds() -> Iterator[tuple[World, World]]:
    with mock_aws():
        yield fake_world(), dynamo_world()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=4, max_size=15))
def test_i4_memory_and_table_live_through_the_same_history(worlds: tuple[World, World], steps: list[tuple]):
    # given the same feed in memory and in DynamoDB
    feed_id = f"feed_{next(FEED_NUMBERS)}"
    memory, table = (Story(world, feed_id) for world in worlds)
    for number, (name, *details) in enumerate(steps):
        before = memory.feed
        # when anything happens to it
        told = memory.step(number, name, *details), table.step(number, name, *details)
        # then callers are told the same, and the feed is the same
        assert told[0] == told[1]
        assert memory.feed == table.feed
        keeps_its_promises(before, memory.feed, memory.now)


def keeps_its_promises(before: Feed, after: Feed, now: datetime) -> None:
    """What no step may do."""
    took_over = after.lease is not None and before.lease is not None and after.lease.token != before.lease.token
    assert not took_over or before.lease.until <= now, "a live worker lost its feed"
    assert after.epoch >= before.epoch, "an epoch came back"
    assert after.epoch > before.epoch or after.lease is None or after.lease == before.lease, "a lease without an epoch"
