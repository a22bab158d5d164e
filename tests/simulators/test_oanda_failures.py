"""What the provider makes of a broker that fails, lies, or is another one: the right error, and nothing lost."""

import json
from collections.abc import Callable

import httpx
import pytest

from brokersync.brokers.oanda.client import ERRORS
from brokersync.brokers.oanda.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, SyncError, UserActionNeededError
from brokersync.domain.pages import RawPage
from local.simulators.faults import Fault
from local.simulators.oanda_world import AccountSpec
from tests.simulators.engineless import PlainHttp
from tests.simulators.oanda_sync import ACCOUNT, TOKEN, Kept, Simulated, assert_kept_is_true

Serve = Callable[..., Simulated]

PAGES = {
    "summary": "/summary$",
    "the list of pages": "/transactions$",
    "a range": "/idrange$",
    "news": "/sinceid$",
    "open Trades": "/openTrades$",
}


def _true_body(simulated: Simulated, path: str, **params: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept-Datetime-Format": "RFC3339"}
    answer = httpx.get(f"{simulated.base_url}/accounts/{ACCOUNT}{path}", params=params, headers=headers)
    body: dict[str, object] = answer.json()
    return body


def _loaded(simulated: Simulated, news: int = 5) -> Kept:
    """An account that was loaded, and in which something happened since."""
    kept = Kept()
    simulated.sync(kept)
    simulated.world.trade(ACCOUNT, news)
    return kept


def _fails(simulated: Simulated, kept: Kept, **changed: object) -> SyncError:
    with pytest.raises(SyncError) as raised:
        simulated.sync(kept, **changed)  # type: ignore[arg-type]
    return raised.value


# --- error answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [*ERRORS, 302, 418, 500, 502, 503, 504])
def test_every_status_is_classified_and_its_page_is_kept(oanda: Serve, status: int) -> None:
    # given a broker that answers with this status
    simulated, kept = oanda(), Kept()
    simulated.control.faults.add(Fault(status=status, body='{"errorMessage": "no"}', times=None))
    # when
    error = _fails(simulated, kept)
    # then the answer was yielded before it was judged
    assert [page.status for page in kept.pages] == [status]
    expected = {
        401: (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        403: (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        404: (UserActionNeededError, ErrorCode.ACCOUNT_CLOSED),
        429: (RetryLaterError, ErrorCode.RATE_LIMITED),
    }.get(status, (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE) if status >= 500 else None)
    kind, code = expected or (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER)
    assert (type(error), error.code) == (kind, code)
    assert str(status) in error.detail
    assert TOKEN not in f"{error}{error.detail}"


def test_one_refusal_is_no_revocation(oanda: Serve) -> None:
    # given a login service that refuses once
    simulated, kept = oanda(), Kept()
    simulated.control.faults.add(Fault(status=401))
    # when
    simulated.sync(kept)
    # then it was asked again and nothing came of it
    assert_kept_is_true(simulated, kept)
    assert [page.status for page in kept.pages] == [200] * 4


def test_a_wrong_token_and_another_logins_account_are_for_the_trader_to_mend(oanda: Serve) -> None:
    # given a second login at the same broker
    simulated = oanda()
    simulated.world.open_account(AccountSpec(account="101-004-2000002-001", token="anothers", executions=3))
    # when
    wrong = _fails(simulated, Kept(), credentials={"token": "wrong"})
    others = _fails(simulated, Kept(), accounts=("101-004-2000002-001",))
    gone = _fails(simulated, Kept(), accounts=("101-004-3000003-001",))
    # then
    assert (wrong.code, others.code) == (ErrorCode.CREDENTIALS_REJECTED, ErrorCode.CREDENTIALS_REJECTED)
    assert gone.code is ErrorCode.ACCOUNT_CLOSED


@pytest.mark.parametrize("token", ["", "   ", "two words", "line\nbreak", "caf\u00e9"])
def test_i7_a_token_that_cant_be_one_is_refused_without_being_shown(oanda: Serve, token: str) -> None:
    # when
    simulated = oanda()
    error = _fails(simulated, Kept(), credentials={"token": token})
    # then nothing was sent
    assert error.code is ErrorCode.CREDENTIALS_REJECTED
    assert simulated.control.requests == []
    assert not token.strip() or token not in f"{error}{error.detail}"


@pytest.mark.parametrize("number", ["12345", "101-004-1000001-001/../x", "U1234567"])
def test_an_account_number_that_cant_be_one_is_refused_before_it_is_asked_for(oanda: Serve, number: str) -> None:
    simulated = oanda()
    assert _fails(simulated, Kept(), accounts=(number,)).code is ErrorCode.WRONG_ACCOUNT
    assert simulated.control.requests == []


# --- broken answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", PAGES)
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"keep_bytes": 40}, "is cut off"),
        ({"body": ""}, "is empty"),
        ({"body": "<html>maintenance</html>"}, "is HTML or XML"),
        ({"body": '{"lastTransactionID": NaN}'}, "has NaN"),
        ({"body": '{"prices": []}'}, "is not an OANDA v20 answer"),
        ({"body": '{"orders": [], "lastTransactionID": "1"}'}, "OANDA answered orders where"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_i1_a_broken_answer_is_kept_before_it_is_called_broken(
    oanda: Serve, where: str, fault: dict[str, object], problem: str
) -> None:
    # given a loaded account with news for the pages of later syncs, a new one for those of a first load
    simulated = oanda()
    kept = _loaded(simulated) if where in ("news", "open Trades") else Kept()
    simulated.control.faults.add(Fault(path=PAGES[where], **fault))  # type: ignore[arg-type]
    cursor = kept.cursor
    # when
    error = _fails(simulated, kept)
    # then the answer is there, byte for byte, as the last page
    assert isinstance(error, BrokerChangedError)
    assert problem in error.safe_message
    assert "body" not in fault or kept.pages[-1].body == str(fault["body"]).encode()
    # and once the broker is well again, nothing is missing
    if where != "open Trades":
        assert kept.cursor == cursor
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_trades_are_stored_though_the_open_trades_fail(oanda: Serve) -> None:
    # given news, and a broker that can't list open Trades
    simulated = oanda()
    kept = _loaded(simulated)
    simulated.control.faults.add(Fault(path=PAGES["open Trades"], status=503))
    # when
    error = _fails(simulated, kept)
    # then the news is in and the cursor behind it
    assert error.code is ErrorCode.BROKER_UNAVAILABLE
    assert_kept_is_true(simulated, kept)


# --- completeness ---------------------------------------------------------------------------------------------------


def test_i5_a_hole_in_a_range_is_found_and_named(oanda: Serve) -> None:
    # given a range that lacks one transaction
    simulated, kept = oanda(), Kept()
    last = str(simulated.world.accounts[ACCOUNT].book.last_id)
    body = _true_body(simulated, "/transactions/idrange", **{"from": "1", "to": last})
    rows = body["transactions"]
    assert isinstance(rows, list)
    del rows[16]
    simulated.control.faults.add(Fault(path=PAGES["a range"], body=json.dumps(body)))
    # when
    error = _fails(simulated, kept)
    # then what is missing and where is said, the page is kept and nothing is stored
    assert isinstance(error, BrokerChangedError)
    assert "id 17 is missing; 18 stands in its place, in row 17 of the answer from 1" in error.safe_message
    assert (kept.cursor, kept.executions) == ("", {})
    assert kept.pages[-1].body == json.dumps(body).encode()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda rows: rows[1:], "is missing"),
        (lambda rows: rows[:2] + rows[3:], "is missing"),
        (lambda rows: rows[::-1], "is missing"),
        (lambda rows: [rows[0], *rows], "is missing"),
        (lambda _rows: [], "ends at"),
    ],
    ids=["first", "middle", "order", "doubled", "all"],
)
def test_i5_holes_in_the_news_are_found(
    oanda: Serve, spoil: Callable[[list[object]], list[object]], problem: str
) -> None:
    # given news from which something was taken
    simulated = oanda()
    kept = _loaded(simulated)
    cursor = kept.cursor
    body = _true_body(simulated, "/transactions/sinceid", id=cursor)
    rows = body["transactions"]
    assert isinstance(rows, list)
    simulated.control.faults.add(Fault(path=PAGES["news"], body=json.dumps(body | {"transactions": spoil(rows)})))
    # when
    error = _fails(simulated, kept)
    # then
    assert isinstance(error, BrokerChangedError)
    assert problem in error.safe_message
    assert kept.cursor == cursor


