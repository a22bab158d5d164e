"""What the engine announces keeps the contract of its events, and nothing else can be read as one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from brokersync.contracts.events import EVENTS, PortfolioUpdateRequested, parse
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode, NeedsReviewError, RetryLaterError, UserActionNeededError
from brokersync.domain.feeds import Feed, Lease, Wanted
from brokersync.domain.plans import Plan
from brokersync.domain.runs import RequestedBy, SectionState
from brokersync.services.conclude import Completed, conclude
from brokersync.services.progress import Progress, Work

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
JOB = SyncJob(job_id="job_1", feed_id="acc_1", requested_by=RequestedBy.MANUAL, requested_at=NOW)
LEASE = Lease(
    feed_id="acc_1",
    token="t",
    epoch=1,
    until=NOW + timedelta(seconds=75),
    run_id="run_1",
    job_id="job_1",
    started_at=NOW,
    requested_by=RequestedBy.MANUAL,
)


def announced(verdict, *, missing=False, news=0, failing=False, tries=0):
    """What the end of a manual run announces, by detail type."""
    feed = Feed(
        feed_id="acc_1",
        user_id="u1",
        connection_id="con_1",
        connection_version=1,
        broker="oanda",
        plan=Plan.PRO,
        interval_min=15,
        accounts={"101": "acc_1"},
        wanted=Wanted(job_id="job_1", kind=RequestedBy.MANUAL, not_before=NOW, attempt=tries),
        news=news,
        first_failed_at=NOW if failing else None,
    )
    progress = Progress.of(feed, "job_1")
    if missing:
        progress.sections["summary"] = SectionState.MISSING
    work = Work.of(feed, JOB, LEASE)
    conclusion = conclude(
        feed=feed,
        job=JOB,
        work=work,
        progress=progress,
        verdict=verdict,
        started_at=NOW,
        now=NOW + timedelta(seconds=2),
    )
    return {one.detail_type: {"event_id": one.event_id, **one.detail} for one in conclusion.finish.announce}


@pytest.mark.parametrize(
    ("detail_type", "end"),
    [
        ("sync_job_succeeded", {"verdict": Completed()}),
        ("sync_job_recovered", {"verdict": Completed(), "failing": True}),
        ("sync_job_partial", {"verdict": Completed(), "missing": True}),
        ("sync_job_failed", {"verdict": RetryLaterError(ErrorCode.TIMEOUT, "late"), "tries": 3}),
        ("account_needs_review", {"verdict": NeedsReviewError(ErrorCode.EMPTY_WHERE_HISTORY, "empty")}),
        ("connection_reauth_required", {"verdict": UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "no")}),
        ("portfolio_update_requested", {"verdict": RetryLaterError(ErrorCode.TIMEOUT, "late"), "news": 3}),
    ],
)
def test_what_a_run_announces_keeps_its_contract(detail_type, end):
    # given the end of a run, and what it announces
    details = announced(**end)
    # when the event is read as a consumer reads it
    event = parse(detail_type, json.dumps(details[detail_type]))
    # then it is of its type and names feed, user and job
    assert type(event) is EVENTS[detail_type]
    assert (event.feed_id, event.user_id, event.job_id, event.broker) == ("acc_1", "u1", "job_1", "oanda")


def test_new_data_is_counted():
    # given entries that an earlier run stored and could not announce
    details = announced(Completed(), news=3)
    # then the event counts them
    event = parse("portfolio_update_requested", json.dumps(details["portfolio_update_requested"]))
    assert isinstance(event, PortfolioUpdateRequested)
    assert event.new_entries == 3


def test_an_unknown_event_is_refused():
    with pytest.raises(KeyError):
        parse("sync_job_enjoyed", "{}")


@pytest.mark.parametrize(
    "change", [{"outcome": "failed"}, {"event_id": ""}, {"token": "x"}, {"version": 2}, {"user_id": None}]
)
def test_an_event_that_breaks_its_contract_is_refused(change):
    # given a good event with one thing changed
    good = announced(Completed())["sync_job_succeeded"]
    assert parse("sync_job_succeeded", json.dumps(good))
    # then it can't be read
    with pytest.raises(ValidationError):
        parse("sync_job_succeeded", json.dumps(good | change))
