"""A broker's outage as the engine goes through it: failed runs, then none, then back by the wheel."""

from dataclasses import replace

import pytest

from brokersync.domain.breaker import FAULTS_TO_OPEN, OPEN_FOR
from brokersync.domain.errors import ErrorCode, RetryLaterError, SyncError, UserActionNeededError
from brokersync.domain.feeds import Wanted
from brokersync.domain.pages import Checkpoint
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import next_due
from tests.unit.services.world import ScriptedBroker, World, a_manifest, a_page, serving

DOWN = RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "The broker can't be reached.")


def after(error: SyncError) -> World:
    """A feed whose last five runs ended like this."""
    world = World(ScriptedBroker(a_manifest(), serving(error)))
    for _ in range(FAULTS_TO_OPEN):
        report = world.next_tick()
        assert report is not None
        assert report.run.error_code is error.code
    return world


def ask(world: World) -> Wanted:
    """The trader asks for a sync; returns what is owed now: the retry that was to come, brought forward."""
    wanted = Wanted(job_id="job_manual", kind=RequestedBy.MANUAL, not_before=world.clock.now())
    owed = world.feeds.want("acc_1", wanted)
    world.queue.jobs.clear()
    return owed


def test_in_an_outage_the_broker_is_left_in_peace_and_the_feed_comes_back_by_the_wheel() -> None:
    # given an outage, and a trader who asks meanwhile
    world = after(DOWN)
    until = world.clock.now() + OPEN_FOR
    owed = ask(world)
    # when the job is done
    report = world.sync(world.job(requested_by=RequestedBy.MANUAL))
    # then it is deferred to the feed's own next tick, as no try of its own
    assert report is not None
    assert (report.run.outcome, report.run.error_code) == (Outcome.DEFERRED, ErrorCode.CIRCUIT_OPEN)
    tick = start_of_minute(next_due("acc_1", 15, minute_of(until)))
    assert world.feed.wanted == replace(owed, not_before=tick)
    # and nobody wakes it before
    assert world.queue.jobs == []
    # when that tick comes and the broker is well again, then the asked-for job succeeds, and the breaker is closed
    world.broker.script = serving([a_page({"id": "T1"}, at=world.clock.now()), Checkpoint(cursor="1", last=True)])
    world.clock.set(tick)
    done = world.sync()
    assert done is not None
    assert (done.run.outcome, done.run.job_id) == (Outcome.SUCCEEDED, owed.job_id)
    assert world.breakers.read(["scripted:live"]) == {}


def test_a_feed_of_a_long_interval_does_not_wait_for_all_of_it() -> None:
    # given an outage, and a trader whose feed is looked at every four hours
    world = after(DOWN)
    world.feeds.reschedule(world.feed, replace(world.feed.schedule, interval_min=240))
    ask(world)
    # when the job is deferred
    world.sync(world.job(requested_by=RequestedBy.MANUAL))
    # then it comes back within a quarter of an hour, by a message of its own
    assert world.feed.wanted is not None
    assert (world.feed.wanted.not_before - world.clock.now()).total_seconds() <= 60 + 15 * 60
    ((_, _, delay),) = world.queue.jobs
    assert delay > 0


@pytest.mark.parametrize(
    "error",
    [
        UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, "The query lacks a section."),
        RetryLaterError(ErrorCode.RATE_LIMITED, "Slower."),
    ],
)
def test_what_a_user_has_to_mend_never_holds_others_back(error: SyncError) -> None:
    # given as many runs as open a breaker, that failed by a user's fault or a limit
    world = after(error)
    # then the broker is asked as before
    assert world.breakers.calls == {}
    report = world.next_tick()
    assert report is not None
    assert report.run.error_code is error.code
