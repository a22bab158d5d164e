"""Tokens, penalty tickets and moved logins: a run gets through where it can, and asks no more than it may."""

from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.brokers.tradovate.refusals import LOCKED_OUT
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.tradovate_sync import CREDENTIALS, LOGIN, Kept, Simulated, fails

SIGN_IN, RENEW = "/auth/accesstokenrequest", "/auth/renewaccesstoken"


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_is_used_until_it_nearly_ends_and_then_renewed(simulated: Simulated) -> None:
    # given a login that was synced
    kept = Kept()
    simulated.sync(kept)
    assert simulated.asked()[0] == SIGN_IN
    # when it is synced again and again
    auth = []
    for _ in range(12):
        simulated.after(minutes=14)
        simulated.sync(kept)
        auth += [path for path in simulated.asked() if path.startswith("/auth")]
    # then the session that was begun goes on: renewed when half of a token's 80 minutes are over, no other sign-in
    assert auth == [RENEW] * 4
    assert len(simulated.world.gate.devices) == 1


def test_a_penalised_renewal_is_replaced_by_a_sign_in(simulated: Simulated) -> None:
    # given a token that is to be renewed, and an address from which too many were
    kept = Kept()
    simulated.sync(kept)
    simulated.after(minutes=50)
    simulated.world.gate.penalise_next(RENEW, timedelta(minutes=1))
    # when
    simulated.sync(kept)
    # then the run goes on at once
    assert simulated.asked()[:3] == [RENEW, SIGN_IN, "/account/list"]
    assert kept.later is None


def test_a_refused_token_is_renewed_once_then_replaced_by_a_new_sign_in(simulated: Simulated) -> None:
    # given a session that Tradovate ended
    kept = Kept()
    simulated.sync(kept)
    simulated.world.gate.end_sessions(LOGIN.username)
    # when
    simulated.sync(kept)
    # then the sync succeeds, from the same device
    assert simulated.asked()[:4] == ["/account/list", RENEW, SIGN_IN, "/account/list"]
    assert simulated.untrue(kept) == []
    assert len(simulated.world.gate.devices) == 1


@pytest.mark.parametrize(("status", "body"), [(401, ""), (200, '{"errorText": "Expired Access Token"}')])
def test_refusals_without_end_cost_one_renewal_and_one_sign_in(simulated: Simulated, status: int, body: str) -> None:
    # given a login that was synced, and lists that refuse every token
    kept = Kept()
    simulated.sync(kept)
    simulated.control.faults.add(Fault(path="/list", status=status, body=body, times=None))
    # when
    error = fails(simulated, kept)
    # then the credential is called rejected only after both, and no more is tried
    assert error.code is ErrorCode.CREDENTIALS_REJECTED
    assert simulated.asked() == ["/account/list", RENEW, "/account/list", SIGN_IN, "/account/list"]


# --- penalties ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [SIGN_IN, "/account/list", "/fill/list", "/cashBalance/getcashbalancesnapshot"])
def test_a_penalty_is_waited_out_and_the_request_sent_again_with_its_ticket(simulated: Simulated, path: str) -> None:
    # given a request that Tradovate penalises
    kept = Kept()
    simulated.world.gate.penalise_next(path, timedelta(seconds=45))
    # when
    simulated.sync(kept)
    # then nobody waits for it: the run ends, and comes back when the time is over
    assert kept.later is not None
    assert timedelta(seconds=45) < kept.later.at - simulated.now <= timedelta(seconds=47)
    # and the next run, at that time, gets through
    simulated.now = kept.later.at
    simulated.sync(kept)
    assert kept.later is None
    assert simulated.untrue(kept) == []


def test_the_ticket_goes_with_its_own_request_alone(simulated: Simulated) -> None:
    # given a penalised list
    kept = Kept()
    simulated.world.gate.penalise_next("/fill/list", timedelta(seconds=5))
    simulated.sync(kept)
    # when it is asked again
    seen: list[str] = []
    assert kept.later is not None
    simulated.now = kept.later.at
    simulated.sync(kept, before=seen.append)
    # then no page tells the ticket
    assert seen.count("/v1/fill/list") == 1
    assert all("p-ticket" not in page.params for page in kept.pages)


