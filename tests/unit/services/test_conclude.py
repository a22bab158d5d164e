"""I5, I10: how a run ends, for every kind of verdict. Pure: no store, no broker."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage, Hole
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    NeedsReviewError,
    RetryLaterError,
    UserActionNeededError,
)
from brokersync.domain.feeds import Feed, Wanted
from brokersync.domain.pages import ComeBack
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy, SectionState
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import next_due
from brokersync.services.conclude import Completed, Conclusion, OutOfTime, Verdict, conclude
from brokersync.services.progress import Progress, Work

NOW = datetime(2026, 11, 19, 10, 0, 30, tzinfo=UTC)
STARTED = NOW - timedelta(seconds=20)
TICK = minute_of(STARTED)
FEED = Feed(
    feed_id="acc_1",
    user_id="user",
    connection_id="con_1",
    connection_version=1,
    broker="oanda",
    plan=Plan.PRO,
    interval_min=15,
    accounts={"001": "acc_1"},
    served_minute=TICK - 15,
    outcome=Outcome.SUCCEEDED,
)
JOB = SyncJob(job_id="job_1", feed_id="acc_1", requested_by=RequestedBy.SYSTEM, requested_at=STARTED, tick=TICK)
TIMEOUT = RetryLaterError(ErrorCode.TIMEOUT, "The broker was too slow.")


def end(
    verdict: Verdict, *, feed: Feed = FEED, work: Work | None = None, progress: Progress | None = None
) -> Conclusion:
    return conclude(
        feed=feed,
        job=JOB,
        work=work or Work(job_id="job_1", requested_by=RequestedBy.SYSTEM),
        progress=progress or Progress.of(feed, "job_1"),
        verdict=verdict,
        started_at=STARTED,
        now=NOW,
    )


def kinds(conclusion: Conclusion) -> list[str]:
    return [one.detail_type for one in conclusion.finish.announce]


def test_i5_success_needs_every_section() -> None:
    # Given a run that stored all it fetched, Then it succeeded, and its tick and all before are served
    good = end(Completed())
    assert (good.finish.outcome, good.finish.succeeded_at) == (Outcome.SUCCEEDED, NOW)
    assert good.finish.served_minute == TICK
    # Given one whose broker left a section out, Then it is partial, names it, and is no success
    progress = Progress.of(FEED, "job_1")
    progress.sections = {"trades": SectionState.STORED, "positions": SectionState.MISSING}
    partial = end(Completed(), progress=progress)
    assert (partial.finish.outcome, partial.finish.succeeded_at) == (Outcome.PARTIAL, None)
    assert "positions" in partial.finish.safe_message


def test_i5_a_row_nobody_understood_keeps_the_feed_partial_until_it_is_resolved() -> None:
    # Given an earlier run that kept a row raw, When a later run finds nothing new
    hole = Hole(run_id="run_0", first=0, last=0, rows={"0badc0de": ""})
    feed = replace(FEED, coverage=Coverage(holes=(hole,)))
    # Then the feed doesn't turn green over the missing row
    assert end(Completed(), feed=feed).finish.outcome is Outcome.PARTIAL


def test_i10_failures_are_tried_again_after_1_5_and_15_minutes_and_then_said_to_have_failed() -> None:
    feed, work, delays = FEED, Work(job_id="job_1", requested_by=RequestedBy.SYSTEM), []
    # When the broker is down at each try
    for _ in range(3):
        finish = end(TIMEOUT, feed=feed, work=work).finish
        assert finish.wanted is not None
        assert finish.wanted.job_id == "job_1"
        delays.append(finish.wanted.not_before - NOW)
        work = Work(job_id="job_1", requested_by=RequestedBy.RETRY, attempt=finish.wanted.attempt, wanted=finish.wanted)
        feed = replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, wanted=finish.wanted)
    # Then the delays grow, and the fourth failure ends it, tells somebody, and leaves the wheel alone
    assert delays == [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)]
    last = end(TIMEOUT, feed=feed, work=work)
    assert (last.finish.wanted, last.finish.outcome, last.finish.runnable) == (None, Outcome.FAILED, True)
    assert kinds(last) == ["sync_job_failed"]
    assert not last.redeliver


def test_i6_who_is_held_back_by_a_breaker_comes_back_at_a_minute_of_its_own_and_uses_no_try() -> None:
    # given feeds of one interval that an open breaker held back, with two tries used up
    until = NOW + timedelta(seconds=45)
    held_back = RetryLaterError(ErrorCode.CIRCUIT_OPEN, "The broker has trouble.", not_before=until)
    work = Work(job_id="job_1", requested_by=RequestedBy.RETRY, attempt=2)
    ends = [end(held_back, feed=replace(FEED, feed_id=f"acc_{n}"), work=work).finish for n in range(40)]
    # then each waits for its own tick after that, and none has used a try
    assert {finish.outcome for finish in ends} == {Outcome.DEFERRED}
    assert {finish.wanted.attempt for finish in ends if finish.wanted} == {2}
    for number, finish in enumerate(ends):
        assert finish.wanted is not None
        assert finish.wanted.not_before > until
        tick = next_due(f"acc_{number}", FEED.interval_min, minute_of(until))
        assert finish.wanted.not_before == start_of_minute(tick)
        assert Feed.owes(replace(FEED, wanted=finish.wanted), "job_2", tick, start_of_minute(tick))
    assert len({finish.wanted.not_before for finish in ends if finish.wanted}) > 8


def test_i6_a_missing_permit_or_a_hint_defers_to_its_time_and_uses_no_try() -> None:
    hint = NOW + timedelta(seconds=42)
    for error in (
        RetryLaterError(ErrorCode.RATE_LIMITED, "Asked too often.", not_before=hint),
        RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "Waiting.", not_before=hint),
    ):
        work = Work(job_id="job_1", requested_by=RequestedBy.SYSTEM, attempt=2, state={"reference_code": "7"})
        finish = end(error, work=work).finish
        assert finish.outcome is Outcome.DEFERRED
        assert finish.wanted is not None
        assert (finish.wanted.not_before, finish.wanted.attempt, finish.wanted.state) == (
            hint,
            2,
            {"reference_code": "7"},
        )
        assert finish.failure_count == 0


def test_a_429_that_names_no_time_is_a_failed_try() -> None:
    finish = end(RetryLaterError(ErrorCode.RATE_LIMITED, "Asked too often.")).finish
    assert (finish.outcome, finish.wanted and finish.wanted.attempt) == (Outcome.FAILED, 1)


def test_a_statement_in_preparation_is_asked_for_again_with_its_reference() -> None:
    later = NOW + timedelta(seconds=10)
    finish = end(ComeBack(at=later, state={"reference_code": "7"}, safe_message="Being prepared.")).finish
    assert finish.wanted == Wanted(
        job_id="job_1", kind=RequestedBy.RETRY, not_before=later, state={"reference_code": "7"}
    )
    assert (finish.outcome, finish.failure_count) == (Outcome.DEFERRED, 0)


def test_a_long_history_goes_on_at_once_with_the_cursor_it_reached() -> None:
    progress = Progress.of(FEED, "job_1")
    progress.cursor = "5000"
    work = Work(job_id="job_c", requested_by=RequestedBy.CONNECT)
    finish = end(OutOfTime(), work=work, progress=progress).finish
    assert (finish.cursor, finish.outcome) == ("5000", Outcome.DEFERRED)
    assert finish.wanted is not None
    assert (finish.wanted.kind, finish.wanted.not_before) == (RequestedBy.CONNECT, NOW)


@pytest.mark.parametrize(
    ("code", "goes_on"), [(ErrorCode.CREDENTIALS_REJECTED, False), (ErrorCode.SETUP_INCOMPLETE, True)]
)
def test_i10_what_only_the_trader_can_mend_is_not_retried(code: ErrorCode, goes_on: bool) -> None:
    # Given a refused credential the feed leaves the wheel; an incomplete set-up is mended at the broker, so it stays
    conclusion = end(UserActionNeededError(code, "Please act."))
    assert (conclusion.finish.wanted, conclusion.finish.runnable) == (None, goes_on)
    assert kinds(conclusion) == ["sync_job_failed" if goes_on else "connection_reauth_required"]
    assert not conclusion.redeliver


def test_i5_a_contradiction_waits_for_a_person_and_the_schedule_goes_on() -> None:
    progress = Progress.of(replace(FEED, cursor="7"), "job_1")
    conclusion = end(NeedsReviewError(ErrorCode.EMPTY_WHERE_HISTORY, "Empty."), progress=progress)
    assert (conclusion.finish.outcome, conclusion.finish.runnable) == (Outcome.NEEDS_REVIEW, True)
    assert conclusion.finish.cursor == "7"
    assert kinds(conclusion) == ["account_needs_review"]


def test_i7_only_the_first_job_of_a_failure_streak_reaches_the_dead_letter_queue() -> None:
    broken = BrokerChangedError("The answer was not understood.")
    # Given the first failure, Then its message comes back, and its tick doesn't count as served
    first = end(broken)
    assert (first.redeliver, first.finish.poison_job_id, first.finish.served_minute) == (True, "job_1", None)
    # Given a later job of the same streak, Then it is consumed
    later = end(broken, feed=replace(FEED, poison_job_id="job_0"))
    assert (later.redeliver, later.finish.poison_job_id) == (False, "job_0")
    # Given success in between, Then the next failure starts a new streak
    assert end(Completed(), feed=replace(FEED, poison_job_id="job_0")).finish.poison_job_id == ""


def test_i10_a_manual_job_that_fails_through_our_fault_is_given_up_after_four_tries() -> None:
    work = Work(job_id="job_m", requested_by=RequestedBy.MANUAL)
    for tried in range(4):
        wanted = Wanted(job_id="job_m", kind=RequestedBy.MANUAL, not_before=STARTED, attempt=tried)
        work = Work(job_id="job_m", requested_by=RequestedBy.MANUAL, attempt=tried, wanted=wanted)
        kept = end(BrokerChangedError("?"), work=work).finish.wanted
        assert (kept is None) == (tried == 3)


def test_i3_new_data_is_announced_however_the_run_ended_and_however_many_died_before() -> None:
    # Given entries that a dead worker stored without announcing them, and some of this run
    progress = Progress.of(FEED, "job_1")
    progress.stats.inserted = 2
    for verdict in (Completed(), TIMEOUT):
        announce = end(verdict, feed=replace(FEED, news=3), progress=progress).finish.announce
        assert [one.detail["new_entries"] for one in announce if one.detail_type == "portfolio_update_requested"] == [5]


def test_recovery_partial_and_manual_jobs_are_announced_and_quiet_syncs_are_not() -> None:
    assert kinds(end(Completed())) == []
    failing = replace(FEED, outcome=Outcome.FAILED, failure_count=2, first_failed_at=NOW - timedelta(hours=1))
    assert kinds(end(Completed(), feed=failing)) == ["sync_job_recovered"]
    manual = Work(job_id="job_1", requested_by=RequestedBy.MANUAL)
    assert kinds(end(Completed(), work=manual)) == ["sync_job_succeeded"]


def test_a_failure_streak_counts_and_keeps_its_beginning_until_success() -> None:
    since = NOW - timedelta(hours=1)
    failing = replace(FEED, failure_count=2, first_failed_at=since)
    again = end(TIMEOUT, feed=failing).finish
    assert (again.failure_count, again.first_failed_at) == (3, since)
    good = end(Completed(), feed=failing).finish
    assert (good.failure_count, good.first_failed_at) == (0, None)
