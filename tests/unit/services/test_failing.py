"""Runs that fail: what is tried again and when, who has to act, and what is told (I7, I10)."""

import logging
from datetime import timedelta

import pytest

from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.domain.feeds import Wanted
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.status import derive
from tests.unit.services.steps import AT, a_world, fills
from tests.unit.services.world import Checkpoint, a_page


def test_i10_a_failed_sync_is_tried_again_by_itself_and_heals() -> None:
    down = RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "The broker is down.")
    world = a_world(down, [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    # Given a first try that fails, Then a message is sent that wakes the retry, with the same job
    first = world.sync()
    assert first is not None
    (wake, user, delay) = world.queue.jobs[-1]
    assert (wake.job_id, user, delay) == (first.run.job_id, "user", 61)
    assert derive(world.feed, world.clock.now()).badge.startswith("Trying again at")
    # When its time comes, Then it is done, and the recovery is told
    world.clock.advance(seconds=61)
    second = world.sync(wake)
    assert second is not None
    assert (second.run.job_id, second.run.outcome) == (first.run.job_id, Outcome.SUCCEEDED)
    assert second.recovery_seconds == 61
    assert "sync_job_recovered" in [one.detail_type for one in world.bus.sent]


def test_i10_a_scheduled_tick_does_not_cut_a_retrys_wait_short() -> None:
    world = a_world(RetryLaterError(ErrorCode.TIMEOUT, "Slow.", not_before=AT + timedelta(minutes=40)))
    world.sync()
    assert world.next_tick() is None
    assert len(world.runs.newest("acc_1", limit=9)) == 1


def test_i10_a_refused_credential_takes_the_feed_off_the_wheel_and_asks_for_a_new_one() -> None:
    world = a_world(UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "The broker refused the token."))
    world.sync()
    assert (world.feed.on_wheel(), world.connections.reconnects) == (False, {"con_1"})
    assert [one.detail_type for one in world.bus.sent] == ["connection_reauth_required"]
    assert world.next_tick() is None


def test_i5_a_connection_that_could_not_be_marked_is_marked_when_the_message_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a worker that ended after the finish, before it could mark the connection
    world = a_world(UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "The broker refused the token."))
    job = world.job()
    with monkeypatch.context() as dying:
        dying.setattr(world.connections, "require_reconnect", dies)
        with pytest.raises(ConnectionError):
            world.sync(job)
    assert (world.feed.runnable, world.connections.reconnects) == (False, set())
    # When its message comes again, Then nobody is asked, and the connection is marked
    assert world.sync(job) is None
    assert world.connections.reconnects == {"con_1"}


def dies(*_: object) -> None:
    raise ConnectionError


def test_an_incomplete_set_up_is_asked_again_by_the_schedule_and_needs_no_new_credential() -> None:
    world = a_world(
        UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, "Select the section Trades."),
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")],
    )
    world.sync()
    assert (world.feed.on_wheel(), world.connections.reconnects) == (True, set())
    world.next_tick()
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i7_one_poison_message_per_failure_streak_comes_back() -> None:
    world = a_world(BrokerChangedError("The answer was not understood."))
    first = world.job()
    reports = [world.sync(first), world.next_tick()]
    world.clock.advance(minutes=1)
    reports.append(world.sync(first))
    assert [report is not None and report.redeliver for report in reports] == [True, False, True]


def test_i10_a_first_sync_that_keeps_failing_has_one_message_and_its_redelivery_always_finds_work() -> None:
    # Given a first sync that fails through a change at the broker
    world = a_world(BrokerChangedError("The answer was not understood."))
    world.feeds.want("acc_1", Wanted(job_id="job_connect", kind=RequestedBy.CONNECT, not_before=world.clock.now()))
    first = world.job(requested_by=RequestedBy.CONNECT).model_copy(update={"job_id": "job_connect"})
    reports = [world.sync(first)]
    # When ticks between its redeliveries fail too, until the tries kept for it are used up
    while world.feed.wanted is not None:
        world.next_tick()
    reports.append(world.sync(first))
    # Then its message comes back all the same, and nobody sent a second one
    assert [report is not None and report.redeliver for report in reports] == [True, True]
    assert world.queue.jobs == []


def test_i10_log_lines_of_a_run_name_the_job_that_it_serves(caplog: pytest.LogCaptureFixture) -> None:
    # Given a request that a scheduled tick's message wakes
    world = a_world(BrokerChangedError("The answer was not understood.", detail="row 3 has no id"))
    world.feeds.want("acc_1", Wanted(job_id="job_manual", kind=RequestedBy.MANUAL, not_before=world.clock.now()))
    # When its run fails
    with caplog.at_level(logging.INFO):
        report = world.sync(job := world.job())
    assert report is not None
    # Then every line leads to it, the first one also from the message, and one says what went wrong
    lines = [vars(record) for record in caplog.records]
    assert [line["message"] for line in lines] == ["sync_job_started", "sync_job_problem", "sync_job_failed"]
    assert {(line["job_id"], line["feed_id"], line["run_id"]) for line in lines} == {
        ("job_manual", "acc_1", report.run.run_id)
    }
    assert lines[0]["message_job_id"] == job.job_id
    assert (lines[1]["error_code"], lines[1]["detail"]) == ("unexpected_answer", "row 3 has no id")


def test_i10_the_last_retry_is_woken_in_time_though_a_queue_holds_no_message_longer() -> None:
    world = a_world(RetryLaterError(ErrorCode.TIMEOUT, "Slow."))
    job = world.job()
    for _ in range(3):
        world.sync(job)
        job, _, delay = world.queue.jobs[-1]
        world.clock.advance(seconds=delay)
    # Then the third retry, after the 15 minutes that are the longest delay of a message, finds its work due
    assert delay == 900
    report = world.sync(job)
    assert report is not None
    assert world.feed.wanted is None
