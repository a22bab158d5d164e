"""Feeds: who may run, and what a run leaves behind (I3, I4, I11)."""

from datetime import timedelta

import pytest

from brokersync.domain.coverage import Coverage, Hole
from brokersync.domain.errors import ErrorCode, LeaseLostError
from brokersync.domain.feeds import LEASE_SECONDS, Announcement, Lease
from brokersync.domain.loads import Load, LoadKind
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.wheel import wheel_key
from brokersync.ports.feeds import Finish, NotAcquired
from tests.contract import made
from tests.contract.conftest import World

LATER = made.after(seconds=LEASE_SECONDS)
HOLE = Hole(run_id="run_1", first=2, last=4, rows={"0a1b2c3d": "acc_1", "4e5f6a7b": ""})
EVENT = Announcement(event_id="event_1", detail_type="sync_job_failed", detail={"feed_id": "acc_1", "new_entries": 3})
OTHER_EVENT = Announcement(event_id="event_2", detail_type="sync_job_recovered", detail={"feed_id": "acc_1"})


def on_wheel(world: World, interval: int = 15) -> bool:
    return [feed.feed_id for feed in world.feeds.due(wheel_key("acc_1", interval).text, "").feeds] == ["acc_1"]


def test_i4_a_feed_is_held_by_one_worker(world: World):
    # given a feed that a worker holds
    first = world.held("worker_1")
    # when a second worker asks for it before the lease has expired
    second = world.feeds.acquire("acc_1", token="worker_2", run_id="r", job=made.job(), now=made.after(seconds=74))
    # then it gets the feed to look at, and no lease
    assert isinstance(second, NotAcquired)
    assert second.feed is not None
    assert second.feed.lease == first.lease
    assert first.predecessor is None
    assert first.feed == made.feed()


def test_i4_the_lease_says_who_holds_the_feed(world: World):
    # given an acquired feed
    lease = world.held("worker_1").lease
    # then the lease is the feed's, with the message's job, and ends in time
    assert lease == Lease(
        feed_id="acc_1",
        token="worker_1",
        epoch=1,
        until=LATER,
        run_id="run_of_worker_1",
        job_id="job_message",
        started_at=made.NOW,
        requested_by=RequestedBy.SYSTEM,
    )
    assert world.stored().lease == lease
    assert world.stored().epoch == 1


def test_i4_a_dead_workers_feed_passes_on_with_its_name(world: World):
    # given a worker that died while it held the feed, all ticks being served
    dead = world.held("worker_1").lease
    # when the lease has expired, a message that finds nothing else to do still gets the feed
    heir = world.acquire("worker_2", now=LATER, job=made.job(tick=None))
    # then the heir learns whose run it has to close, and writes under a new epoch
    assert heir.predecessor == dead
    assert heir.lease.epoch == dead.epoch + 1


def test_i4_an_acquire_whose_answer_was_lost_does_not_lock_out_its_own_worker(world: World):
    # given a worker that took over from a dead one, without hearing so
    dead = world.held("worker_1").lease
    world.acquire("worker_2", now=LATER)
    # when it asks again with the same token
    again = world.acquire("worker_2", now=LATER)
    # then it holds the feed under the current epoch, and still knows its predecessor
    assert again.lease.epoch == world.stored().epoch == 3
    assert again.predecessor == dead
    world.feeds.finish(again.lease, made.finish(), again.feed)


def test_i4_an_acquire_that_is_repeated_without_predecessor_has_none(world: World):
    # given a feed that was free when its worker acquired it, without hearing so
    world.held("worker_1")
    # when the worker asks again
    again = world.acquire("worker_1")
    # then it is not told to close its own run
    assert again.predecessor is None


def test_i11_a_served_tick_finds_nothing_to_do(world: World):
    # given a feed whose tick was served
    world.feeds.create(made.feed(served_minute=made.TICK))
    # when the tick's message arrives once more
    got = world.feeds.acquire("acc_1", token="t", run_id="r", job=made.job(), now=made.NOW)
    # then it is not acquired, and nothing has changed
    assert got == NotAcquired(feed=made.feed(served_minute=made.TICK))
    assert world.stored() == made.feed(served_minute=made.TICK)


def test_an_unknown_feed_is_not_acquired(world: World):
    # given a message for a feed that is gone
    got = world.feeds.acquire("nobody", token="t", run_id="r", job=made.job(), now=made.NOW)
    # then there is nothing to do
    assert got == NotAcquired(feed=None)
    assert world.feeds.get("nobody") is None


