"""A broker in trouble is left in peace, and asked again by one run at a time; a broker that is well costs nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.breaker import (
    FAULTS_TO_OPEN,
    OPEN_FOR,
    PROBE_FOR,
    SPREAD_MINUTES,
    BreakerStatus,
    comes_back_at,
)
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    NeedsReviewError,
    OutOfTimeError,
    RetryLaterError,
    UserActionNeededError,
)
from brokersync.domain.wheel import INTERVALS
from brokersync.services.breakers import Breakers
from tests.fakes.breakers import FakeBreakers
from tests.fakes.time_and_chance import START, FakeClock
from tests.unit.services.world import a_manifest

BROKER = a_manifest()
KEY = "scripted:live"
DOWN = RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "down")
SLOW = RetryLaterError(ErrorCode.TIMEOUT, "slow")
NOT_THE_BROKERS = [
    UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "wrong token"),
    BrokerChangedError("what is this"),
    BrokerChangedError("our bug", code=ErrorCode.INTERNAL),
    NeedsReviewError(ErrorCode.EMPTY_WHERE_HISTORY, "empty"),
    RetryLaterError(ErrorCode.RATE_LIMITED, "slower"),
    RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "no permit"),
    RetryLaterError(ErrorCode.WORK_IN_PROGRESS, "preparing"),
    OutOfTimeError("no time left"),
    ZeroDivisionError(),
]


class Fleet:
    """Processes over one store and one clock."""

    def __init__(self):
        self.clock, self.store = FakeClock(), FakeBreakers()

    def process(self):
        return Breakers(self.store, self.clock)

    def status(self):
        state = self.store.read([KEY]).get(KEY)
        return state.status(self.clock.now()) if state else BreakerStatus.CLOSED


@pytest.fixture
def fleet():
    return Fleet()


def run(process, error=None, manifest=BROKER):
    """One guarded job, which ends in this error; True if it was let through."""
    entered = False
    with suppress(RetryLaterError, *([type(error)] if error else [])), process.guarding(manifest, "live"):
        entered = True
        if error is not None:
            raise error
    return entered


def open_it(process, faults=FAULTS_TO_OPEN):
    for _ in range(faults):
        assert run(process, DOWN)


def test_a_broker_that_is_well_costs_no_request(fleet):
    process = fleet.process()
    for _ in range(100):
        assert run(process)
    assert fleet.store.calls == {}


@pytest.mark.parametrize("fault", [DOWN, SLOW])
def test_it_opens_after_five_faults_in_a_row_for_a_minute(fleet, fault):
    # given a process whose runs met four faults
    process = fleet.process()
    for _ in range(FAULTS_TO_OPEN - 1):
        run(process, fault)
    assert fleet.status() is BreakerStatus.CLOSED
    # when there is a fifth, then it opens for everybody, and says until when
    run(process, fault)
    assert fleet.status() is BreakerStatus.OPEN
    with pytest.raises(RetryLaterError) as caught, process.guarding(BROKER, "live"):
        pytest.fail("nobody is let through")
    assert caught.value.code is ErrorCode.CIRCUIT_OPEN
    assert caught.value.not_before == fleet.clock.now() + OPEN_FOR


def test_a_success_between_faults_starts_the_count_anew(fleet):
    process = fleet.process()
    for _ in range(3):
        open_it(process, FAULTS_TO_OPEN - 1)
        run(process)
    assert fleet.status() is BreakerStatus.CLOSED


@pytest.mark.parametrize("error", NOT_THE_BROKERS, ids=lambda error: getattr(error, "code", type(error).__name__))
def test_what_is_not_the_brokers_fault_never_opens_it(fleet, error):
    process = fleet.process()
    for _ in range(3 * FAULTS_TO_OPEN):
        assert run(process, error)
    assert fleet.status() is BreakerStatus.CLOSED
    assert fleet.store.calls == {"read": 1}


@pytest.mark.parametrize("error", NOT_THE_BROKERS, ids=lambda error: getattr(error, "code", type(error).__name__))
def test_what_says_nothing_about_the_broker_does_not_hide_its_faults(fleet, error):
    # given faults with other failures among them
    process = fleet.process()
    for _ in range(FAULTS_TO_OPEN):
        run(process, DOWN)
        run(process, error)
    # then they are still in a row
    assert fleet.status() is BreakerStatus.OPEN


def test_other_processes_learn_it_by_their_own_first_fault(fleet):
    # given a breaker that one process opened
    one, other = fleet.process(), fleet.process()
    open_it(one)
    # when another one meets the trouble, then it asks no more
    assert run(other, DOWN)
    assert not run(other)


def test_environments_and_brokers_have_breakers_of_their_own(fleet):
    # given an open breaker
    process = fleet.process()
    open_it(process)
    # then other brokers, and the same one's other environment, are asked
    assert run(process, manifest=replace(BROKER, slug="other"))
    with process.guarding(BROKER, "practice"):
        pass


def test_a_server_of_one_connection_says_nothing_about_the_others(fleet):
    # given a broker where every trader has a server of his own
    process = fleet.process()
    for _ in range(3 * FAULTS_TO_OPEN):
        assert run(process, DOWN, manifest=replace(BROKER, own_server=True))
    assert fleet.store.calls == {}


def test_after_its_time_one_run_probes_and_its_success_closes_it_for_all(fleet):
    # given a breaker whose time is over, known to three processes
    processes = [fleet.process() for _ in range(3)]
    for process in processes:
        open_it(process, 1 if process is not processes[0] else FAULTS_TO_OPEN)
    for process in processes[1:]:
        run(process, DOWN)
    fleet.clock.advance(seconds=OPEN_FOR.total_seconds())
    assert fleet.status() is BreakerStatus.HALF_OPEN
    # when one run is under way, then all others are held back
    with processes[0].guarding(BROKER, "live"):
        assert not any(run(process) for process in processes)
    # and when it succeeded, then everybody is let through again
    assert fleet.status() is BreakerStatus.CLOSED
    fleet.clock.advance(seconds=PROBE_FOR.total_seconds())
    assert all(run(process) for process in processes)


def test_a_fault_of_the_probe_opens_it_again(fleet):
    process = fleet.process()
    open_it(process)
    fleet.clock.advance(seconds=61)
    assert run(process, DOWN)
    assert fleet.status() is BreakerStatus.OPEN
    assert not run(process)


@pytest.mark.parametrize("error", NOT_THE_BROKERS, ids=lambda error: getattr(error, "code", type(error).__name__))
def test_a_probe_that_learned_nothing_leaves_the_next_one_to_find_out(fleet, error):
    # given a probe whose credential was wrong, or that got no permit
    process = fleet.process()
    open_it(process)
    fleet.clock.advance(seconds=61)
    assert run(process, error)
    assert fleet.status() is BreakerStatus.HALF_OPEN
    # then the next run probes at once
    assert run(process)
    assert fleet.status() is BreakerStatus.CLOSED


def test_a_probe_whose_worker_died_is_followed_by_another(fleet):
    # given a probe that never came back
    process, dead = fleet.process(), fleet.process()
    open_it(process)
    open_it(dead, 1)
    fleet.clock.advance(seconds=61)
    never_left = dead.guarding(BROKER, "live")
    never_left.__enter__()
    assert not run(process)
    # when the longest run is over, then another one probes
    fleet.clock.advance(seconds=PROBE_FOR.total_seconds())
    assert run(process)
    assert fleet.status() is BreakerStatus.CLOSED


def test_it_closes_again_with_a_pool_of_threads_and_one_guarded_call_per_job(fleet):
    # given a pool whose ten threads met the trouble, one guarded call per job
    process, inside, most, lock = fleet.process(), [0], [0], threading.Lock()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: run(process, DOWN), range(30)))
        assert fleet.status() is BreakerStatus.OPEN
        assert not any(pool.map(lambda _: run(process), range(30)))
        fleet.clock.advance(seconds=61)
        together = threading.Barrier(10)

        def job(_):
            together.wait()
            try:
                with process.guarding(BROKER, "live"):
                    with lock:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    probing.wait(5)
                    with lock:
                        inside[0] -= 1
            except RetryLaterError:
                held.release()
                return False
            return True

        # when ten jobs come at once, then one of them probes, and the others don't wait for it
        probing, held = threading.Event(), threading.Semaphore(0)
        jobs = [pool.submit(job, number) for number in range(10)]
        for _ in range(9):
            assert held.acquire(timeout=5)
        probing.set()
        assert [one.result() for one in jobs].count(True) == 1
        assert most == [1]
        # and then whatever thread comes next is let through
        assert fleet.status() is BreakerStatus.CLOSED
        assert all(pool.map(lambda _: run(process), range(30)))


def test_a_store_that_cannot_be_reached_changes_no_runs_end(fleet):
    # given a process that can't write down what it learns
    process = fleet.process()
    fleet.store.down = True
    for _ in range(FAULTS_TO_OPEN):
        with pytest.raises(RetryLaterError) as caught, process.guarding(BROKER, "live"):
            raise DOWN
        assert caught.value is DOWN
    # then it leaves the broker in peace all the same, and later nobody knows whether it may be asked
    assert not run(process)
    fleet.clock.advance(seconds=61)
    assert not run(process)
    # until the store is back
    fleet.store.down = False
    assert run(process)


def test_a_run_that_began_before_the_opening_doesnt_close_it(fleet):
    # given a run that is under way while others meet the trouble
    process = fleet.process()
    with process.guarding(BROKER, "live"):
        open_it(process)
    # then its success is older than the trouble
    assert fleet.status() is BreakerStatus.OPEN
    assert not run(process)


@given(st.text(min_size=1, max_size=30), st.sampled_from(INTERVALS), st.integers(0, 3600))
def test_who_was_held_back_comes_back_after_the_opening_and_soon(feed_id, interval, seconds):
    until = START + timedelta(seconds=seconds)
    at = comes_back_at(feed_id, interval, until)
    assert until < at <= until + timedelta(minutes=min(interval, SPREAD_MINUTES))


def test_feeds_that_were_held_back_come_back_spread_over_their_interval():
    # given three hundred feeds that were held back by one opening
    back = [comes_back_at(f"feed_{number}", 60, START) for number in range(300)]
    # then no minute gets more than a few times its share
    assert len(set(back)) == SPREAD_MINUTES
    assert max(back.count(at) for at in set(back)) <= 3 * 300 // SPREAD_MINUTES
