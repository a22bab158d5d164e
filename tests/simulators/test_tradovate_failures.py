"""What the provider makes of a broker that fails, refuses or withholds: the right error, and nothing lost."""

import json
from dataclasses import replace

import pytest

from brokersync.brokers.tradovate.refusals import LOCKED_OUT, STATUSES
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.tradovate_sync import CREDENTIALS, FIRST, LOGIN, Kept, Simulated, fails

SIGN_IN, RENEW = "/auth/accesstokenrequest", "/auth/renewaccesstoken"


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage)


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
