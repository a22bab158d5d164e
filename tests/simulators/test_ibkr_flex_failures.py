"""What IBKR refuses or puts off: each in its class, nothing lost, nothing asked twice for nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)
from brokersync.domain.pages import ComeBack
from local.simulators.faults import Fault
from local.simulators.ibkr_flex_world import AccountSpec
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.ibkr_flex_sync import (
    MONDAY,
    NOW,
    QUERY,
    TOKEN,
    Kept,
    Serve,
    assert_kept_is_true,
    error_body,
    loaded,
    paths,
    serving,
)


@pytest.fixture
def flex(stage: tuple[Stage, RunningServer]) -> Iterator[Serve]:
    with serving(stage) as serve:
        yield serve


# --- codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code", "kind", "expected"),
    [
        ("SendRequest", "1001", RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
        ("GetStatement", "1004", RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
        ("SendRequest", "1012", UserActionNeededError, ErrorCode.CONSENT_EXPIRED),
        ("GetStatement", "1015", UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        ("SendRequest", "1014", UserActionNeededError, ErrorCode.SETUP_INCOMPLETE),
        ("GetStatement", "1021", RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
        ("GetStatement", "1999", BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER),
    ],
)
def test_i10_an_error_code_ends_the_run_in_its_class_and_the_next_one_heals(
    flex: Serve, path: str, code: str, kind: type[SyncError], expected: ErrorCode
) -> None:
    # given a ledger that is loaded, and a service that answers with the code once
    simulated = flex(polls=0)
    kept = loaded(simulated)
    simulated.control.faults.add(Fault(path=path, body=error_body(code)))
    before = len(kept.pages)
    # when
    error = simulated.failure(kept)
    # then the run ends in the code's class, its page was kept first, and the cursor stays
    assert (type(error), error.code) == (kind, expected)
    assert code in error.detail
    assert code.encode() in kept.pages[-1].body
    assert len(kept.pages) > before
    assert kept.cursor == MONDAY
    # and the next sync is a good one
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_a_revoked_token_needs_the_trader(flex: Serve) -> None:
    simulated = flex()
    error = simulated.failure(Kept(), credentials={"token": "revoked", "query_id": QUERY})
    assert (type(error), error.code) == (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED)
    assert paths(simulated) == ["SendRequest"]


@pytest.mark.parametrize("missing", ["token", "query_id"])
def test_a_connection_without_its_credentials_asks_nobody(flex: Serve, missing: str) -> None:
    simulated = flex()
    error = simulated.failure(Kept(), credentials={"token": TOKEN, "query_id": QUERY} | {missing: " "})
    assert (error.code, missing in error.safe_message) == (ErrorCode.SETUP_INCOMPLETE, True)
    assert paths(simulated) == []


# --- waiting --------------------------------------------------------------------------------------------------------


def test_a_statement_that_never_comes_is_given_up_after_twelve_polls(flex: Serve) -> None:
    # given a weekend on which 1019 never ends
    simulated = flex(polls=1000)
    # when
    error = simulated.failure(Kept())
    # then one request and twelve polls were made, and it is tried again later
    assert (type(error), error.code) == (RetryLaterError, ErrorCode.WORK_IN_PROGRESS)
    assert paths(simulated) == ["SendRequest", *["GetStatement"] * 12]


def test_a_lost_reference_is_renewed_twice(flex: Serve) -> None:
    # given a service that forgets references
    simulated = flex(polls=0)
    kept = loaded(simulated)
    simulated.control.faults.add(Fault(path="GetStatement", body=error_body("1017"), times=2))
    # when it forgets two, then the third is good
    simulated.sync(kept)
    assert paths(simulated) == ["SendRequest", "GetStatement"] * 3
    # when it forgets more, then that is given up
    simulated.control.forget_requests()
    simulated.control.faults.add(Fault(path="GetStatement", body=error_body("1017"), times=None))
    error = simulated.failure(kept)
    assert (type(error), error.code) == (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE)
    assert paths(simulated) == ["SendRequest", "GetStatement"] * 3


def test_a_query_that_was_made_minutes_ago_heals_and_a_wrong_one_does_not(flex: Serve) -> None:
    # given a service that can't validate the query at first
    simulated = flex(polls=0)
    simulated.control.faults.add(Fault(path="SendRequest", body=error_body("1020"), times=2))
    kept = Kept()
    began = simulated.clock.now()
    # when it heals, then it was asked again after one and five minutes
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)
    assert simulated.clock.now() - began >= timedelta(minutes=6)
    # when it doesn't, then the trader is asked
    simulated.control.forget_requests()
    simulated.control.faults.add(Fault(path="SendRequest", body=error_body("1020"), times=None))
    error = simulated.failure(kept)
    assert (type(error), error.code) == (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE)
    assert paths(simulated) == ["SendRequest"] * 4


def test_i6_a_limit_names_when_to_come_back(flex: Serve) -> None:
    # given a service that asks to slow down at the first request
    simulated = flex()
    simulated.control.faults.add(Fault(path="SendRequest", body=error_body("1018")))
    kept = Kept()
    # when
    with pytest.raises(RetryLaterError) as limited:
        simulated.run(kept)
    # then
    assert limited.value.code is ErrorCode.RATE_LIMITED
    assert limited.value.not_before == simulated.clock.now() + timedelta(minutes=1)


def test_i6_a_limit_in_the_middle_of_a_run_loses_nothing_that_was_reached(flex: Serve) -> None:
    # given a run that came for the overview, and a limit on what it asks next
    simulated = flex(polls=0)
    kept = Kept()
    later = simulated.run(kept)
    assert later is not None
    simulated.wait_until(later.at)
    simulated.control.faults.add(Fault(path="SendRequest", body=error_body("1018")))
    # when
    limited = simulated.run(kept)
    # then it comes back for the window, not for the overview
    assert isinstance(limited, ComeBack)
    assert limited.at == simulated.clock.now() + timedelta(minutes=1)
    assert limited.state["section"] == "statement"
    simulated.control.forget_requests()
    simulated.wait_until(limited.at)
    simulated.sync(kept)
    assert paths(simulated) == ["SendRequest", "GetStatement"]
    assert_kept_is_true(simulated, kept)


def test_i11_a_run_that_lost_its_state_begins_with_what_the_cursor_owes(flex: Serve) -> None:
    # given a first load of several windows, whose state is lost after every run
    simulated = flex(accounts=[AccountSpec(account="U7000001", executions=100, days=800)], polls=0)
    kept = Kept()
    while (later := simulated.run_within_limits(kept)) is not None:
        simulated.wait_until(later)
        assert kept.runs < 60
        if kept.runs % 3 == 0:
            kept.state = {}
    # then it is complete all the same
    assert_kept_is_true(simulated, kept)


def test_i2_a_run_that_is_done_twice_changes_nothing(flex: Serve) -> None:
    # given a state that was served already, after which the cursor moved on
    simulated = flex(polls=0)
    kept = loaded(simulated)
    simulated.wait_until(NOW + timedelta(hours=1))
    later = simulated.run(kept)
    assert later is not None
    state = kept.state
    simulated.wait_until(later.at)
    simulated.sync(kept)
    simulated.wait_until(NOW + timedelta(days=1))
    simulated.sync(kept)
    simulated.control.forget_requests()
    # when it is served once more
    kept.state = state
    simulated.sync(kept)
    # then its reference is too old, its window is asked for anew, and the cursor stays where it is
    assert paths(simulated) == ["GetStatement", "SendRequest", "GetStatement"]
    assert kept.cursor == "20260512"
    assert_kept_is_true(simulated, kept)
