"""A trader asks for a sync now."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.domain.errors import NEXT_STEPS, ErrorCode
from brokersync.domain.feeds import Wanted
from brokersync.domain.identity import user_id
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.services.own_accounts import AccountNotFoundError
from brokersync.services.request_sync import ReconnectNeededError, RequestedSync, RequestSync
from tests.unit.functions.api_world import ISSUER, ApiWorld

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

    request_sync = RequestSync(world.own, world.feeds, LookingQueue(), world.ids, world.clock)

    # when a sync is asked for
    requested = request_sync.run(ALICE, "acc_1")

    # then the feed owed exactly that job when the message went out
    [(job_id, owed)] = owed_at_send
    assert job_id == requested.job_id == owed.job_id
    assert owed.not_before == world.clock.now()
    assert not requested.running


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
    assert requested == RequestedSync(job_id="job_running", running=True)
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
    assert not requested.running
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
    assert requested == RequestedSync(job_id="job_retry", running=False)
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