@pytest.mark.parametrize("write", ["advance", "add_accounts", "finish"])
def test_i3_a_worker_that_wakes_late_writes_nothing(world: World, write: str):
    # given a worker that slept past its lease while another took the feed
    late = world.held("worker_1")
    heir = world.acquire("worker_2", now=LATER)
    before = world.stored()
    # when it writes
    calls = {
        "advance": lambda: world.feeds.advance(late.lease, "99", Coverage(), None),
        "add_accounts": lambda: world.feeds.add_accounts(late.lease, {"U1": "acc_2"}),
        "finish": lambda: world.feeds.finish(late.lease, made.finish(), late.feed),
    }
    with pytest.raises(LeaseLostError):
        calls[write]()
    # then the feed is as the heir holds it
    assert world.stored() == before
    assert before.lease == heir.lease


def test_i3_cursor_and_accounts_are_written_under_the_lease(world: World):
    # given a worker that holds the feed
    held = world.held()
    # when it stores a chunk and finds accounts, one of them with a dot in its number
    coverage = Coverage(start=made.after(days=-30), holes=(HOLE,))
    load = Load(kind=LoadKind.FIRST, job_id="job_1", reached=made.NOW, chunks=3, trades=120)
    assert world.feeds.advance(held.lease, "101", coverage, load) is None
    world.feeds.add_accounts(held.lease, {"U.1": "acc_u1", "U2": "acc_u2"})
    # then the feed has them
    stored = world.stored()
    assert (stored.cursor, stored.coverage, stored.load) == ("101", coverage, load)
    assert world.stored().accounts == {"101-004-1234567-001": "acc_1", "U.1": "acc_u1", "U2": "acc_u2"}


def test_a_finish_writes_what_the_run_found(world: World):
    # given a worker that holds a feed which owes a manual sync
    held = world.held(wanted=made.wanted(), announce=(EVENT,), news=4, failure_count=2, poison_job_id="job_0")
    # when it finishes
    retry = made.wanted("job_wanted", RequestedBy.RETRY, made.after(minutes=5))
    coverage = Coverage(start=made.after(days=-30), end=made.NOW, holes=(HOLE,))
    finish = Finish(
        outcome=Outcome.FAILED,
        finished_at=made.after(seconds=9),
        served_minute=made.TICK,
        wanted=retry,
        runnable=True,
        cursor="200",
        hashes={"S": "abc:20260302", "summary": "def:20260302"},
        coverage=coverage,
        error_code=ErrorCode.TIMEOUT,
        safe_message="The broker did not answer in time.",
        failure_count=3,
        first_failed_at=made.NOW,
        announce=(OTHER_EVENT,),
        announced_news=3,
    )
    world.feeds.finish(held.lease, finish, held.feed)
    # then the feed is free, and says all of it; events still unsent stay, and so does news that nobody told
    assert world.stored() == made.feed(
        epoch=1,
        news=1,
        wanted=retry,
        served_minute=made.TICK,
        cursor="200",
        hashes={"S": "abc:20260302", "summary": "def:20260302"},
        coverage=coverage,
        outcome=Outcome.FAILED,
        error_code=ErrorCode.TIMEOUT,
        safe_message="The broker did not answer in time.",
        failure_count=3,
        first_failed_at=made.NOW,
        last_attempted_at=made.after(seconds=9),
        announce=(EVENT, OTHER_EVENT),
    )


def test_a_finish_leaves_what_it_does_not_know(world: World):
    # given a feed with a history
    known = {
        "cursor": "77",
        "hashes": {"summary": "abc"},
        "coverage": Coverage(end=made.NOW),
        "served_minute": 5,
        "last_successful_at": made.after(hours=-1),
    }
    held = world.held(**known, error_code=ErrorCode.TIMEOUT, safe_message="x", first_failed_at=made.NOW)
    # when a run ends without cursor, hashes, coverage, served minute or success
    world.feeds.finish(held.lease, made.finish(served_minute=None, succeeded_at=None), held.feed)
    # then these stay, and the error and the failure streak are gone
    assert world.stored() == made.feed(
        epoch=1, outcome=Outcome.SUCCEEDED, last_attempted_at=made.after(seconds=3), **known
    )


def test_a_finish_may_be_repeated(world: World):
    # given a finish that took effect while its answer was lost, and a request that came right after it
    held = world.held(wanted=made.wanted("job_1"))
    world.feeds.finish(held.lease, made.finish(announce=(EVENT,)), held.feed)
    world.feeds.want("acc_1", made.wanted("job_2"))
    # when it is sent again
    world.feeds.finish(held.lease, made.finish(announce=(EVENT,)), held.feed)
    # then nothing is doubled, and the request is still owed
    assert world.stored().announce == (EVENT,)
    assert world.stored().wanted == made.wanted("job_2")