def test_a_truncated_answer_is_followed_up_and_not_taken_for_the_end(oanda: Serve) -> None:
    # given news of which the broker serves only the beginning, though there is more
    simulated = oanda()
    kept = _loaded(simulated, news=20)
    body = _true_body(simulated, "/transactions/sinceid", id=kept.cursor)
    rows = body["transactions"]
    assert isinstance(rows, list)
    simulated.control.faults.add(Fault(path=PAGES["news"], body=json.dumps(body | {"transactions": rows[:7]})))
    # when
    asked = simulated.sync(kept)
    # then the rest is asked for
    assert sum(url.endswith("/sinceid") for url in asked) == 2
    assert_kept_is_true(simulated, kept)


@pytest.mark.parametrize(
    ("pages", "count", "problem"),
    [
        (
            ["https://x/idrange?from=1&to=100", "https://x/idrange?from=102&to=120"],
            119,
            "page 2 starts at 102, expected 101",
        ),
        (["https://x/idrange?from=1&to=100"], 120, "they hold 100 transactions, but the count is 120"),
        (["https://x/idrange?from=2&to=120"], 119, "they start at 2, though the whole history was asked for"),
        ([], 0, "they start at 121, though the whole history was asked for"),
        (["https://x/idrange?from=1"], 100, "page 1 has no id range in its address"),
        (["https://x/idrange?from=1&to=one"], 100, "page 1 has no id range in its address"),
        (["https://x/idrange?from=9&to=1"], 0, "page 1 goes from 9 to 1"),
        (["https://x/idrange?from=1&to=5000"], 5000, "page 1 goes from 1 to 5000"),
    ],
)
def test_i5_a_list_of_pages_that_contradicts_itself_is_refused(
    oanda: Serve, pages: list[str], count: int, problem: str
) -> None:
    simulated, kept = oanda(), Kept()
    body = json.dumps({"count": count, "pages": pages, "pageSize": 1000, "lastTransactionID": "120"})
    simulated.control.faults.add(Fault(path=PAGES["the list of pages"], body=body))
    error = _fails(simulated, kept)
    assert isinstance(error, BrokerChangedError)
    assert problem in error.safe_message


