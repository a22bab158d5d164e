"""What the provider makes of a broker that refuses, penalises, moves or withholds: the right error, nothing lost."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.brokers.tradovate.refusals import LOCKED_OUT, STATUSES
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, SyncError, UserActionNeededError
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.tradovate_sync import CREDENTIALS, FIRST, LOGIN, Kept, Simulated

SIGN_IN, RENEW = "/auth/accesstokenrequest", "/auth/renewaccesstoken"


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage)


def fails(simulated: Simulated, kept: Kept, **changed: object) -> SyncError:
    with pytest.raises(SyncError) as raised:
        simulated.sync(kept, **changed)  # type: ignore[arg-type]
    return raised.value


# --- statuses and refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [*STATUSES, 302, 418, 500, 503])
def test_every_status_of_a_list_is_classified_and_its_page_is_kept(simulated: Simulated, status: int) -> None:
    # given a list that answers with this status
    kept = Kept()
    simulated.control.faults.add(Fault(path="/fillFee/list", status=status, times=None))
    # when
    error = fails(simulated, kept)
    # then the answer was yielded before it was judged
    assert [page.status for page in kept.pages if page.section == "fill_fees"] == [status]
    expected = {
        401: (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE),  # the token opened other lists
        403: (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        408: (RetryLaterError, ErrorCode.RATE_LIMITED),
        423: (RetryLaterError, ErrorCode.RATE_LIMITED),
        429: (RetryLaterError, ErrorCode.RATE_LIMITED),
    }.get(status, (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE) if status >= 500 else None)
    kind, code = expected or (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER)
    assert (type(error), error.code) == (kind, code)
    if isinstance(error, RetryLaterError):
        assert error.not_before == (simulated.now + LOCKED_OUT if status in (423, 429) else None)


@pytest.mark.parametrize(("status", "code"), [(401, ErrorCode.CREDENTIALS_REJECTED), (404, "unexpected_answer")])
@pytest.mark.parametrize("body", ["", "<html>", "Access is denied", '{"accessToken": "eyJhbGciOi'])
def test_i1_a_sign_in_is_never_kept_whatever_it_answers(
    simulated: Simulated, status: int, code: str, body: str
) -> None:
    kept = Kept()
    simulated.control.faults.add(Fault(path=SIGN_IN, status=status, body=body, times=None))
    error = fails(simulated, kept)
    assert error.code == code
    assert kept.pages == []
    assert "eyJhbGciOi" not in f"{error}{error.detail}"


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"accessToken": "eyJhbGciOi', '{"accessToken": ""}'])
def test_a_sign_in_that_answers_nonsense_is_for_developers(simulated: Simulated, body: str) -> None:
    kept = Kept()
    simulated.control.faults.add(Fault(path=SIGN_IN, status=200, body=body, times=None))
    error = fails(simulated, kept)
    assert isinstance(error, BrokerChangedError)
    assert "eyJhbGciOi" not in f"{error}{error.detail}"


def test_i7_words_that_repeat_a_secret_are_hidden(simulated: Simulated) -> None:
    # given a refusal that repeats what was sent
    told = json.dumps({"errorText": f"no user with password {LOGIN.password} and key {LOGIN.sec}"})
    simulated.control.faults.add(Fault(path=SIGN_IN, status=200, body=told, times=None))
    # when
    error = fails(simulated, Kept())
    # then neither comes out
    assert error.code is ErrorCode.CREDENTIALS_REJECTED
    assert not any(secret in f"{error}{error.detail}" for secret in (LOGIN.password, LOGIN.sec))


@pytest.mark.parametrize(
    "wrong", [{"username": "nobody"}, {"password": "another"}, {"cid": "1"}, {"sec": "another"}], ids=lambda one: [*one]
)
def test_a_wrong_login_is_for_the_trader_to_mend(simulated: Simulated, wrong: dict[str, str]) -> None:
    error = fails(simulated, Kept(), credentials=CREDENTIALS | wrong)
    assert (type(error), error.code) == (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED)
    assert simulated.asked() == [SIGN_IN]


@pytest.mark.parametrize("missing", ["username", "password", "cid", "sec"])
@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_field_is_named_and_nothing_is_asked(simulated: Simulated, missing: str, value: str) -> None:
    error = fails(simulated, Kept(), credentials=CREDENTIALS | {missing: value})
    assert error.code is ErrorCode.CREDENTIALS_REJECTED
    assert "it is empty" in error.safe_message
    assert simulated.asked() == []


@pytest.mark.parametrize("cid", ["abc", "12a", "-1", "\u0661"])
def test_a_client_id_is_a_number(simulated: Simulated, cid: str) -> None:
    assert "it is a number" in fails(simulated, Kept(), credentials=CREDENTIALS | {"cid": cid}).safe_message


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


def test_what_the_key_may_not_read_is_told_after_the_trades_are_kept(stage: tuple[Stage, RunningServer]) -> None:
    # given an API key without permission for the cash log and for pairs
    withheld = frozenset({"cashBalanceLog", "fillPair"})
    simulated, kept = Simulated(stage, replace(LOGIN, withheld=withheld)), Kept()
    # when it is synced
    error = fails(simulated, kept)
    # then the trader is told which permission is missing, and all executions are kept
    assert error.code is ErrorCode.SETUP_INCOMPLETE
    assert "fill pairs" in error.safe_message
    books = [account.book for account in simulated.world.accounts.values()]
    executions = {source_id for _, source_id in kept.entries}
    assert executions == {str(number) for book in books for number in book.fills}
    # and Tradovate is not asked for a new token at each refusal
    assert [path for path in simulated.asked() if path.startswith("/auth")] == [SIGN_IN, RENEW, SIGN_IN]


def test_trades_are_kept_though_the_figures_fail(simulated: Simulated) -> None:
    # given a snapshot that can't be had
    kept = Kept()
    simulated.control.faults.add(Fault(path="/getcashbalancesnapshot", status=503, times=None))
    # when
    error = fails(simulated, kept)
    # then the error is told, and every trade is there
    assert error.code is ErrorCode.BROKER_UNAVAILABLE
    assert simulated.untrue(kept) == []
    # and the account with positions has no figures yet, rather than wrong ones
    assert FIRST not in [one.broker_account_id for one in kept.said[-1].balances]


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
