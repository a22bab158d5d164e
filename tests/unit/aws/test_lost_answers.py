"""Answers of AWS that got lost after they took effect: the client asks again, and nothing is doubled (I2, I11)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.scheduler import DynamoScheduler
from brokersync.aws.session import AwsSession
from brokersync.domain.coverage import Coverage
from brokersync.domain.feeds import Announcement
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import Balance
from brokersync.domain.runs import RequestedBy
from brokersync.ports.dispatching import Position
from brokersync.ports.feeds import Acquired
from tests.contract import made
from tests.contract.test_ports_stored import account, run
from tests.unit.aws.tables.made import MODELS

EVENTS = tuple(Announcement(event_id=event_id, detail_type="t", detail={}) for event_id in ("e1", "e2"))


def lose_answers(session: AwsSession) -> None:
    """From now on the answer of every single write gets lost once, after it took effect."""

    def ask_again(attempts: int, operation: object, **_: object) -> float | None:
        write = operation.name in {"UpdateItem", "PutItem"}
        return 0.0 if write and attempts == 1 else None

    session.client("dynamodb").meta.events.register_first("needs-retry.dynamodb", ask_again)


def acquire(feeds: DynamoFeeds) -> Acquired:
    got = feeds.acquire("acc_1", token="t", run_id="r", job=made.job(), now=made.NOW)
    assert isinstance(got, Acquired)
    return got


START = made.feed(announce=EVENTS, wanted=made.wanted("job_1", at=made.after(minutes=-5)))
LOAD = LoadRequest(kind=LoadKind.BACKFILL, job_id="job_load")
WRITES: dict[str, Callable[[DynamoFeeds, Acquired], object]] = {
    "advance": lambda feeds, held: feeds.advance(held.lease, "9", Coverage(), None),
    "request_load": lambda feeds, held: feeds.request_load("acc_1", LOAD),
    "cancel_load": lambda feeds, held: feeds.cancel_load("acc_1"),
    "add_accounts": lambda feeds, held: feeds.add_accounts(held.lease, {"U1": "acc_2"}),
    "finish": lambda feeds, held: feeds.finish(held.lease, made.finish(announce=EVENTS), held.feed),
    "want": lambda feeds, held: feeds.want("acc_1", made.wanted("job_2", RequestedBy.CONNECT)),
    "reschedule": lambda feeds, held: feeds.reschedule(held.feed, made.schedule(Plan.FREE, 60)),
    "announced": lambda feeds, held: feeds.announced("acc_1", EVENTS[:1]),
}


def lossy_copy() -> AwsSession:
    """A second set of tables whose session loses answers from now on."""
    session = AwsSession(region="us-east-1", table_prefix="lossy-")
    for model in MODELS:
        session.table(model).create_table(ignore_update_ttl_errors=False)
    lose_answers(session)
    return session


@pytest.mark.parametrize("write", WRITES)
def test_i11_a_lost_answer_changes_nothing_about_a_feed(tables: AwsSession, write: str):
    # given two feeds alike, and a client that loses the answers about the second one
    results = []
    for session in (tables, lossy_copy()):
        feeds = DynamoFeeds(session)
        feeds.create(START)
        held = acquire(feeds)
        # when the same is written to both
        answer = WRITES[write](feeds, held)
        results.append((answer, replace(feeds.get("acc_1"), epoch=0, lease=None)))
    # then neither the caller nor the table can tell the difference
    assert results[0] == results[1]


def test_i4_an_acquire_whose_answer_is_lost_holds_the_feed(tables: AwsSession):
    # given a client that loses answers
    feeds = DynamoFeeds(lossy_copy())
    feeds.create(START)
    # when a worker acquires the feed
    held = acquire(feeds)
    # then it holds it under the second epoch, because the first one's answer never came, and sees it as it was
    assert held.lease.epoch == 2
    assert held.predecessor is None
    assert held.feed.wanted == START.wanted
    feeds.finish(held.lease, made.finish(), held.feed)
    assert feeds.get("acc_1").lease is None


def test_i11_a_position_whose_answer_is_lost_is_moved_once(tables: AwsSession):
    # given a dispatcher that loses answers
    scheduler = DynamoScheduler(lossy_copy())
    # when it moves its position
    first = scheduler.move(Position(done_minute=1))
    second = scheduler.move(replace(first, done_minute=2))
    # then it goes on from there
    assert scheduler.state().position == second
    assert second.revision == 2


def test_rows_that_are_written_once_are_there_though_the_answer_is_lost(tables: AwsSession):
    # given a client that loses answers
    session = lossy_copy()
    # when it writes what is written once
    made_run = run()
    DynamoRuns(session).put(made_run, 30)
    DynamoAccounts(session).ensure(account())
    balance = Balance(broker_account_id="U1", currency="EUR", as_of=made.at(made.NOW))
    stored = DynamoPortfolios(session).put("acc_1", "run_1", balance=balance)
    # then it is there
    assert stored
    assert DynamoPortfolios(session).current("acc_1").balance == balance
    assert DynamoRuns(session).newest("acc_1", limit=9) == [made_run]
    assert DynamoAccounts(session).get("acc_1") == account()