def test_who_comes_too_early_is_penalised_again_and_not_for_ever(simulated: Simulated) -> None:
    # given a penalty, and a clock that doesn't move
    kept = Kept()
    simulated.world.gate.penalise_next("/fill/list", timedelta(seconds=60))
    simulated.sync(kept)
    tickets = set()
    # when the request is sent too early, again and again
    for _ in range(4):
        assert kept.later is not None
        tickets.add(kept.later.state["p_ticket"])
        simulated.sync(kept)
    # then each time it gets another ticket, until it is left alone: asking on would only add to the penalties
    error = fails(simulated, kept)
    assert isinstance(error, RetryLaterError)
    assert (error.code, error.not_before) == (ErrorCode.RATE_LIMITED, simulated.now + LOCKED_OUT)
    assert len(tickets) == 4


def test_a_captcha_keeps_us_away_for_an_hour(simulated: Simulated) -> None:
    # given a login with which somebody failed to sign in too often
    for _ in range(5):
        fails(simulated, Kept(), credentials=CREDENTIALS | {"password": "mistyped"})
    # when the right one comes
    error = fails(simulated, Kept())
    # then it is not called wrong, but waits
    assert isinstance(error, RetryLaterError)
    assert (error.code, error.not_before) == (ErrorCode.RATE_LIMITED, simulated.now + LOCKED_OUT)
    # and an hour later it is let in
    simulated.now += LOCKED_OUT
    kept = Kept()
    simulated.sync(kept)
    assert simulated.untrue(kept) == []


# --- moved logins ---------------------------------------------------------------------------------------------------


def test_a_moved_login_is_followed_and_remembered(stage: tuple[Stage, RunningServer]) -> None:
    # given a login that lives on another server of Tradovate's
    simulated, kept = Simulated(stage, replace(LOGIN, organisation=7)), Kept()
    # when it is synced twice
    simulated.sync(kept)
    first = simulated.asked()
    simulated.sync(kept)
    # then only the sign-in was sent to the wrong one, and the token is used where it is good
    assert first[:3] == [SIGN_IN, f"/org-7/v1{SIGN_IN}", "/org-7/v1/account/list"]
    assert all(path.startswith("/org-7/v1/") for path in simulated.asked())
    assert simulated.untrue(kept) == []


@pytest.mark.parametrize(
    "location",
    [
        "https://tradovateapi.com.example/v1/auth/accesstokenrequest",
        "https://eviltradovateapi.com/v1/auth/accesstokenrequest",
        "http://org-1.tradovateapi.com/v1/auth/accesstokenrequest",
        "https://user@org-1.tradovateapi.com/v1/auth/accesstokenrequest",
        "https://org-1.tradovateapi.com:8443/v1/auth/accesstokenrequest",
        "https://org-1.tradovateapi.com/v1/somewhere/else",
        "https://[broken/v1/auth/accesstokenrequest",
    ],
)
def test_i7_a_password_goes_to_no_other_server(simulated: Simulated, location: str) -> None:
    # given a sign-in that is sent elsewhere
    simulated.control.faults.add(Fault(path=SIGN_IN, status=307, headers={"Location": location}, times=None))
    asked: list[str] = []
    # when
    error = fails(simulated, Kept(), before=asked.append)
    # then nothing is sent there
    assert isinstance(error, BrokerChangedError)
    assert asked == [f"/v1{SIGN_IN}"]


def test_a_server_that_sends_us_around_is_not_followed_for_ever(simulated: Simulated) -> None:
    simulated.control.faults.add(
        Fault(path="/account/list", status=307, headers={"Location": "/v1/account/list"}, times=None)
    )
    kept = Kept()
    assert isinstance(fails(simulated, kept), BrokerChangedError)
    assert simulated.asked().count("/account/list") == 3
    assert [page.status for page in kept.pages] == [307]
