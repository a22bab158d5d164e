"""What can go wrong between the provider and IBKR: each in its class, nothing lost, nothing asked twice for nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)
from brokersync.domain.pages import ComeBack
from local.simulators.faults import Fault
from local.simulators.ibkr_flex_http import OTHER_PATH, PATH
from local.simulators.ibkr_flex_world import AccountSpec, QuerySpec
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
    Simulated,
    assert_kept_is_true,
    serving,
)

DOWN = "<html><body>The site is down for maintenance.</body></html>"


@pytest.fixture
def flex(stage: tuple[Stage, RunningServer]) -> Iterator[Serve]:
    with serving(stage) as serve:
        yield serve


def error_body(code: str, message: str = "Words of IBKR.", status: str = "Fail") -> str:
    inside = f"<Status>{status}</Status><ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage>"
    return f"<FlexStatementResponse timestamp='12 May, 2026 09:00 AM EDT'>{inside}</FlexStatementResponse>"


def paths(simulated: Simulated) -> list[str]:
    return [request.path.rpartition("/")[2] for request in simulated.control.requests]


def asked(simulated: Simulated) -> list[Mapping[str, str]]:
    return [request.params for request in simulated.control.requests]


def loaded(simulated: Simulated) -> Kept:
    """A ledger that is loaded, and the log of requests empty."""
    kept = Kept()
    simulated.sync(kept)
    simulated.control.forget_requests()
    return kept


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
