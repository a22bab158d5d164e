"""Two dispatchers at once: nobody is forgotten, and the position stays one (I11)."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from brokersync.aws.session import AwsSession
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.times import minute_of
from brokersync.services.dispatch_due import DispatchReport
from tests.chaos.arena import INTERVAL, Arena, Minute
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet

pytestmark = pytest.mark.stack

FEEDS = 10
ROUNDS = 3


def test_i11_two_dispatchers_at_once_forget_nobody_and_each_feed_is_run_once(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    begun = time.monotonic()
    rng = random.Random(3)
    # given accounts, and two dispatchers, each with a process's own way to the tables
    traders = arena.connect(FEEDS, executions=3)
    prefix = arena.stack.outputs["TablePrefix"]
    dispatchers = [arena.dispatcher(seed, AwsSession(table_prefix=prefix)) for seed in range(2)]
    together = threading.Barrier(2)
    sent = 0
    for round_number in range(ROUNDS):
        # when both tick at the same moment
        assert arena.tick_after(0, traders) == []
        arena.pass_minutes(INTERVAL)

        def tick(number: int) -> DispatchReport:
            together.wait()
            return dispatchers[number].run(Minute())

        with ThreadPoolExecutor(2) as both:
            reports = list(both.map(tick, range(2)))
        jobs = arena.take_messages(traders)
        sent += len(jobs)
        # then everybody got a message, some perhaps one of each, and at least one of the two knows that all is done
        assert {job.feed_id for job in jobs} == {trader.feed_id for trader in traders}
        assert len(jobs) <= 2 * FEEDS
        assert min(report.behind for report in reports) == 0
        position = arena.scheduler.state().position
        assert position is not None
        assert position.done_minute == minute_of(arena.clock.now())
        # and each feed was run once
        rng.shuffle(jobs)
        eight_workers.deliver([Delivery(job) for job in jobs], rng, arena.clock.ahead)
        assert {len(arena.runs(trader)) for trader in traders} == {round_number + 1}
    assert not [problem for trader in traders for problem in arena.problems(trader)]
    tell(
        f"two dispatchers at once: {ROUNDS} intervals, {sent} messages for {ROUNDS * FEEDS} due syncs,"
        f" each run once ({time.monotonic() - begun:.1f} s)"
    )


class Interrupted:
    """A queue whose first sender stands still while something else happens, and then sends nothing anybody gets."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = [meanwhile]
        self.pages = 0

    def send(self, jobs: Sequence[tuple[SyncJob, str, int]], *, backfill: bool = False) -> None:
        self.pages += 1
        for happen in self._meanwhile:
            happen()
        self._meanwhile = []


def test_i11_a_dispatcher_that_is_overtaken_stops_and_moves_nothing_back(arena: Arena) -> None:
    # given accounts, and a dispatcher that stands still with its first messages in hand
    traders = arena.connect(FEEDS, executions=3)
    assert arena.tick_after(0, traders) == []
    arena.pass_minutes(INTERVAL)
    stuck = Interrupted(lambda: arena.dispatcher().run(Minute()))
    # when another one has dispatched everything before it goes on
    arena.dispatcher(queue=stuck).run(Minute())
    jobs = arena.take_messages(traders)
    # then the first one stops where it was overtaken, and everybody got one message
    assert sorted(job.feed_id for job in jobs) == sorted(trader.feed_id for trader in traders)
    assert stuck.pages == 1
    # and the next tick finds nothing left
    assert arena.dispatcher().run(Minute()).due == 0
