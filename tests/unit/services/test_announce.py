"""I10: exactly these events for each end of a run. What nobody acts on is told in the log alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.contracts.events import parse
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed, Wanted
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.ports.feeds import Finish
from brokersync.services.announce import announce
from brokersync.services.progress import Work

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
JOB = SyncJob(job_id="job_1", feed_id="acc_1", requested_by=RequestedBy.SYSTEM, requested_at=NOW)
FEED = Feed(
    feed_id="acc_1",
    user_id="user_1",
    connection_id="con_1",
    connection_version=1,
    broker="oanda",
    plan=Plan.PRO,
    interval_min=15,
    accounts={"101": "acc_1"},
    outcome=Outcome.SUCCEEDED,
)
FAILING = replace(
    FEED,
    outcome=Outcome.FAILED,
    error_code=ErrorCode.BROKER_UNAVAILABLE,
    failure_count=2,
    first_failed_at=NOW - timedelta(hours=1),
)
REFUSED = replace(FAILING, error_code=ErrorCode.CREDENTIALS_REJECTED)
RENEWED = replace(REFUSED, connection_version=2)
RETRIED = replace(FAILING, wanted=Wanted(job_id="job_1", kind=RequestedBy.RETRY, not_before=NOW, attempt=3))

SYSTEM = Work(job_id="job_1", requested_by=RequestedBy.SYSTEM)
MANUAL = Work(job_id="job_1", requested_by=RequestedBy.MANUAL)
CONNECT = Work(job_id="job_1", requested_by=RequestedBy.CONNECT)


def end(outcome: Outcome, code: ErrorCode | None = None, *, runnable: bool = True, owed: bool = False) -> Finish:
    wanted = Wanted(job_id="job_1", kind=RequestedBy.RETRY, not_before=NOW + timedelta(minutes=1)) if owed else None
    return Finish(outcome=outcome, finished_at=NOW, served_minute=1, wanted=wanted, runnable=runnable, error_code=code)


SUCCEEDED = end(Outcome.SUCCEEDED)
PARTIAL = end(Outcome.PARTIAL, ErrorCode.UNEXPECTED_ANSWER)
DEFERRED = end(Outcome.DEFERRED, ErrorCode.WORK_IN_PROGRESS, owed=True)
WILL_RETRY = end(Outcome.FAILED, ErrorCode.BROKER_UNAVAILABLE, owed=True)
GAVE_UP = end(Outcome.FAILED, ErrorCode.BROKER_UNAVAILABLE)
LOCKED_OUT = end(Outcome.FAILED, ErrorCode.CREDENTIALS_REJECTED, runnable=False)
REVIEW = end(Outcome.NEEDS_REVIEW, ErrorCode.EMPTY_WHERE_HISTORY)


@pytest.mark.parametrize(
    ("feed", "work", "finish", "events"),
    [
        pytest.param(FEED, SYSTEM, SUCCEEDED, [], id="a quiet success"),
        pytest.param(FEED, MANUAL, SUCCEEDED, ["sync_job_succeeded"], id="a success that was asked for"),
        pytest.param(FEED, CONNECT, SUCCEEDED, [], id="a first sync"),
        pytest.param(FAILING, SYSTEM, SUCCEEDED, ["sync_job_recovered"], id="a success after failures"),
        pytest.param(
            FAILING, MANUAL, SUCCEEDED, ["sync_job_recovered", "sync_job_succeeded"], id="Try again, and it works"
        ),
        pytest.param(FAILING, CONNECT, SUCCEEDED, ["sync_job_recovered"], id="a first sync that failed before"),
        pytest.param(
            RENEWED, CONNECT, SUCCEEDED, ["connection_restored", "sync_job_recovered"], id="new credentials work"
        ),
        pytest.param(
            RENEWED, CONNECT, PARTIAL, ["connection_restored", "sync_job_partial"], id="new credentials, not all data"
        ),
        pytest.param(FEED, SYSTEM, PARTIAL, ["sync_job_partial"], id="some data begins to be missing"),
        pytest.param(
            replace(FEED, outcome=Outcome.PARTIAL, error_code=ErrorCode.UNEXPECTED_ANSWER),
            SYSTEM,
            PARTIAL,
            [],
            id="some data is still missing",
        ),
        pytest.param(FEED, SYSTEM, DEFERRED, [], id="not now"),
        pytest.param(FEED, MANUAL, DEFERRED, [], id="not now, though asked for: the job goes on"),
        pytest.param(FEED, SYSTEM, WILL_RETRY, [], id="a failure that is tried again"),
        pytest.param(RETRIED, SYSTEM, GAVE_UP, ["sync_job_failed"], id="the last try failed"),
        pytest.param(FAILING, SYSTEM, GAVE_UP, [], id="the wheel tries in vain, as before"),
        pytest.param(FAILING, MANUAL, GAVE_UP, ["sync_job_failed"], id="Try again in vain"),
        pytest.param(FEED, SYSTEM, LOCKED_OUT, ["connection_reauth_required"], id="a credential is refused"),
        pytest.param(RENEWED, CONNECT, LOCKED_OUT, ["connection_reauth_required"], id="so are the new ones"),
        pytest.param(FEED, SYSTEM, REVIEW, ["account_needs_review"], id="an answer that contradicts the ledger"),
        pytest.param(
            replace(FEED, outcome=Outcome.NEEDS_REVIEW, error_code=ErrorCode.EMPTY_WHERE_HISTORY),
            SYSTEM,
            REVIEW,
            [],
            id="it still does",
        ),
    ],
)
@pytest.mark.parametrize("news", [0, 3])
def test_i10_each_end_is_told_by_exactly_its_events(
    feed: Feed, work: Work, finish: Finish, events: list[str], news: int
) -> None:
    # When a run has ended, with or without entries that nobody was told of
    told = announce(feed, JOB, work, finish, news)
    # Then these events go to the bus and no other, and each can be read by its contract
    assert [one.detail_type for one in told] == events + (["portfolio_update_requested"] if news else [])
    for one in told:
        event = parse(one.detail_type, json.dumps({"event_id": one.event_id, **one.detail}))
        assert (event.feed_id, event.job_id, event.outcome) == ("acc_1", "job_1", finish.outcome)
