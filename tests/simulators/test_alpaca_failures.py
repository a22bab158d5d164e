"""What the provider makes of a broker that fails, lies, or is another one: the right error, and nothing lost."""

import json

import pytest

from brokersync.brokers.alpaca.client import ERRORS
from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, SyncError, UserActionNeededError
from local.simulators.alpaca_world import AccountSpec, Rules
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer
from tests.simulators.alpaca_sync import ACCOUNT, KEYS, Kept, Simulated, assert_kept_is_true
from tests.simulators.conftest import Stage
from tests.simulators.engineless import PlainHttp

PATHS = {"the account": "/account$", "activities": "/activities$", "positions": "/positions$"}


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage, Rules(), {"executions": 150})


def fails(simulated: Simulated, kept: Kept, **changed: object) -> SyncError:
    with pytest.raises(SyncError) as raised:
        simulated.sync(kept, **changed)  # type: ignore[arg-type]
    return raised.value


@pytest.mark.parametrize("status", [*ERRORS, 302, 418, 500, 502, 503, 504])
def test_every_status_is_classified_and_its_page_is_kept(simulated: Simulated, status: int) -> None:
    # given a broker that answers with this status
    kept = Kept()
    body = json.dumps({"code": status * 100_000 + 10_000, "message": "no"})
    simulated.control.faults.add(Fault(status=status, body=body, times=None))
    # when
    error = fails(simulated, kept)
    # then the answer was yielded before it was judged
    assert [page.status for page in kept.pages] == [status]
    expected = {
        401: (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        403: (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        429: (RetryLaterError, ErrorCode.RATE_LIMITED),
    }.get(status, (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE) if status >= 500 else None)
    kind, code = expected or (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER)
    assert (type(error), error.code) == (kind, code)
    assert f"{status}, code {status}10000" in error.detail
    assert not any(key in f"{error}{error.detail}" for key in KEYS.values())


def test_one_refusal_is_no_revocation(simulated: Simulated) -> None:
    # given a login service that refuses once, at each endpoint
    kept = Kept()
    simulated.control.faults.add(*(Fault(path=path, status=401) for path in PATHS.values()))
    # when
    simulated.sync(kept)
    # then it was asked again and nothing came of it
    assert_kept_is_true(simulated, kept)
    assert {page.status for page in kept.pages} == {200}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("key", ["", "   ", "two words", "line\nbreak", "caf\u00e9"])
def test_i7_a_key_that_cant_be_one_is_refused_without_being_shown(simulated: Simulated, name: str, key: str) -> None:
    error = fails(simulated, Kept(), credentials=KEYS | {name: key})
    # then nothing was sent
    assert error.code is ErrorCode.CREDENTIALS_REJECTED
    assert list(simulated.control.requests) == []
    assert not key.strip() or key not in f"{error}{error.detail}"


def test_i7_keys_of_another_account_are_for_the_trader_to_mend(simulated: Simulated) -> None:
    # given keys of another login, and a feed that is about this one
    simulated.world.open_account(AccountSpec(account="PA3OTHER", key_id="PKOTHER", secret="others", executions=3))
    others = {"api_key_id": "PKOTHER", "api_secret_key": "others"}
    kept = Kept()
    # when
    error = fails(simulated, kept, credentials=others)
    wrong = fails(simulated, Kept(), credentials=KEYS | {"api_secret_key": "wrong"})
    # then only the account's figures were asked for, and none is stored
    assert error.code is ErrorCode.WRONG_ACCOUNT
    assert ([page.section for page in kept.pages], kept.said) == (["account"], [])
    assert wrong.code is ErrorCode.CREDENTIALS_REJECTED


@pytest.mark.parametrize("where", PATHS)
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"keep_bytes": 40}, "is cut off"),
        ({"body": ""}, "is empty"),
        ({"body": "<html>maintenance</html>"}, "is HTML or XML"),
        ({"body": '[{"activity_type": NaN}]'}, "has NaN"),
        ({"body": '{"prices": []}'}, "not an answer of Alpaca's"),
        ({"body": '{"code": 50010000, "message": "internal"}'}, "is an error answer of Alpaca"),
        ({"body": '[{"client_order_id": "1"}]'}, ""),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_i1_a_broken_answer_is_kept_before_it_is_called_broken(
    simulated: Simulated, where: str, fault: dict[str, object], problem: str
) -> None:
    # given a loaded account with news
    kept = Kept()
    simulated.sync(kept)
    simulated.later(minutes=5)
    simulated.world.trade(ACCOUNT, 3)
    simulated.control.faults.add(Fault(path=PATHS[where], **fault))  # type: ignore[arg-type]
    cursor = kept.cursor
    # when
    error = fails(simulated, kept)
    # then the answer is there, byte for byte, as the last page
    assert isinstance(error, BrokerChangedError)
    assert problem in error.safe_message
    assert "body" not in fault or kept.pages[-1].body == str(fault["body"]).encode()
    # and the cursor moved only past what was stored before; afterwards nothing is missing
    assert (kept.cursor == cursor) == (where != "positions")
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_i3_a_day_that_lacks_what_its_window_had_is_not_believed(simulated: Simulated) -> None:
    # given more activities on a day than fit a window, and an answer for that day without them
    simulated.later(minutes=5)
    simulated.world.trade(ACCOUNT, 120)
    kept = Kept()
    simulated.control.faults.add(Fault(path=PATHS["activities"], nth=2, body="[]", times=None))
    # when
    error = fails(simulated, kept, history_start=simulated.now)
    # then
    assert isinstance(error, BrokerChangedError)
    assert "activities: those of 2026-05-12 lack" in error.safe_message
    assert kept.entries == {}


def test_who_connects_is_shown_the_account_or_told_why_not(simulated: Simulated) -> None:
    http = PlainHttp()
    try:
        # when
        (shown,) = provider.list_accounts(simulated.context(http, Kept(), accounts=()))
        simulated.control.faults.add(Fault(status=401, times=2))
        with pytest.raises(UserActionNeededError) as refused:
            provider.list_accounts(simulated.context(http, Kept(), accounts=()))
    finally:
        http.close()
    # then
    assert (shown.broker_account_id, shown.currency) == (ACCOUNT, "USD")
    assert refused.value.code is ErrorCode.CREDENTIALS_REJECTED
