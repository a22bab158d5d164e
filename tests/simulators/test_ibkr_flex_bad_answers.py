"""Answers of IBKR that are none, or another's, or of a query that lacks something: kept, named, and nothing moves."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    UserActionNeededError,
)
from local.simulators.faults import Fault
from local.simulators.ibkr_flex_http import OTHER_PATH, PATH
from local.simulators.ibkr_flex_world import QuerySpec
from local.simulators.ibkr_flex_xml import StatementWriter
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.ibkr_flex_sync import (
    MONDAY,
    NOW,
    QUERY,
    TOKEN,
    Kept,
    Serve,
    asked,
    assert_kept_is_true,
    error_body,
    loaded,
    serving,
)

DOWN = "<html><body>The site is down for maintenance.</body></html>"


@pytest.fixture
def flex(stage: tuple[Stage, RunningServer]) -> Iterator[Serve]:
    with serving(stage) as serve:
        yield serve


# --- answers that are none ------------------------------------------------------------------------------------------


def test_the_address_that_ibkr_names_is_asked_when_the_documented_one_answers_nonsense(flex: Serve) -> None:
    # given an account for which only the other host answers, and takes two polls
    simulated = flex(polls=2)
    simulated.control.faults.add(Fault(path=f"^{PATH}/GetStatement", body=DOWN, times=None))
    kept = Kept()
    # when
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    # and once it has answered, it is asked first
    fetched = [request.path for request in simulated.control.requests if request.path.endswith("GetStatement")]
    assert fetched[:3] == [f"{PATH}/GetStatement", f"{OTHER_PATH}/GetStatement", f"{OTHER_PATH}/GetStatement"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/GetStatement",
        "https://interactivebrokers.com.evil.example/GetStatement",
        "https://evilinteractivebrokers.com/GetStatement",
        "http://gdcdyn.interactivebrokers.com/GetStatement",
        "https://someone@gdcdyn.interactivebrokers.com/GetStatement",
        "https://gdcdyn.interactivebrokers.com:444/GetStatement",
        "//gdcdyn.interactivebrokers.com/GetStatement",
        "https://[gdcdyn.interactivebrokers.com/GetStatement",
        "",
    ],
)
def test_i7_the_token_goes_to_no_address_that_is_not_ibkrs(flex: Serve, url: str) -> None:
    # given an envelope that names an address, and nonsense at the documented one
    simulated = flex(polls=0)
    told = f"<Status>Success</Status><ReferenceCode>1</ReferenceCode><Url>{url}</Url>"
    body = f"<FlexStatementResponse>{told}</FlexStatementResponse>"
    simulated.control.faults.add(Fault(path="SendRequest", body=body), Fault(path="GetStatement", body=DOWN))
    # when, then it is not asked: there is no network in a test, and no error of one
    error = simulated.failure(Kept())
    assert (type(error), error.code) == (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER)
    assert error.detail == f"GetStatement: HTTP 200, {len(DOWN)} bytes, an HTML page"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(path="GetStatement", body=DOWN, times=None), "an HTML page"),
        (Fault(path="GetStatement", status=404, body="gone", times=None), "HTTP 404"),
        (Fault(path="GetStatement", body="", times=None), "empty"),
        (Fault(path="GetStatement", body="<Other/>", times=None), "the root element <Other>"),
        (Fault(path="GetStatement", keep_bytes=5_000, times=None), "XML: "),
        (Fault(path="SendRequest", body="<FlexStatementResponse><Status>", times=None), "FlexStatementResponse"),
        (Fault(path="SendRequest", body=error_body("", "", "Success"), times=None), "without code"),
    ],
    ids=["html", "not found", "empty", "wrong root", "cut statement", "cut envelope", "no reference"],
)
def test_i1_an_answer_that_is_none_is_kept_and_named(flex: Serve, fault: Fault, told: str) -> None:
    # given
    simulated = flex(polls=0)
    kept = loaded(simulated)
    simulated.control.faults.add(fault)
    # when
    error = simulated.failure(kept)
    # then the answer is kept, the error says what it is and no token, and the cursor stays
    assert isinstance(error, BrokerChangedError)
    assert told in error.detail
    assert TOKEN not in f"{error} {error.detail} {error.safe_message}"
    assert kept.pages[-1].body is not None
    assert kept.cursor == MONDAY
    # and when it is over, the next sync is a good one
    simulated.control.faults.clear()
    simulated.wait_until(NOW + timedelta(days=1))
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_i3_a_statement_of_other_days_than_asked_for_moves_nothing(flex: Serve) -> None:
    # given a service that collapses every period to the last day
    simulated = flex(polls=0)
    kept = loaded(simulated)
    simulated.wait_until(NOW + timedelta(days=3))
    body = (
        '<FlexQueryResponse queryName="q" type="AF"><FlexStatements count="1">'
        '<FlexStatement accountId="U7000001" fromDate="20260514" toDate="20260514" whenGenerated="20260515;090000">'
        "</FlexStatement></FlexStatements></FlexQueryResponse>"
    )
    simulated.control.faults.add(Fault(path="GetStatement", body=body))
    # when
    error = simulated.failure(kept)
    # then the days between are not taken for complete
    assert isinstance(error, BrokerChangedError)
    assert error.detail.startswith("asked for 2026-05-04 to 2026-05-14, got 2026-05-14 to 2026-05-14")
    assert kept.cursor == MONDAY


def test_i3_the_cursor_is_what_was_served_not_what_was_asked_for(flex: Serve) -> None:
    # given a statement that ends a day before the day that was asked for
    simulated = flex(polls=0)
    kept = loaded(simulated)
    simulated.wait_until(NOW + timedelta(days=1))
    books = simulated.world.logins[TOKEN].books.values()
    writer = StatementWriter(QuerySpec(id=QUERY), simulated.clock.now(), simulated.world.built)
    early = writer.statement(books, date(2026, 5, 4), date(2026, 5, 11))
    simulated.control.faults.add(Fault(path="GetStatement", body=early))
    # when
    simulated.sync(kept)
    # then the day that is missing is owed, and comes with the next sync
    assert (asked(simulated)[0]["td"], kept.cursor) == ("20260512", MONDAY)
    assert kept.checkpoints[-1].covered_to == datetime(2026, 5, 12, 4, tzinfo=UTC)
    simulated.sync(kept)
    assert kept.cursor == "20260512"
    assert_kept_is_true(simulated, kept)


def test_i7_no_page_and_no_state_holds_the_token(flex: Serve) -> None:
    simulated = flex()
    kept = Kept()
    later = simulated.run(kept)
    assert later is not None
    assert TOKEN not in repr(later)
    simulated.sync(kept)
    assert TOKEN not in repr(kept.pages)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(path="GetStatement", status=503, times=None), ErrorCode.BROKER_UNAVAILABLE),
        (Fault(path="GetStatement", reset=True, times=None), ErrorCode.BROKER_UNAVAILABLE),
        (Fault(path="SendRequest", status=429, retry_after=90, times=None), ErrorCode.RATE_LIMITED),
    ],
)
def test_faults_of_the_wire_are_tried_again_later(flex: Serve, fault: Fault, code: ErrorCode) -> None:
    simulated = flex(polls=0)
    # given a fault of each request that only GetStatement, or both, meet
    simulated.control.faults.add(fault)
    kept = Kept()
    if fault.path == "GetStatement":
        later = simulated.run(kept)
        assert later is not None
        simulated.wait_until(later.at)
    # when
    with pytest.raises(RetryLaterError) as failed:
        simulated.run(kept)
    # then
    assert failed.value.code is code


# --- the query ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (QuerySpec(id=QUERY, omit_sections=frozenset({"Trades"})), "Trades (the section)"),
        (
            QuerySpec(id=QUERY, omit_sections=frozenset({"OpenPositions", "CashReport"})),
            "Cash Report (the section); Open Positions (the section)",
        ),
        (
            QuerySpec(id=QUERY, omit={"Trade": frozenset({"transactionID", "ibCommission"})}),
            "Trades (transactionID, ibCommission)",
        ),
        (QuerySpec(id=QUERY, kind="TCF"), "make an Activity query"),
        (QuerySpec(id=QUERY, csv=True), "choose XML"),
        (QuerySpec(id=QUERY, formats=("%m/%d/%Y", ";", "%H%M%S")), "yyyyMMdd"),
    ],
    ids=["no trades", "no figures", "no ids and commissions", "confirmations", "csv", "american dates"],
)
def test_a_query_that_lacks_what_is_needed_says_so_and_heals_when_it_is_completed(
    flex: Serve, query: QuerySpec, told: str
) -> None:
    # given a query that is not what it should be
    simulated = flex(queries=[query], polls=0)
    kept = Kept()
    # when
    error = simulated.failure(kept)
    # then the trader is told what to add, and nothing is stored
    assert (type(error), error.code) == (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE)
    assert told in error.safe_message
    assert kept.executions == {}
    # and when it is completed, all of it comes
    login = simulated.world.logins[TOKEN]
    login.spec = replace(login.spec, queries=(QuerySpec(id=QUERY),))
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_i7_another_logins_accounts_are_refused(flex: Serve) -> None:
    simulated = flex(polls=0)
    kept = Kept(cursor=MONDAY, accounts={"U9999999"})
    error = simulated.failure(kept)
    assert (error.code, kept.executions) == (ErrorCode.WRONG_ACCOUNT, {})


def test_the_accounts_come_with_the_statement_not_from_a_list(flex: Serve) -> None:
    simulated = flex()
    kept = Kept()
    simulated.sync(kept)
    assert provider.list_accounts(None) == []  # type: ignore[arg-type]
    assert kept.accounts == {"U7000001"}