def test_i7_addresses_in_an_answer_are_never_followed(oanda: Serve) -> None:
    # given a list of pages that points to another host
    simulated, kept = oanda(), Kept()
    body = _true_body(simulated, "/transactions", pageSize="1000")
    listed = body["pages"]
    assert isinstance(listed, list)
    moved = [url.replace(simulated.server.base_url, "http://127.0.0.1:9") for url in listed]
    simulated.control.faults.add(Fault(path=PAGES["the list of pages"], body=json.dumps(body | {"pages": moved})))
    # when / then only its ids are used
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


# --- whose account --------------------------------------------------------------------------------------------------


def _older_summary(simulated: Simulated, behind: int) -> str:
    body = _true_body(simulated, "/summary")
    body["lastTransactionID"] = str(int(str(body["lastTransactionID"])) - behind)
    return json.dumps(body)


def test_an_answer_from_before_our_last_look_is_asked_for_again(oanda: Serve) -> None:
    # given a summary that is older than what was served already, once
    simulated = oanda()
    kept = Kept()
    simulated.sync(kept)
    simulated.control.faults.add(Fault(path=PAGES["summary"], body=_older_summary(simulated, 3)))
    # when / then the second answer is the true one
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_fewer_transactions_than_we_hold_mean_another_account(oanda: Serve) -> None:
    # given an account that has lost transactions for good
    simulated = oanda()
    kept = Kept()
    simulated.sync(kept)
    cursor = kept.cursor
    simulated.control.faults.add(Fault(path=PAGES["summary"], body=_older_summary(simulated, 3), times=None))
    # when
    error = _fails(simulated, kept)
    # then the trader is asked, and the cursor stays
    assert (type(error), error.code) == (UserActionNeededError, ErrorCode.WRONG_ACCOUNT)
    assert kept.cursor == cursor


