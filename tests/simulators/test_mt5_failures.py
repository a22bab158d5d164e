"""What goes wrong at a bridge: another login, an empty history, a zone that can't be, errors under status 200."""

from datetime import timedelta

import pytest

from brokersync.brokers.mt5.provider import Mt5Provider, provider
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    NeedsReviewError,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)
from local.simulators.faults import Fault
from local.simulators.mt5_http import Style
from local.simulators.mt5_world import AccountSpec
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.mt5_sync import KEY, LOGIN, ClockedHttp, Kept, Serve, Simulated, assert_kept_is_true

WRAPPED = Style()
STRANGER = "60112233"


@pytest.fixture
def mt5(stage: tuple[Stage, RunningServer]) -> Serve:
    """Serves an MT5 account of the given kind, in place of the one before."""

    def serve(
        style: Style = WRAPPED, settings: dict[str, str] | None = None, limit: int = 100_000, **spec: object
    ) -> Simulated:
        simulated = Simulated(stage, style, settings or {}, limit, spec)
        simulated.world.open_account(AccountSpec(login=STRANGER, api_key="another", executions=30, seed=9))
        return simulated

    return serve


# --- one terminal, several logins -----------------------------------------------------------------------------------


@pytest.mark.parametrize("names_login", [True, False])
def test_i7_a_terminal_with_another_login_gives_nothing(mt5: Serve, names_login: bool) -> None:
    # given a bridge whose terminal was logged in to somebody else's account
    simulated = mt5(Style(names_login=names_login))
    simulated.world.logged_in = STRANGER
    kept = Kept()
    # when / then
    with pytest.raises(UserActionNeededError) as refused:
        simulated.sync(kept)
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT
    assert kept.entries == {}


@pytest.mark.parametrize("names_login", [True, False])
@pytest.mark.parametrize("ordinal", range(1, 5))
def test_i7_a_login_that_changes_between_any_two_answers_stores_nothing(
    mt5: Serve, names_login: bool, ordinal: int
) -> None:
    # given a synced account
    simulated = mt5(Style(names_login=names_login))
    kept = Kept()
    simulated.sync(kept)
    before = dict(kept.entries)

    def log_in(now: int) -> None:
        simulated.world.logged_in = STRANGER if now >= ordinal else ""

    # when the terminal gets another login in the middle of a sync
    simulated.later(minutes=5)
    with pytest.raises(UserActionNeededError) as refused:
        simulated.sync(kept, before=log_in)
    # then
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT
    assert kept.entries == before


def test_a_terminal_without_login_is_for_the_trader_to_mend(mt5: Serve) -> None:
    # given zeros in place of an account
    simulated = mt5()
    zeros = '{"success": true, "data": {"login": 0, "balance": 0.0, "equity": 0.0, "currency": ""}}'
    simulated.control.faults.add(Fault(path="/info", status=200, body=zeros))
    # when / then: the schedule goes on, as only trying again can find out
    with pytest.raises(UserActionNeededError, match="not logged in") as refused:
        simulated.sync(Kept())
    assert refused.value.code is ErrorCode.SETUP_INCOMPLETE


# --- history that is not there --------------------------------------------------------------------------------------


def test_i5_deals_that_were_told_and_are_gone_are_not_believed(mt5: Serve) -> None:
    # given a synced account
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    cursor = kept.cursor
    # when the terminal has lost some of its newest deals
    del simulated.account.book.deals[-3:-1]
    with pytest.raises(NeedsReviewError, match="deals are missing") as refused:
        simulated.sync(kept)
    # then
    assert refused.value.code is ErrorCode.EMPTY_WHERE_HISTORY
    assert kept.cursor == cursor


def test_what_the_trader_accepted_as_gone_stops_no_sync(mt5: Serve) -> None:
    # given an account whose terminal has lost deals
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    del simulated.account.book.deals[-3:-1]
    # when its trader has accepted that; then it is synced, now and later, though the balance still tells of them
    simulated.sync(kept, accepted_through=simulated.now)
    simulated.sync(kept, accepted_through=simulated.now)
    # but what was accepted before these deals were executed is no word about them
    with pytest.raises(NeedsReviewError, match="deals are missing"):
        simulated.sync(kept, accepted_through=simulated.now - timedelta(days=400))


