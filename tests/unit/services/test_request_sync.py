"""A trader asks for a sync now."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.asked import AskedState
from brokersync.domain.errors import NEXT_STEPS, ErrorCode, RetryLaterError
from brokersync.domain.feeds import Wanted
from brokersync.domain.identity import user_id
from brokersync.domain.plans import TERMS, Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.ports.feeds import Finish
from brokersync.services.manual_syncs import LimitReachedError
from brokersync.services.owe_sync import OweSync, ReconnectNeededError, RequestedSync
from brokersync.services.own_accounts import AccountNotFoundError
from tests.unit.functions.api_world import ISSUER, ApiWorld, an_account

ALICE = user_id(ISSUER, "alice")


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_i11_the_work_is_owed_to_the_feed_before_a_message_is_sent(world: ApiWorld) -> None:
    # given a feed with nothing to do, and a queue that looks at the feed when a message comes
    world.add("acc_1")
    owed_at_send = []

    class LookingQueue:
        def send(self, jobs, *, backfill=False) -> None:
            owed_at_send.extend((job.job_id, world.feeds.get(job.feed_id).wanted) for job, _, _ in jobs)

    owe = OweSync(world.feeds, LookingQueue(), world.ids, world.clock)

    # when a sync is asked for
    requested = owe.run(world.feeds.get("acc_1"), "acc_1")

    # then the feed owed exactly that job when the message went out
    [(job_id, owed)] = owed_at_send
    assert job_id == requested.job_id == owed.job_id
    assert owed.not_before == world.clock.now()
    assert requested.state is AskedState.QUEUED


def test_the_message_wakes_a_worker_for_a_manual_job_of_the_user(world: ApiWorld) -> None:
    # given
    world.add("acc_1")

    # when
    requested = world.services.request_sync.run(ALICE, "acc_1")

    # then
    [(job, group, delay)] = world.queue.jobs
    assert (job.job_id, job.feed_id, job.trading_account_id) == (requested.job_id, "acc_1", "acc_1")
    assert (job.requested_by, job.tick) == (RequestedBy.MANUAL, None)
    assert (group, delay) == (ALICE, 0)


def test_asking_twice_gives_the_waiting_job(world: ApiWorld) -> None:
    # given
    world.add("acc_1")
    first = world.services.request_sync.run(ALICE, "acc_1")

    # when
    second = world.services.request_sync.run(ALICE, "acc_1")

    # then
    assert second == first


def test_i4_a_running_job_serves_the_request_and_nobody_is_woken(world: ApiWorld) -> None:
    # given a worker on the feed
    world.add("acc_1")
    world.hold("acc_1", "job_running")

    # when
    requested = world.services.request_sync.run(ALICE, "acc_1")

    # then
    assert requested == RequestedSync(account_id="acc_1", state=AskedState.RUNNING, job_id="job_running")
    assert world.queue.jobs == []
    assert world.feeds.get("acc_1").wanted is None


def test_a_dead_workers_lease_does_not_count_as_running(world: ApiWorld) -> None:
    # given a worker that died: its lease is over
    world.add("acc_1")
    lease = world.hold("acc_1", "job_dead")
    world.clock.set(lease.until + timedelta(seconds=1))

    # when
    requested = world.services.request_sync.run(ALICE, "acc_1")

    # then a new job is queued
    assert requested.state is AskedState.QUEUED
    assert requested.job_id != "job_dead"
    assert [job.job_id for job, _, _ in world.queue.jobs] == [requested.job_id]


def test_a_waiting_retry_is_brought_forward_and_keeps_its_job(world: ApiWorld) -> None:
    # given a retry that waits for five minutes
    waiting = Wanted(
        job_id="job_retry",
        kind=RequestedBy.RETRY,
        not_before=world.clock.now() + timedelta(minutes=5),
        attempt=1,
        state={"reference": "42"},
    )
    world.add("acc_1", outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, wanted=waiting)

    # when
    requested = world.services.request_sync.run(ALICE, "acc_1")

    # then the same job may run now, with all that it knew
    assert requested == RequestedSync(account_id="acc_1", state=AskedState.QUEUED, job_id="job_retry")
    assert world.feeds.get("acc_1").wanted == replace(waiting, not_before=world.clock.now())
    assert [job.job_id for job, _, _ in world.queue.jobs] == ["job_retry"]


def test_a_waiting_first_load_goes_through_its_own_queue(world: ApiWorld) -> None:
    # given a first load that waits for the broker
    later = world.clock.now() + timedelta(minutes=1)
    world.add("acc_1", wanted=Wanted(job_id="job_first", kind=RequestedBy.CONNECT, not_before=later))

    # when
    world.services.request_sync.run(ALICE, "acc_1")

    # then
    assert [job.job_id for job, _, _ in world.queue.backfills] == ["job_first"]
    assert world.queue.jobs == []


def test_it_works_while_auto_sync_is_off(world: ApiWorld) -> None:
    # given
    world.add("acc_1", sync_enabled=False)

    # when
    requested = world.services.request_sync.run(ALICE, "acc_1")

    # then the feed is back on the wheel until the work is done
    assert world.feeds.get("acc_1").wanted.job_id == requested.job_id
    assert world.feeds.get("acc_1").on_wheel()


def test_i11_a_queue_that_fails_breaks_no_promise(world: ApiWorld, caplog: pytest.LogCaptureFixture) -> None:
    # given a queue that can't be reached
    world.add("acc_1")
    world.queue.down = True

    # when
    with caplog.at_level(logging.WARNING, logger="brokersync"):
        requested = world.services.request_sync.run(ALICE, "acc_1")

    # then the work is owed all the same, and the log says that no message was sent
    assert world.feeds.get("acc_1").wanted.job_id == requested.job_id
    assert [record.message for record in caplog.records] == ["sync_requested_without_message"]


def test_a_feed_that_needs_a_new_credential_is_refused_with_the_next_step(world: ApiWorld) -> None:
    # given
    world.add(
        "acc_1",
        runnable=False,
        outcome=Outcome.FAILED,
        error_code=ErrorCode.CONSENT_EXPIRED,
        safe_message="The consent has expired.",
    )

    # when
    with pytest.raises(ReconnectNeededError) as raised:
        world.services.request_sync.run(ALICE, "acc_1")

    # then nothing was promised
    assert raised.value.safe_message == "The consent has expired."
    assert raised.value.next_step == NEXT_STEPS[ErrorCode.CONSENT_EXPIRED]
    assert world.feeds.get("acc_1").wanted is None
    assert world.queue.jobs == []


def test_i7_nobody_asks_for_another_users_sync(world: ApiWorld) -> None:
    # given
    world.add("acc_1", subject="bob")

    # when
    with pytest.raises(AccountNotFoundError):
        world.services.request_sync.run(ALICE, "acc_1")

    # then
    assert world.feeds.get("acc_1").wanted is None
    assert world.queue.jobs == []


HOUR = timedelta(hours=1)


def finish(world: ApiWorld, account_id: str = "acc_1", **changes: object) -> None:
    """A worker does what is owed."""
    lease = world.hold(account_id)
    now = world.clock.now()
    done = {"outcome": Outcome.SUCCEEDED, "finished_at": now, "served_minute": None, "wanted": None, "runnable": True}
    world.feeds.finish(lease, Finish(**{**done, "succeeded_at": now, **changes}), world.feeds.get(account_id))


@pytest.mark.parametrize("plan", list(Plan))
def test_i6_each_plan_has_its_manual_syncs_in_any_hour(world: ApiWorld, plan: Plan) -> None:
    # given a trader on a plan, who asks again as soon as a sync is done
    world.add("acc_1", plan=plan)
    allowed = TERMS[plan].manual_syncs_per_hour
    for _ in range(allowed):
        world.services.request_sync.run(ALICE, "acc_1")
        finish(world)
        world.clock.sleep(1)

    # when one more is asked for
    with pytest.raises(LimitReachedError) as raised:
        world.services.request_sync.run(ALICE, "acc_1")

    # then nothing was owed, and the trader is told what the limit is and when the next one may be
    usage = raised.value.usage
    assert world.feeds.get("acc_1").wanted is None
    assert (usage.max, usage.used) == (allowed, allowed)
    assert HOUR - timedelta(seconds=allowed + 1) <= usage.next_allowed_at - world.clock.now() <= HOUR
    # and then it may
    world.clock.set(usage.next_allowed_at)
    assert world.services.request_sync.run(ALICE, "acc_1").job_id


def test_what_makes_no_job_takes_none_of_the_limit(world: ApiWorld) -> None:
    # given a job that waits for a worker, then one that runs
    world.add("acc_1", plan=Plan.FREE)
    world.services.request_sync.run(ALICE, "acc_1")
    # when the trader keeps pressing
    for _ in range(5):
        world.services.request_sync.run(ALICE, "acc_1")
        world.services.request_sync.all(ALICE)
    world.hold("acc_1")
    for _ in range(5):
        world.services.request_sync.run(ALICE, "acc_1")
    # then one was counted
    assert world.services.manual_syncs.usage(ALICE, Plan.FREE).used == 1


def test_all_accounts_at_once_count_once_and_each_is_answered(world: ApiWorld) -> None:
    # given accounts of two feeds, one that runs and one that has to be re-connected
    world.add("acc_1", plan=Plan.FREE)
    world.add("acc_2", plan=Plan.FREE)
    world.add("acc_3", plan=Plan.FREE)
    world.hold("acc_3", "job_running")
    world.add("acc_4", plan=Plan.FREE, runnable=False, error_code=ErrorCode.CREDENTIALS_REJECTED)
    # when
    asked = world.services.request_sync.all(ALICE)
    # then
    assert [(one.account_id, one.state) for one in asked] == [
        ("acc_1", AskedState.QUEUED),
        ("acc_2", AskedState.QUEUED),
        ("acc_3", AskedState.RUNNING),
        ("acc_4", AskedState.RECONNECT_NEEDED),
    ]
    assert len({one.job_id for one in asked}) == 4
    assert len(world.queue.jobs) == 2
    assert world.services.manual_syncs.usage(ALICE, Plan.FREE).used == 1


def test_accounts_that_one_fetch_brings_make_one_job(world: ApiWorld) -> None:
    # given two accounts of one feed
    feed = world.add("acc_1")
    world.accounts.ensure(replace(an_account("acc_2", feed), broker_account_id="002"))
    # when
    first, second = world.services.request_sync.all(ALICE)
    # then
    assert first.job_id == second.job_id
    assert len(world.queue.jobs) == 1


@given(looks=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 1_200)), min_size=5, max_size=60))
def test_many_looks_within_the_hour_make_one_job(looks) -> None:
    # given a trader with two tabs, whose every coming to the front asks for what is older than an hour
    world = ApiWorld()
    world.add("acc_1", plan=Plan.ELITE, sync_enabled=False)
    jobs: list[datetime] = []
    for tab, pause in looks:
        world.clock.sleep(pause)
        [asked] = world.services.request_sync.all(ALICE, if_stale_for=HOUR)
        if asked.state is AskedState.QUEUED and len(world.queue.jobs) > len(jobs):
            jobs.append(world.clock.now())
        # when the first tab stays long enough, the worker is done before the next look
        if tab and world.feeds.get("acc_1").wanted:
            finish(world)
    # then between two jobs there was an hour at least
    assert all(later - earlier >= HOUR for earlier, later in pairwise(jobs))
    # and each look that found nothing to do said so
    assert len(world.queue.jobs) == len(jobs)


def test_a_look_after_a_failure_within_the_hour_asks_for_nothing(world: ApiWorld) -> None:
    # given an account whose last attempt, a minute ago, failed for good
    world.add("acc_1", outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, last_successful_at=None)
    # when
    [asked] = world.services.request_sync.all(ALICE, if_stale_for=HOUR)
    # then it was tried lately enough: the button is there for more
    assert asked.state is AskedState.FRESH
    assert world.queue.jobs == []


def test_i6_when_nobody_can_count_nobody_asks(world: ApiWorld) -> None:
    # given a ledger that can't be reached
    world.add("acc_1")
    world.limits.down = True
    # when
    with pytest.raises(RetryLaterError):
        world.services.request_sync.run(ALICE, "acc_1")
    # then nothing is owed
    assert world.feeds.get("acc_1").wanted is None
