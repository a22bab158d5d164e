"""The IBKR simulator's protocol: what it answers to whom, over real HTTP."""

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
import pytest

from brokersync.brokers.ibkr_flex.answers import Envelope, is_statement, read_envelope
from local.simulators.ibkr_flex_http import PATH
from local.simulators.ibkr_flex_world import AccountSpec, QuerySpec
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.ibkr_flex_sync import NOW, QUERY, TOKEN, Serve, Simulated, serving


@pytest.fixture
def flex(stage: tuple[Stage, RunningServer]) -> Iterator[Serve]:
    with serving(stage) as serve:
        yield serve


def ask(simulated: Simulated, path: str, **params: str | None) -> httpx.Response:
    """One request, a minute after the one before."""
    simulated.clock.sleep(60)
    return ask_now(simulated, path, **params)


def ask_now(simulated: Simulated, path: str, **params: str | None) -> httpx.Response:
    usual = {"t": TOKEN, "q": QUERY, "v": "3"} | params
    asked = {name: value for name, value in usual.items() if value is not None}
    return httpx.get(f"{simulated.base_url}/{path}", params=asked)


def envelope(answer: httpx.Response) -> Envelope:
    assert answer.status_code == 200  # even for errors
    found = read_envelope(answer.content)
    assert found is not None
    return found


def refer(simulated: Simulated, **params: str) -> str:
    return envelope(ask(simulated, "SendRequest", **params)).reference


@pytest.mark.parametrize(
    ("login", "params", "code"),
    [
        ({}, {"t": "another"}, "1015"),
        ({}, {"t": None}, "1015"),
        ({}, {"v": "2"}, "1001"),
        ({}, {"v": None}, "1001"),
        ({}, {"q": "5"}, "1014"),
        ({"active": False}, {}, "1011"),
        ({"expires": NOW}, {}, "1012"),
        ({"allowed_ip": "10.1.2.3"}, {}, "1013"),
        ({}, {"fd": "20260401", "td": "soon"}, "1020"),
        ({}, {"fd": "20260401", "td": None}, "1020"),
        ({}, {"fd": "20260511", "td": "20260401"}, "1020"),
        ({}, {"fd": "20250511", "td": "20260511"}, "1020"),  # 366 days
        ({}, {"fd": "20260501", "td": "20260510"}, "1003"),  # a Sunday
        ({}, {"fd": "20260501", "td": "20260512"}, "1003"),  # today
        ({}, {"fd": "20250101", "td": "20250131"}, "1003"),  # before the account
    ],
)
def test_a_wrong_request_is_answered_with_its_code(
    flex: Serve, login: dict[str, object], params: dict[str, str | None], code: str
) -> None:
    simulated = flex(**login)
    found = envelope(ask(simulated, "SendRequest", **params))
    assert (found.status, found.code, found.reference) == ("Fail", code, "")


def test_a_request_without_user_agent_is_refused(flex: Serve) -> None:
    simulated = flex()
    connection = http.client.HTTPConnection("127.0.0.1", simulated.server.port, timeout=10)
    connection.request("GET", f"{PATH}/SendRequest?{urlencode({'t': TOKEN, 'q': QUERY, 'v': '3'})}")
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"FlexStatementResponse" not in answer.read()
    connection.close()


def test_a_statement_is_prepared_for_as_long_as_it_was_set(flex: Serve) -> None:
    # given a login whose statements take two polls and 200 seconds
    simulated = flex(polls=2, ready_after=200.0)
    reference = refer(simulated)
    # when it is asked for every minute
    answers = [ask(simulated, "GetStatement", q=reference) for _ in range(4)]
    # then the first ones are warnings, and it is served again as often as it is asked for
    assert [envelope(answer).code for answer in answers[:3]] == ["1019", "1019", "1019"]
    assert envelope(answers[0]).status == "Warn"
    assert is_statement(answers[3].content)
    assert b"timestamp='" in answers[0].content


@pytest.mark.parametrize("reference", ["123", ""])
def test_an_unknown_reference_is_refused(flex: Serve, reference: str) -> None:
    assert envelope(ask(flex(), "GetStatement", q=reference)).code == "1017"


def test_a_reference_is_good_for_an_hour(flex: Serve) -> None:
    simulated = flex(polls=0)
    reference = refer(simulated)
    simulated.clock.sleep(3700)
    assert envelope(ask(simulated, "GetStatement", q=reference)).code == "1017"