def test_another_accounts_summary_is_refused(oanda: Serve) -> None:
    simulated, kept = oanda(), Kept()
    body = json.dumps(_true_body(simulated, "/summary")).replace(ACCOUNT, "101-004-1000001-002")
    simulated.control.faults.add(Fault(path=PAGES["summary"], body=body))
    assert _fails(simulated, kept).code is ErrorCode.WRONG_ACCOUNT


def test_another_accounts_transactions_are_refused_before_the_cursor_moves(oanda: Serve) -> None:
    # given a range with another account's transactions
    simulated, kept = oanda(), Kept()
    last = str(simulated.world.accounts[ACCOUNT].book.last_id)
    true = json.dumps(_true_body(simulated, "/transactions/idrange", **{"from": "1", "to": last}))
    simulated.control.faults.add(Fault(path=PAGES["a range"], body=true.replace(ACCOUNT, "101-004-1000001-002")))
    # when / then
    assert _fails(simulated, kept).code is ErrorCode.WRONG_ACCOUNT
    assert (kept.cursor, kept.executions) == ("", {})


# --- connecting -----------------------------------------------------------------------------------------------------


def test_a_tokens_accounts_come_with_currency_and_name(oanda: Serve) -> None:
    # given a login with two accounts, one of them closed, beside another login's
    simulated = oanda(currency="GBP")
    open_account = simulated.world.open_account
    open_account(AccountSpec(account="101-004-1000001-002", token=TOKEN, executions=1, currency="JPY"))
    open_account(AccountSpec(account="101-004-1000001-003", token=TOKEN, executions=1, closed=True))
    open_account(AccountSpec(account="101-004-2000002-001", token="anothers", executions=1))
    http = PlainHttp()
    # when
    listed = provider.list_accounts(simulated.context(http, Kept(), accounts=()))
    # then
    http.close()
    assert [(one.broker_account_id, one.currency, one.name) for one in listed] == [
        (ACCOUNT, "GBP", "Simulated"),
        ("101-004-1000001-002", "JPY", "Simulated"),
    ]


def test_a_wrong_token_lists_nothing(oanda: Serve) -> None:
    simulated, http = oanda(), PlainHttp()
    with pytest.raises(UserActionNeededError):
        provider.list_accounts(simulated.context(http, Kept(), accounts=(), credentials={"token": "wrong"}))
    http.close()


def test_a_feed_of_oanda_is_one_account(oanda: Serve) -> None:
    simulated, http = oanda(), PlainHttp()
    with pytest.raises(ValueError, match="one account, not 2"):
        list(provider.fetch(simulated.context(http, Kept(), accounts=(ACCOUNT, "101-004-1000001-002"))))
    http.close()


def test_fetching_is_lazy_and_asks_nothing_after_the_last_step_taken(oanda: Serve) -> None:
    # given a fetch of which only the first page is taken
    simulated, http = oanda(), PlainHttp()
    steps = iter(provider.fetch(simulated.context(http, Kept())))
    # when / then
    assert isinstance(next(steps), RawPage)
    assert len(http.requests) == 1
    http.close()
