"""The feeds table: small enough for one write unit, and an index that a sync never touches."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.aws.feed_expressions import acquire_actions, finish_actions
from brokersync.aws.tables.feeds import FeedItem, FeedsDue, StoredLease
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed, Wanted
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.times import minute_of
from brokersync.ports.feeds import Finish
from tests.bench.sizes import item_size

NOW = datetime(2026, 11, 2, 10, 30, 17, 123456, tzinfo=UTC)
ID = "x" * 26
LEASE = StoredLease(
    token=f"lease_{ID}",
    until=NOW + timedelta(seconds=75),
    run=f"run_{ID}",
    job=f"job_{ID}",
    since=NOW,
    by=RequestedBy.SYSTEM,
)


def pages(count: int) -> dict[str, str]:
    """Hashes of so many pages."""
    return {f"{number:04x}": "0123456789a:739922" for number in range(count)}


OANDA = Feed(
    feed_id=f"acc_{ID}",
    user_id="u" * 32,
    connection_id=f"con_{ID}",
    connection_version=12,
    broker="oanda",
    plan=Plan.ELITE,
    interval_min=5,
    chosen_min=5,
    accounts={"101-004-12345678-001": f"acc_{ID}"},
    epoch=123456,
    served_minute=minute_of(NOW),
    cursor="1234567",
    hashes=pages(3),
    coverage=Coverage(start=NOW - timedelta(days=730), end=NOW),
    outcome=Outcome.SUCCEEDED,
    last_attempted_at=NOW,
    last_successful_at=NOW,
    news=123,
)
IBKR = replace(
    OANDA,
    feed_id=f"feed_{ID}",
    broker="ibkr_flex",
    accounts={f"U1234567{number}": f"acc_{ID}" for number in range(3)},
    cursor="2026-11-02",
    hashes=pages(3),
)


ALPACA = replace(OANDA, broker="alpaca", cursor="2026-11-02T10:30:17.123456+00:00", hashes=pages(5))


@pytest.mark.parametrize("feed", [OANDA, IBKR, ALPACA], ids=["oanda", "ibkr_flex", "alpaca"])
@pytest.mark.parametrize(
    "trouble",
    [
        {},
        {"wanted": Wanted(job_id=f"job_{ID}", kind=RequestedBy.MANUAL, not_before=NOW)},
        {
            "outcome": Outcome.FAILED,
            "error_code": ErrorCode.BROKER_UNAVAILABLE,
            "safe_message": "The broker did not answer.",
            "failure_count": 3,
            "first_failed_at": NOW,
            "wanted": Wanted(job_id=f"job_{ID}", kind=RequestedBy.RETRY, not_before=NOW, attempt=2),
        },
        {
            "outcome": Outcome.DEFERRED,
            "error_code": ErrorCode.WORK_IN_PROGRESS,
            "safe_message": "The broker is preparing the statement.",
            "wanted": Wanted(
                job_id=f"job_{ID}",
                kind=RequestedBy.CONNECT,
                not_before=NOW,
                attempt=1,
                state={"reference": "12345678901234", "asked_at": "2026-11-02T10:30:17Z", "polls": "12"},
            ),
        },
    ],
    ids=["quiet", "asked", "retrying", "preparing"],
)
def test_a_feed_that_is_held_costs_one_write_unit(feed: Feed, trouble: dict):
    # given the largest feed of everyday life, held by a worker
    item = FeedItem.of(replace(feed, **trouble))
    item.lease = LEASE
    # then it fits the kilobyte of a write unit; only the reference of a statement in the making may cost a second one
    wanted = trouble.get("wanted")
    units = 2 if wanted is not None and wanted.state else 1
    assert item_size(item.serialize()) <= units * 1024


def test_acquire_and_finish_write_nothing_that_the_due_index_holds():
    # given what the index copies of a feed
    copied = set(FeedsDue.Meta.projection.non_key_attributes) | {"feed_id"}
    assert copied == {"feed_id", "user_id", "broker"}
    # when a run begins and ends
    finish = Finish(outcome=Outcome.SUCCEEDED, finished_at=NOW, served_minute=1, wanted=None, runnable=True)
    written = {str(action.values[0]) for action in [*acquire_actions(LEASE), *finish_actions(finish, OANDA)]}
    # then nothing of it is written: a wheel slot that stays the same costs no write of the index
    assert not written & copied