@pytest.mark.parametrize("served", [None, made.wanted("job_1")])
def test_i11_a_request_that_comes_in_during_a_run_is_not_lost(world: World, served: object):
    # given a run, and a re-connect that can't be served by it
    held = world.held(wanted=served, sync_enabled=False, served_minute=made.TICK) if served else world.held()
    request = made.wanted("job_2", RequestedBy.CONNECT, made.after(seconds=1))
    assert world.feeds.want("acc_1", request) == request
    # when the run ends
    world.feeds.finish(held.lease, made.finish(), held.feed)
    # then the request is still owed, and the dispatcher will find it
    assert world.stored().wanted == request
    assert on_wheel(world)


def test_i11_a_retry_does_not_take_the_place_of_a_request(world: World):
    # given a run during which a request came in
    held = world.held(wanted=made.wanted("job_1"))
    world.feeds.want("acc_1", made.wanted("job_2", RequestedBy.CONNECT))
    # when the run fails and wants a retry of its own job
    retry = made.wanted("job_1", RequestedBy.RETRY, made.after(minutes=1))
    world.feeds.finish(held.lease, made.finish(outcome=Outcome.FAILED, wanted=retry), held.feed)
    # then the request stays: it runs sooner than the retry would
    assert world.stored().wanted == made.wanted("job_2", RequestedBy.CONNECT)


def test_i11_what_was_not_due_when_a_run_began_is_not_served_by_it(world: World):
    # given a dead worker's feed that owes something later
    later = made.wanted("job_1", RequestedBy.BACKFILL, made.after(hours=1))
    world.held("worker_1")
    world.feeds.want("acc_1", later)
    heir = world.acquire("worker_2", now=LATER)
    # when the heir finishes
    world.feeds.finish(heir.lease, made.finish(), heir.feed)
    # then it is still owed
    assert world.stored().wanted == later


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ({}, {}, True),
        ({}, {"runnable": False}, False),
        ({}, {"runnable": False, "wanted": made.wanted()}, False),
        ({"sync_enabled": False, "wanted": made.wanted()}, {}, False),
        ({"sync_enabled": False, "wanted": made.wanted()}, {"wanted": made.wanted(at=made.after(minutes=1))}, True),
    ],
)
def test_the_wheel_holds_what_is_scheduled_or_owed(world: World, start: dict, end: dict, expected: bool):
    # given a feed on the wheel that a worker holds
    held = world.held(**start)
    assert on_wheel(world)
    # when its run ends
    world.feeds.finish(held.lease, made.finish(**end), held.feed)
    # then it stays there only if a dispatcher has something to find
    assert on_wheel(world) is expected


def test_a_change_of_plan_during_a_run_survives_its_finish(world: World):
    # given a run during which the operator changes the trader's plan
    held = world.held()
    assert world.feeds.reschedule(world.stored(), made.schedule(Plan.FREE, 60))
    # when the run ends
    world.feeds.finish(held.lease, made.finish(), held.feed)
    # then the feed is where the new interval puts it, and only there
    assert on_wheel(world, 60)
    assert not on_wheel(world, 15)
    assert (world.stored().plan, world.stored().interval_min) == (Plan.FREE, 60)


def test_a_feed_off_the_wheel_stays_off_under_another_plan(world: World):
    # given a feed that waits for its trader
    world.feeds.create(made.feed(runnable=False))
    # when its plan changes
    assert world.feeds.reschedule(world.stored(), made.schedule(Plan.ELITE, 5))
    # then it is not scheduled, but will be at the new interval
    assert not on_wheel(world, 5)
    assert world.stored() == made.feed(runnable=False, plan=Plan.ELITE, interval_min=5)
    with pytest.raises(KeyError):
        world.feeds.reschedule(made.feed("nobody"), made.schedule(Plan.ELITE, 5))


def test_i4_a_worker_that_outlived_its_lease_may_finish_while_nobody_took_over(world: World):
    # given a slow worker, and a trader who asked when its lease had expired
    held = world.held(wanted=made.wanted("job_1"))
    owed = world.feeds.want("acc_1", made.wanted("job_2", at=LATER + timedelta(seconds=1)))
    # when the worker finishes after all
    world.feeds.finish(held.lease, made.finish(), held.feed)
    # then it has served what was owed when it began, which is what the trader was told
    assert owed.job_id == "job_1"
    assert world.stored().wanted is None
    assert world.stored().lease is None
