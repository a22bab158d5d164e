"""Asking for older history, and taking that back. What the load then does: test_loads.py."""

from datetime import UTC, datetime, timedelta

import pytest

from brokersync.domain.coverage import Coverage, Span
from brokersync.domain.identity import user_id
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.plans import Plan
from brokersync.services.backfill import BadRangeError, LoadGoesOnError
from brokersync.services.own_accounts import AccountNotFoundError
from brokersync.services.request_sync import ReconnectNeededError
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import ISSUER, ApiWorld

ALICE = user_id(ISSUER, "alice")
KNOWN = START - timedelta(days=30)


@pytest.fixture
def world() -> ApiWorld:
    """Alice on the plan pro, with an account whose last 30 days are there."""
    world = ApiWorld()
    world.add("acc_1", coverage=Coverage(start=KNOWN, end=START))
    return world


def ask(world: ApiWorld, start: datetime, end: datetime | None = None) -> LoadRequest:
    return world.services.backfill.run(ALICE, "acc_1", start, end)


def test_i11_a_backfill_is_written_down_before_a_worker_is_woken_for_it(world: ApiWorld) -> None:
    # given a queue that can't be reached
    world.queue.down = True
    # when older history is asked for
    asked = ask(world, START - timedelta(days=300))
    # then it is owed, until what is there already
    feed = world.feeds.get("acc_1")
    assert feed.load_request == asked
    assert (asked.kind, asked.start, asked.end) == (LoadKind.BACKFILL, START - timedelta(days=300), KNOWN)
    assert (feed.wanted.job_id, feed.wanted.kind) == (asked.job_id, "backfill")
    # and with a queue that works, its message goes to the slow one
    world.queue.down = False
    world.services.backfill.cancel(ALICE, "acc_1")
    ask(world, START - timedelta(days=300))
    assert [job.feed_id for job, _, _ in world.queue.backfills] == ["acc_1"]


def test_no_gap_is_left_between_the_backfill_and_what_is_there(world: ApiWorld) -> None:
    # when an older stretch is asked for that ends long before what is there, then it is loaded up to it
    assert ask(world, START - timedelta(days=300), START - timedelta(days=200)).end == KNOWN
    world.services.backfill.cancel(ALICE, "acc_1")
    # and days that are there may be read again
    again = ask(world, START - timedelta(days=20), START - timedelta(days=10))
    assert (again.start, again.end) == (START - timedelta(days=20), START - timedelta(days=10))


def test_a_backfill_of_the_last_days_begins_where_the_history_ends(world: ApiWorld) -> None:
    # given an account that could not be synced for ten days
    reached = START - timedelta(days=10)
    world.add("acc_2", coverage=Coverage(start=KNOWN, end=reached))
    # when its trader asks for the last five, then those before them are loaded too
    asked = world.services.backfill.run(ALICE, "acc_2", START - timedelta(days=5), None)
    assert (asked.start, asked.end) == (reached, None)


def test_an_account_that_came_later_is_loaded_up_to_its_own_beginning() -> None:
    # given a feed of several accounts, of which one was opened later
    world = ApiWorld()
    late = START - timedelta(days=5)
    world.add("acc_1", coverage=Coverage(start=KNOWN, end=START, accounts={"acc_1": Span(start=late)}))
    # when its older history is asked for, then all of that is loaded
    assert ask(world, START - timedelta(days=40)).end == late


@pytest.mark.parametrize(
    ("start", "end", "field", "told"),
    [
        (START + timedelta(days=1), None, "from", "not in the past"),
        (START - timedelta(days=5), START - timedelta(days=5), "to", "not after"),
        (START - timedelta(days=5), START + timedelta(seconds=1), "to", "future"),
        (START - timedelta(days=800), None, "from", "plan pro"),
    ],
)
def test_a_range_that_cannot_be_loaded_is_refused_by_its_field(
    world: ApiWorld, start: datetime, end: datetime | None, field: str, told: str
) -> None:
    with pytest.raises(BadRangeError) as refused:
        ask(world, start, end)
    assert refused.value.field == field
    assert told in refused.value.problem
    assert world.feeds.get("acc_1").load_request is None


def test_the_plan_decides_how_far_back(world: ApiWorld) -> None:
    # given the best plan, then any beginning is good
    world.add("acc_2", plan=Plan.ELITE)
    assert world.services.backfill.run(ALICE, "acc_2", datetime(2005, 1, 1, tzinfo=UTC), None).end is not None


def test_one_load_at_a_time_and_only_of_what_can_run_and_is_ones_own(world: ApiWorld) -> None:
    ask(world, START - timedelta(days=300))
    with pytest.raises(LoadGoesOnError):
        ask(world, START - timedelta(days=200))
    world.add("acc_2", runnable=False)
    with pytest.raises(ReconnectNeededError):
        world.services.backfill.run(ALICE, "acc_2", START - timedelta(days=200), None)
    with pytest.raises(AccountNotFoundError):
        world.services.backfill.run("bob", "acc_1", START - timedelta(days=200), None)
    with pytest.raises(AccountNotFoundError):
        world.services.backfill.cancel("bob", "acc_1")


def test_cancelling_twice_is_no_mistake(world: ApiWorld) -> None:
    asked = ask(world, START - timedelta(days=300))
    assert world.services.backfill.cancel(ALICE, "acc_1") == asked.job_id
    assert world.services.backfill.cancel(ALICE, "acc_1") == ""
    assert world.feeds.get("acc_1").load_request is None


def test_the_routes_say_what_is_loaded_how_far_it_is_and_what_was_taken_back(world: ApiWorld) -> None:
    # given an account of which older history is asked for over HTTP
    address = "/trading-accounts/acc_1/backfill"
    accepted = world.post(address, body={"from": "2025-12-01T00:00:00Z"})
    assert accepted.status == 202
    assert (accepted.json["start"], accepted.json["end"]) == ("2025-12-01T00:00:00Z", "2026-01-31T10:30:00Z")
    # when it is asked for twice, in vain, or wrongly, then that is said by its field and with the next step
    assert (world.post(address, body={"from": "2025-12-01T00:00:00Z"}).json["code"]) == "load_in_progress"
    wrong = world.post(address, body={"from": "2015-12-01T00:00:00Z"})
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "from")
    # and it is taken back
    assert world.delete(address).json == {"job_id": accepted.json["job_id"]}


def test_the_versions_of_a_trade_are_read_over_http(world: ApiWorld) -> None:
    # given a stored trade
    world.trade("acc_1", "t:1")
    # when its versions are read, then the first one is there; another's and unknown ones are not
    found = world.get("/trading-accounts/acc_1/trades/t:1/versions")
    assert [(one["version"], one["version_reason"]) for one in found.json["versions"]] == [(1, "")]
    assert world.get("/trading-accounts/acc_1/trades/t2/versions").status == 404
    assert world.get(f"/trading-accounts/acc_1/trades/{'t' * 1001}/versions").status == 404
    assert world.get("/trading-accounts/acc_1/trades/t:1/versions", subject="bob").status == 404