def test_i6_more_than_one_request_a_second_or_ten_a_minute_are_refused_polls_included(flex: Serve) -> None:
    # given
    simulated = flex(polls=100)
    reference = refer(simulated)
    simulated.clock.sleep(60)
    # when two come within a second, and then one a second
    codes = []
    for pause in (0.5, 0.5, *[1.0] * 9):
        codes.append(envelope(ask_now(simulated, "GetStatement", q=reference)).code)
        simulated.clock.sleep(pause)
    # then the second one, and the eleventh of the minute, are too many
    assert codes == ["1019", "1018", *["1019"] * 9]
    assert envelope(ask_now(simulated, "GetStatement", q=reference)).code == "1018"
    assert envelope(ask(simulated, "GetStatement", q=reference)).code == "1019"


def test_a_statement_is_built_in_the_night_and_not_at_weekends(flex: Serve) -> None:
    simulated = flex()
    built = []
    for moment in (
        "2026-05-09T05:00:00",  # Saturday, one in the morning in New York: Friday is not built yet
        "2026-05-09T07:00:00",
        "2026-05-11T20:00:00",
        "2026-05-12T07:00:00",
    ):
        now = datetime.fromisoformat(moment).replace(tzinfo=UTC).isoformat()
        answer = httpx.post(f"{simulated.server.base_url}/_sim/clock", json={"now": now, "frozen": True})
        built.append(answer.json()["built"])
    assert built == ["2026-05-07", "2026-05-08", "2026-05-08", "2026-05-11"]


@pytest.mark.parametrize("body", [{"now": "soon"}, {"now": "2026-05-12T07:00:00"}, {}])
def test_a_clock_setting_that_is_none_is_refused(flex: Serve, body: dict[str, str]) -> None:
    assert httpx.post(f"{flex().server.base_url}/_sim/clock", json=body).status_code == 422


def test_only_what_the_query_selects_is_there(flex: Serve) -> None:
    # given a query without prices, cash and the second account
    query = QuerySpec(
        id=QUERY,
        accounts=("U1",),
        omit={"Trade": frozenset({"tradePrice"})},
        omit_sections=frozenset({"CashTransactions"}),
    )
    accounts = [AccountSpec(account="U1", executions=20, days=10), AccountSpec(account="U2", executions=20, days=10)]
    simulated = flex(accounts=accounts, queries=[query], polls=0)
    # when
    reference = refer(simulated, fd="20260501", td="20260511")
    body = ask(simulated, "GetStatement", q=reference).content
    # then
    assert b"ibCommission=" in body
    assert b" tradePrice=" not in body
    assert b"<CashTransactions" not in body
    assert body.count(b"<FlexStatement ") == 1


def test_the_same_seed_makes_the_same_books(flex: Serve) -> None:
    one, two, other = (
        flex(accounts=[AccountSpec(account="U1", executions=50, seed=seed)]).truth() for seed in (1, 1, 2)
    )
    assert one == two
    assert one != other


def test_a_correction_comes_in_a_later_statement_under_its_old_day(flex: Serve) -> None:
    # given books with corrections, and what they say today
    simulated = flex(accounts=[AccountSpec(account="U1", executions=2000, days=30)])
    before = simulated.truth()["U1"]
    # when days go by
    simulated.wait_until(NOW + timedelta(days=3))
    # then some cancel rows are new, of trades that were known before
    news = [row for key, row in simulated.truth()["U1"].items() if key not in before]
    cancels = [row for row in news if row.get("kind") == "cancel" and row["cancels_trade_id"] in before]
    assert cancels
    assert {row["executed_at_ns"] for row in cancels} == {
        before[str(row["cancels_trade_id"])]["executed_at_ns"] for row in cancels
    }


def test_the_truth_is_told_by_account_and_day(flex: Serve) -> None:
    # given two accounts
    simulated = flex(accounts=[AccountSpec(account=number, executions=20, days=10) for number in ("U1", "U2")])
    url = f"{simulated.server.base_url}/_sim/truth"
    # when one of them is asked for, and its last days
    whole, recent = (httpx.get(url, params={"account": "U2", "since": since}).json() for since in ("", "2026-05-11"))
    # then
    assert [one["broker_account_id"] for one in whole["accounts"]] == ["U2"]
    assert whole["built"] == "2026-05-11"
    assert 0 < len(recent["accounts"][0]["executions"]) < len(whole["accounts"][0]["executions"])


def test_the_log_holds_no_token(flex: Serve) -> None:
    simulated = flex()
    ask(simulated, "SendRequest")
    log = httpx.get(f"{simulated.server.base_url}/_sim/requests").text
    assert "SendRequest" in log
    assert TOKEN not in log
