"""What a sync asks SnapTrade for, when it waits, and that nothing is missed on the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from brokersync.brokers.snaptrade.identity import Cursor
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.domain.pages import ComeBack
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer
from local.simulators.snaptrade_http import PAGE_SIZE
from local.simulators.snaptrade_world import AccountSpec
from tests.simulators.conftest import Stage
from tests.simulators.snaptrade_sync import PERSONAL, SPEC, Kept, Simulated, assert_kept_is_true

Serve = Callable[..., Simulated]


@pytest.fixture
def serve(stage: tuple[Stage, RunningServer]) -> Serve:
    """Serves an account of SnapTrade, in place of the one before."""

    def served(spec: AccountSpec = SPEC, *, per_minute: int = 100_000, **changes: object) -> Simulated:
        return Simulated(stage, replace(spec, **changes), per_minute=per_minute)

    return served


@pytest.mark.parametrize("days_only", [False, True])
def test_a_first_sync_brings_everything(serve: Serve, days_only: bool) -> None:
    # given an account with a past, at an institution that tells times, or only days
    simulated, kept = serve(executions=300, days_only=days_only), Kept()
    # when it is synced
    assert simulated.fetch(kept) is None
    # then all is there, and the cursor is the newest day and the account that it was
    assert_kept_is_true(simulated, kept)
    newest = max(one.occurred_at.utc.date() for one in kept.entries.values())
    assert Cursor.parse(kept.cursor) == Cursor(served=newest, account_id=simulated.account.id)


def test_an_account_is_looked_for_once(serve: Serve) -> None:
    # given a synced account
    simulated, kept = serve(executions=20), Kept()
    simulated.fetch(kept)
    # when it is synced again
    simulated.control.forget_requests()
    simulated.fetch(kept)
    # then five requests do
    asked = [one.path.replace(simulated.account.id, "{id}") for one in simulated.requests()]
    connection = f"/authorizations/{simulated.account.connection.id}"
    own = "/accounts/{id}"
    assert asked == [own, connection, f"{own}/activities", f"{own}/balances", f"{own}/positions/all"]
    # and they ask for the overlap
    (activities,) = simulated.requests("activities")
    served = Cursor.parse(kept.cursor).served
    assert served is not None
    assert activities.params["startDate"] == (served - timedelta(days=14)).isoformat()


def test_coverage_ends_where_snaptrade_has_loaded(serve: Serve) -> None:
    # given an account whose transactions are there up to yesterday
    simulated, kept = serve(executions=20), Kept()
    # when it is synced, though it trades today
    simulated.world.trade(simulated.spec.identity, 3)
    simulated.fetch(kept)
    # then it is complete up to yesterday's end and not to now, and SnapTrade's own waterline is told
    covered = [one for one in kept.checkpoints if one.covered_to is not None]
    assert {one.covered_to for one in covered} == {datetime(2026, 5, 12, tzinfo=UTC)}
    assert {one.waterline for one in covered} == {datetime(2026, 5, 12, tzinfo=UTC)}
    assert_kept_is_true(simulated, kept)
    # and on the next day, when that is loaded, it has moved
    simulated.later(days=1)
    simulated.fetch(kept)
    assert kept.checkpoints[-2].covered_to == datetime(2026, 5, 13, tzinfo=UTC)
    assert_kept_is_true(simulated, kept)


def test_without_a_waterline_nothing_is_called_complete(serve: Serve) -> None:
    # given an account of which SnapTrade doesn't say how far its transactions go
    simulated, kept = serve(executions=20), Kept()
    simulated.fetch(kept)
    account = next(page for page in kept.pages if page.section == "account")
    body = account.body.replace(b'"last_successful_sync":"2026-05-11"', b'"last_successful_sync":null')
    assert body != account.body
    simulated.control.faults.add(Fault(path="/accounts/[0-9a-f-]+$", status=200, body=body.decode()))
    # when it is synced
    kept.checkpoints.clear()
    simulated.fetch(kept)
    # then what comes is kept, and nothing is proven by it
    assert {(one.covered_from, one.covered_to, one.waterline) for one in kept.checkpoints} == {(None, None, None)}


def test_i5_transactions_that_are_not_loaded_any_more_are_no_success(serve: Serve) -> None:
    # given a connection that isn't disabled, but whose transactions have not been loaded for more than a week
    simulated, kept = serve(executions=20), Kept()
    simulated.fetch(kept)
    account = next(page for page in kept.pages if page.section == "account")
    body = account.body.replace(b'"last_successful_sync":"2026-05-11"', b'"last_successful_sync":"2026-05-03"')
    simulated.control.faults.add(Fault(path="/accounts/[0-9a-f-]+$", status=200, body=body.decode()))
    # when it is synced
    kept.checkpoints.clear()
    with pytest.raises(RetryLaterError, match="no transactions since 2026-05-03") as late:
        simulated.fetch(kept)
    # then all that there is was kept, and it is said that there should be more
    assert late.value.code is ErrorCode.BROKER_UNAVAILABLE
    assert kept.checkpoints[-1].last
    assert {one.covered_to for one in kept.checkpoints if one.covered_to} == {datetime(2026, 5, 4, tzinfo=UTC)}


@pytest.mark.parametrize("executions", [PAGE_SIZE - 200, 2 * PAGE_SIZE + 500])
def test_a_window_is_paged_to_its_end(serve: Serve, executions: int) -> None:
    # given a past of several pages
    simulated, kept = serve(executions=executions, days=400), Kept()
    # when it is synced
    simulated.fetch(kept)
    # then each page begins where the one before ended
    assert_kept_is_true(simulated, kept)
    offsets = [int(one.params["offset"]) for one in simulated.requests("activities") if one.params["limit"] != "1"]
    assert offsets == list(range(0, offsets[-1] + 1, PAGE_SIZE))
    assert len(kept.entries) > offsets[-1]


def test_a_long_history_is_read_in_windows_that_fit(serve: Serve) -> None:
    # given a past that is more than a chunk should hold
    simulated, kept = serve(executions=4_500, days=900), Kept()
    # when it is synced
    assert simulated.fetch(kept) is None
    # then it came in windows from the oldest on, none with more than five pages, and the cursor only went forward
    assert_kept_is_true(simulated, kept)
    assert max(len(said.executions) + len(said.cash_events) for said in kept.said) <= 5 * PAGE_SIZE
    assert sum(len(said.executions) + len(said.cash_events) for said in kept.said) == len(kept.entries)
    served = [Cursor.parse(one.cursor).served for one in kept.checkpoints if one.cursor]
    assert served == sorted(served, key=lambda day: day or date.min)
    assert len(set(served)) > 1


def test_i3_a_load_that_was_interrupted_goes_on_where_it_was(serve: Serve) -> None:
    # given a long history whose load fails in its second window
    simulated, kept = serve(executions=4_500, days=900), Kept()

    def fail(_ordinal: int) -> None:
        if len([one for one in kept.checkpoints if one.covered_to]) == 1:
            raise ConnectionError("the worker died")

    with pytest.raises(ConnectionError):
        simulated.fetch(kept, before=fail)
    first = Cursor.parse(kept.cursor).served
    assert first is not None
    # when it is synced again
    simulated.control.forget_requests()
    simulated.fetch(kept)
    # then it goes on from there, and all is there
    assert simulated.requests("activities")[0].params["startDate"] == (first - timedelta(days=14)).isoformat()
    assert_kept_is_true(simulated, kept)


def test_a_personal_key_asks_for_a_long_history_over_several_minutes(serve: Serve) -> None:
    # given a Personal key, of which SnapTrade counts the requests per account, and more trades than fit the overlap
    simulated, kept = serve(PERSONAL, executions=8_000, days=60), Kept()
    # when it is synced, run by run, each when it wanted to come back
    runs = 1
    while (back := simulated.fetch(kept)) is not None:
        assert back.at == simulated.now + timedelta(minutes=1)
        simulated.now, kept.state = back.at, back.state
        runs += 1
    # then everything is there, and it was never told to slow down
    assert runs > 2
    assert_kept_is_true(simulated, kept)
    assert 429 not in {one.status for one in simulated.requests()}


def test_i3_a_list_that_changes_while_it_is_read_is_read_again(serve: Serve) -> None:
    # given a past of several pages, and an institution that tells something more after the first
    simulated, kept = serve(executions=1_500, days=25), Kept()

    def load(ordinal: int) -> None:
        if ordinal == 6:  # authorizations, accounts, the account, its connection, a page: the second page
            simulated.world.late(simulated.spec.identity)
            simulated.world.load(simulated.spec.identity)

    # when it is synced
    back = simulated.fetch(kept, before=load)
    # then nothing of it is believed, and it is read again soon
    assert isinstance(back, ComeBack)
    assert (back.at, back.state) == (simulated.now + timedelta(minutes=1), {"waits": "1"})
    assert kept.entries == {}
    assert simulated.fetch(kept) is None
    assert_kept_is_true(simulated, kept)


def test_i5_a_list_that_ends_before_its_total_is_no_answer(serve: Serve) -> None:
    # given a list that says it has more than it gives
    simulated, kept = serve(executions=20, days=25), Kept()
    body = '{"data": [], "pagination": {"offset": 0, "limit": 1000, "total": 5}}'
    simulated.control.faults.add(Fault(path="/activities", status=200, body=body))
    # when it is synced, then developers look at it
    with pytest.raises(BrokerChangedError, match=r"tells 5 of .* and ends after 0"):
        simulated.fetch(kept)


def test_a_new_connection_is_waited_for_while_it_loads(serve: Serve) -> None:
    # given an account that was connected anew and is still being loaded
    simulated, kept = serve(executions=50), Kept()
    simulated.world.relink(simulated.spec.identity, loads_for=600)
    # when it is synced
    waits = []
    while (back := simulated.fetch(kept)) is not None:
        waits.append(back.at - simulated.now)
        simulated.now = back.at
    # then it is asked again, less and less often, and its figures are there already
    assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15)]
    assert any(said.balances for said in kept.said[:2])
    assert_kept_is_true(simulated, kept)


def test_what_is_never_loaded_is_given_up_for_now(serve: Serve) -> None:
    # given an account that has been loading for hours
    simulated, kept = serve(executions=5), Kept(state={"waits": "16"})
    simulated.control.faults.add(Fault(path="/activities", status=425, body="{}", times=None))
    # when it is synced, then it counts as a failure that is tried again
    with pytest.raises(RetryLaterError) as late:
        simulated.fetch(kept)
    assert late.value.code is ErrorCode.WORK_IN_PROGRESS


@pytest.mark.parametrize("ahead", [timedelta(minutes=20), timedelta(hours=-3)])
def test_a_clock_that_is_wrong_is_put_right_and_nobody_is_blamed(serve: Serve, ahead: timedelta) -> None:
    # given a clock of ours that is far from SnapTrade's
    simulated, kept = serve(executions=20), Kept()
    simulated.ahead = ahead
    # when the account is synced
    assert simulated.fetch(kept) is None
    # then SnapTrade was asked for its time once, and everything came
    assert_kept_is_true(simulated, kept)
    assert [one.status for one in simulated.requests()][:3] == [401, 200, 200]
    assert [one.path for one in simulated.requests()].count("/") == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": ""}, "client ID is empty"),
        ({"consumer_key": "a b"}, "consumer key is empty or has characters"),
        ({"user_id": "", "user_secret": "x"}, "user ID is empty"),
        ({"user_id": "x", "user_secret": ""}, "user secret is empty"),
    ],
)
def test_credentials_that_cant_be_any_are_refused_before_anybody_is_asked(
    serve: Serve, changes: dict[str, str], said: str
) -> None:
    # given a credential that can't be one
    simulated = serve(executions=5)
    simulated.spec = replace(simulated.spec, **changes)
    # when it is used, then the trader is told which
    with pytest.raises(UserActionNeededError) as refused:
        simulated.fetch(Kept())
    assert refused.value.code is ErrorCode.CREDENTIALS_REJECTED
    assert said in refused.value.safe_message
    assert simulated.requests() == []


def test_a_listing_that_cant_be_read_is_kept(serve: Serve) -> None:
    # given a listing of accounts that is broken
    simulated, kept = serve(executions=5), Kept()
    simulated.control.faults.add(Fault(path="/accounts$", status=200, body='[{"id": 1, "sync_status": {}}]'))
    # when it is synced
    with pytest.raises(BrokerChangedError, match="account id: "):
        simulated.fetch(kept)
    # then there is something to look at
    assert [(page.path, page.status) for page in kept.pages] == [("/accounts", 200)]
