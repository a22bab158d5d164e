"""A broker's outage over two processes: it is asked by one run a minute, and everybody comes back by the wheel."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from brokersync.domain.breaker import FAULTS_TO_OPEN
from brokersync.domain.errors import ErrorCode
from local.simulators.faults import Fault
from tests.chaos.arena import INTERVAL, Arena, OandaTrader
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet, Worker

pytestmark = pytest.mark.stack

FEEDS = 10
DOWN = Fault(status=503, retry_after=60, times=None)  # a named time: a run asks once


def deliver(arena: Arena, work: dict[Worker, Sequence[OandaTrader]]) -> Counter[str]:
    """A scheduled job for each of these traders, to these workers at the same time; returns the runs' outcomes."""
    with ThreadPoolExecutor(len(work)) as hands:
        reports = hands.map(
            lambda one: one[0].deliver([Delivery(arena.due_job(trader)) for trader in one[1]], arena.clock.ahead),
            work.items(),
        )
        return Counter(outcome for report in reports for outcome in report.outcomes)


def codes(arena: Arena, traders: Sequence[OandaTrader]) -> set[ErrorCode | None]:
    return {arena.feed(trader).error_code for trader in traders}


def test_i6_in_an_outage_a_broker_is_asked_by_one_run_a_minute_and_then_all_come_back(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    # given traders in order, and a broker that goes down
    traders = arena.connect(FEEDS)
    one, other = eight_workers.workers[:2]
    first = [Delivery(job) for trader in traders if (job := arena.owed_job(trader))]
    eight_workers.deliver(first, random.Random(1), arena.clock.ahead)
    arena.pass_minutes(INTERVAL)
    begun = len(arena.control.requests)
    arena.control.faults.add(DOWN)

    def asked() -> int:
        return len(arena.control.requests) - begun

    def wrong() -> list[str]:
        return [problem for trader in traders for problem in arena.problems(trader)]

    # when five runs of a process have met it
    for trader in traders[:FAULTS_TO_OPEN]:
        deliver(arena, {one: [trader]})
    assert asked() == FAULTS_TO_OPEN
    # then that process asks no more, and another one once
    assert deliver(arena, {one: traders[FAULTS_TO_OPEN:7]}) == Counter(deferred=2)
    assert asked() == FAULTS_TO_OPEN
    assert deliver(arena, {other: [traders[7]]}) == Counter(failed=1)
    assert deliver(arena, {other: traders[8:]}) == Counter(deferred=2)
    assert asked() == FAULTS_TO_OPEN + 1
    assert codes(arena, traders[8:]) == {ErrorCode.CIRCUIT_OPEN}
    # when minutes have passed and all come at once, in both processes
    for minutes in range(1, 4):
        arena.pass_minutes(INTERVAL + 16)
        before = asked()
        done = deliver(arena, {one: traders[:5], other: traders[5:]})
        # then one run asks, and the others wait on
        assert asked() == before + 1, f"round {minutes}"
        assert done == Counter(failed=1, deferred=FEEDS - 1)
    # when the broker is well again, then some turns of the wheel bring everybody back, and the books are in order
    arena.control.faults.clear()
    for trader in traders:
        arena.world.trade(trader.spec.account, count=2)
    rounds = 0
    while wrong() and rounds < 5:
        jobs = [Delivery(job) for job in arena.tick_after(INTERVAL, traders)]
        eight_workers.deliver(jobs, random.Random(2), arena.clock.ahead)
        rounds += 1
    assert not wrong()
    tell(f"an outage: {FEEDS} feeds, two processes, {asked()} requests, in order after {rounds} turns of the wheel")