def test_a_history_that_comes_when_asked_again_is_believed(mt5: Serve) -> None:
    # given a synced account, and a bridge that shows one failure of its terminal as an empty list
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    nothing = '{"success": true, "data": {"deals": [], "count": 0}}'
    simulated.control.faults.add(Fault(path="/history", status=200, body=nothing))
    # when
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert kept.missing == set()


# --- the server's clock ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "+02:00", "Europe/London", "America/New_York"])
def test_a_zone_by_which_things_happen_in_the_future_is_refused_before_anything_is_stored(
    mt5: Serve, zone: str
) -> None:
    # given a server that is three hours ahead of UTC, just after a trade, and a setting that says less
    simulated = mt5(settings={"server_zone": zone})
    simulated.world.trade(LOGIN)
    kept = Kept()
    # when / then
    with pytest.raises(UserActionNeededError, match="in the future") as refused:
        simulated.sync(kept)
    assert refused.value.code is ErrorCode.SETUP_INCOMPLETE
    assert "server_zone" in refused.value.safe_message
    assert kept.entries == {}


def test_a_zone_by_which_news_happened_before_we_last_looked_is_refused(mt5: Serve) -> None:
    # given a server that is three hours ahead, a setting that says five, and a sync that could not know it
    simulated = mt5(settings={"server_zone": "+05:00"})
    kept = Kept()
    simulated.sync(kept)
    # when a position is opened after that
    simulated.later(minutes=10)
    simulated.world.trade(LOGIN)
    simulated.later(minutes=1)
    with pytest.raises(UserActionNeededError, match="before our last look") as refused:
        simulated.sync(kept)
    # then
    assert refused.value.code is ErrorCode.SETUP_INCOMPLETE


def test_times_are_not_converted_twice(mt5: Serve) -> None:
    # given a bridge that converts times and says so, and a trader who entered the server's zone too
    simulated = mt5(Style(converts=True))
    # when / then
    with pytest.raises(UserActionNeededError, match="enter UTC"):
        simulated.sync(Kept())


# --- errors ---------------------------------------------------------------------------------------------------------


def test_i5_trades_are_stored_though_the_bridge_fails_over_its_positions(mt5: Serve) -> None:
    # given a bridge that looks for a commission in positions, which have none
    simulated = mt5(Style(stumbles=True))
    kept = Kept()
    # when
    simulated.sync(kept)
    # then the run is partial
    assert kept.missing == {"positions"}
    assert_kept_is_true(simulated, kept)


@pytest.mark.parametrize(
    ("status", "body", "intent", "code"),
    [
        (200, '{"success": false, "error": "(-6, \'no login\')"}', UserActionNeededError, "credentials_rejected"),
        (200, '{"success": false, "error": {"code": -10005}}', RetryLaterError, "broker_unavailable"),
        (200, '{"success": false, "error": "Invalid API key"}', UserActionNeededError, "credentials_rejected"),
        (200, '{"success": false, "message": "Rate limit exceeded"}', RetryLaterError, "rate_limited"),
        (200, '{"success": false}', BrokerChangedError, "unexpected_answer"),
        (200, '{"detail": "MT5 not initialized"}', RetryLaterError, "broker_unavailable"),
        (200, "null", RetryLaterError, "broker_unavailable"),
        (200, '{"success": true, "data": {"login": 52557820}}', BrokerChangedError, "unexpected_answer"),
        (200, '{"data": {"login": 52557820, "balance": NaN}}', BrokerChangedError, "unexpected_answer"),
        (200, '{"login": 52557820, "balance": 1.0, "currency": 5}', BrokerChangedError, "unexpected_answer"),
        (200, '[1, 2]', BrokerChangedError, "unexpected_answer"),
        (200, '{"success": true, "data": {"deals": [], "count": 0}}', BrokerChangedError, "unexpected_answer"),
        (307, "", UserActionNeededError, "setup_incomplete"),
        (404, '{"detail": "Not Found"}', UserActionNeededError, "setup_incomplete"),
        (503, '{"detail": "MT5 not initialized"}', RetryLaterError, "broker_unavailable"),
        (418, "", BrokerChangedError, "unexpected_answer"),
    ],
)  # fmt: skip
def test_an_error_says_what_to_do_next(mt5: Serve, status: int, body: str, intent: type[SyncError], code: str) -> None:
    # given a bridge that answers with an error, or with nonsense
    simulated = mt5()
    simulated.control.faults.add(Fault(path="/info", status=status, body=body, times=None))
    # when / then
    with pytest.raises(intent) as failed:
        simulated.sync(Kept())
    assert failed.value.code == code
    assert KEY not in failed.value.detail


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"success": true, "data": {"deals": [{"ticket": 1}], "count": 2}}', "has 1 rows, though its count is 2"),
        ('{"success": true, "data": {"deals": {}, "count": 0}}', "deals is an object, not a list"),
        ('{"success": true, "data": {"positions": [], "count": 0}}', "answered positions where history was asked for"),
        ('{"success": true, "data": {"deals": [{"ticket": 1}', "is cut off"),
    ],
)
def test_a_history_that_is_none_says_what_is_wrong_with_it(mt5: Serve, body: str, problem: str) -> None:
    # given
    simulated = mt5()
    simulated.control.faults.add(Fault(path="/history", status=200, body=body, times=None))
    # when / then
    with pytest.raises(BrokerChangedError, match=problem):
        simulated.sync(Kept())


