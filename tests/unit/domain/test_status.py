"""I5: what a trader is told, for every way a run can end. DESIGN 4, the table of badges."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed, Lease, Wanted
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.status import AccountStatus, derive

NOW = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
FEED = Feed(
    feed_id="acc_1",
    user_id="u",
    connection_id="con_1",
    connection_version=1,
    broker="oanda",
    plan=Plan.PRO,
    interval_min=15,
    accounts={"001": "acc_1"},
    last_successful_at=NOW - timedelta(hours=3),
)
LEASE = Lease(
    feed_id="acc_1",
    token="t",
    epoch=4,
    until=NOW + timedelta(seconds=30),
    run_id="run_1",
    job_id="job_1",
    started_at=NOW - timedelta(seconds=45),
    requested_by=RequestedBy.SYSTEM,
)
LATER = Wanted(job_id="job_2", kind=RequestedBy.RETRY, not_before=NOW + timedelta(minutes=5), attempt=1)
DUE = replace(LATER, not_before=NOW)


@pytest.mark.parametrize(
    ("feed", "status", "badge", "action"),
    [
        (FEED, AccountStatus.PENDING, "Waiting for the first sync", ""),
        (replace(FEED, outcome=Outcome.SUCCEEDED), AccountStatus.SYNCED, "Synced", ""),
        (replace(FEED, outcome=Outcome.PARTIAL), AccountStatus.PARTIAL, "Partly synced", "try_again"),
        (replace(FEED, outcome=Outcome.NEEDS_REVIEW), AccountStatus.NEEDS_REVIEW, "Review", "review"),
        (
            replace(FEED, outcome=Outcome.DEFERRED, wanted=LATER),
            AccountStatus.PENDING,
            "Waiting until 10:05:00 UTC",
            "",
        ),
        (
            replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, wanted=LATER),
            AccountStatus.PENDING,
            "Trying again at 10:05:00 UTC",
            "try_again",
        ),
        (
            replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, wanted=DUE),
            AccountStatus.PENDING,
            "Trying again",
            "try_again",
        ),
        (
            replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.INTERNAL, wanted=DUE, poison_job_id="job_2"),
            AccountStatus.FAILED,
            "Failed",
            "try_again",
        ),
        (
            replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT),
            AccountStatus.FAILED,
            "Failed",
            "try_again",
        ),
        (
            replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.CREDENTIALS_REJECTED, runnable=False),
            AccountStatus.FAILED,
            "Re-connect",
            "reconnect",
        ),
        (
            replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.SETUP_INCOMPLETE),
            AccountStatus.FAILED,
            "Failed",
            "try_again",
        ),
        (replace(FEED, outcome=Outcome.SUCCEEDED, lease=LEASE), AccountStatus.SYNCING, "Syncing", ""),
    ],
)
def test_i5_every_outcome_has_its_badge_and_its_one_right_button(
    feed: Feed, status: AccountStatus, badge: str, action: str
) -> None:
    shown = derive(feed, NOW)
    assert (shown.status, shown.badge, shown.action) == (status, badge, action)


def test_i4_syncing_ends_with_the_lease_even_if_its_holder_died() -> None:
    # Given a feed whose worker died, When its lease has run out, Then nobody is told that it is syncing
    feed = replace(FEED, outcome=Outcome.SUCCEEDED, lease=LEASE)
    assert derive(feed, LEASE.until).status is AccountStatus.SYNCED


def test_i5_a_failure_never_moves_the_last_success() -> None:
    feed = replace(FEED, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, last_attempted_at=NOW)
    shown = derive(feed, NOW)
    assert shown.last_successful_sync_at == NOW - timedelta(hours=3)
    assert shown.last_attempted_sync_at == NOW


def test_i10_an_error_says_what_to_do_next_and_is_gone_with_success() -> None:
    failed = replace(
        FEED, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, safe_message="The broker was too slow."
    )
    shown = derive(failed, NOW)
    assert (shown.error_message, shown.next_step != "") == ("The broker was too slow.", True)
    assert derive(replace(failed, outcome=Outcome.SUCCEEDED), NOW).error_code is None


def test_the_next_sync_is_the_earlier_of_schedule_and_retry_and_none_when_stopped() -> None:
    scheduled = derive(FEED, NOW).next_sync_at
    assert scheduled is not None
    assert NOW < scheduled <= NOW + timedelta(minutes=15)
    soon = replace(LATER, not_before=NOW + timedelta(seconds=1))
    assert derive(replace(FEED, wanted=soon), NOW).next_sync_at == soon.not_before
    assert derive(replace(FEED, sync_enabled=False), NOW).next_sync_at is None
    assert derive(replace(FEED, runnable=False), NOW).next_sync_at is None


def test_a_running_manual_job_shows_its_own_id_though_a_tick_woke_the_worker() -> None:
    wanted = Wanted(job_id="job_manual", kind=RequestedBy.MANUAL, not_before=NOW - timedelta(minutes=1))
    assert derive(replace(FEED, lease=LEASE, wanted=wanted), NOW).job_id == "job_manual"
    assert derive(replace(FEED, lease=LEASE), NOW).job_id == "job_1"