def test_a_refusal_that_happens_once_is_no_revocation(mt5: Serve) -> None:
    # given
    simulated = mt5()
    simulated.control.faults.add(Fault(status=403, body='{"detail": "Forbidden"}', nth=2))
    # when
    kept = Kept()
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)


def test_the_limit_of_a_bridge_is_told_for_what_it_is(mt5: Serve) -> None:
    # given a bridge that allows three requests a minute
    simulated = mt5(limit=3)
    # when / then
    with pytest.raises(RetryLaterError) as failed:
        simulated.sync(Kept())
    assert failed.value.code is ErrorCode.RATE_LIMITED


def test_i7_a_key_that_the_bridge_repeats_is_not_kept(mt5: Serve) -> None:
    # given a bridge that puts the key into its answer
    simulated = mt5()
    body = f'{{"success": false, "error": "unknown key {KEY}"}}'
    simulated.control.faults.add(Fault(path="/info", status=200, body=body, times=None))
    kept = Kept()
    # when
    with pytest.raises(SyncError) as failed:
        simulated.sync(kept)
    # then neither the page nor the error has it
    assert KEY.encode() not in kept.pages[-1].body
    assert KEY not in f"{failed.value} {failed.value.detail}"


def test_i7_a_name_that_leads_to_an_inner_network_is_not_asked(mt5: Serve) -> None:
    # given a trader's address that resolves to this machine, and no override
    simulated = mt5()
    inner = Mt5Provider(resolving=lambda _host, _port: ["93.184.215.14", "127.0.0.1"])
    http = ClockedHttp(simulated)
    context = simulated.context(http, base_url=provider.manifest.environment("bridge").base_url)
    # when / then
    with pytest.raises(UserActionNeededError, match="inner network") as refused:
        list(inner.fetch(context))
    assert refused.value.code is ErrorCode.SETUP_INCOMPLETE
    assert http.requests == []
    http.close()


# --- who connects ---------------------------------------------------------------------------------------------------


def test_the_accounts_that_a_trader_names_are_listed_with_their_currencies(mt5: Serve) -> None:
    # given
    simulated = mt5(currency="EUR")
    http = ClockedHttp(simulated)
    settings = {"login": f" {LOGIN} ,{LOGIN}"}
    context = simulated.context(http, credentials=dict(simulated.context(http).credentials) | settings)
    # when / then
    (listed,) = provider.list_accounts(context)
    assert (listed.broker_account_id, listed.currency) == (LOGIN, "EUR")
    http.close()


def test_a_bridge_whose_path_names_no_account_tells_its_own(mt5: Serve) -> None:
    # given
    simulated = mt5(Style(base_path="/mt5"), {"base_path": "/mt5"})
    http = ClockedHttp(simulated)
    # when / then
    (listed,) = provider.list_accounts(simulated.context(http))
    assert listed.broker_account_id == LOGIN
    http.close()


def test_without_a_number_the_trader_is_asked_for_one(mt5: Serve) -> None:
    # given
    simulated = mt5()
    http = ClockedHttp(simulated)
    # when / then
    with pytest.raises(UserActionNeededError, match="name yours"):
        provider.list_accounts(simulated.context(http))
    http.close()
