"""The provider against the simulator over real HTTP, with the real permits: all of it once, in few requests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.money import plain
from brokersync.domain.pages import masked_digest
from brokersync.domain.trades import ExecutionKind
from local.simulators.ibkr_flex_world import AccountSpec, QuerySpec
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.ibkr_flex_sync import (
    MONDAY,
    NOW,
    QUERY,
    TOKEN,
    Kept,
    Serve,
    as_truth,
    assert_kept_is_true,
    serving,
)

TWO_ACCOUNTS = (
    AccountSpec(account="U7000001", executions=300, days=40),
    AccountSpec(account="U7000002", executions=150, days=25, base="EUR", seed=3),
)


@pytest.fixture
def flex(stage: tuple[Stage, RunningServer]) -> Iterator[Serve]:
    with serving(stage) as serve:
        yield serve


def asked_for(kept: Kept) -> list[tuple[str, str, str]]:
    """Sections with the days that were asked for, as far as a page has them."""
    return [(page.section, page.params.get("fd", ""), page.params.get("td", "")) for page in kept.pages]


# --- first loads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accounts",
    [
        (AccountSpec(account="U7000001", executions=3000, days=90),),
        TWO_ACCOUNTS,
        (AccountSpec(account="U7000001", blank=True), AccountSpec(account="U7000002", executions=40, seed=5)),
    ],
    ids=["thousands of trades", "dollars and euros", "one that never traded"],
)
def test_i2_a_first_load_is_what_the_broker_holds_trade_by_trade(
    flex: Serve, accounts: tuple[AccountSpec, ...]
) -> None:
    # given a login with accounts and a past
    simulated = flex(accounts=accounts)
    kept = Kept()
    # when it is loaded for the first time
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert kept.cursor == MONDAY
    assert kept.accounts == {spec.account for spec in accounts}
    assert all(request.status == 200 for request in simulated.control.requests)


def test_i5_the_portfolio_is_what_the_books_say(flex: Serve) -> None:
    # given
    simulated = flex(accounts=TWO_ACCOUNTS)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then figures and positions of the last day are those of the books
    said = kept.said[-1]
    built = simulated.world.built
    for book in simulated.world.logins[TOKEN].books.values():
        (balance,) = [one for one in said.balances if one.broker_account_id == book.account]
        (section,) = [one for one in said.positions if one.broker_account_id == book.account]
        assert (balance.currency, balance.as_of.raw) == (book.base, MONDAY)
        assert (balance.balance, balance.equity) == (
            book.standing(built, built).cash,
            book.standing(built, built).net_value,
        )
        assert {one.symbol: (one.side.value, plain(one.volume)) for one in section.positions} == {
            one.contract.symbol: ("buy" if one.quantity > 0 else "sell", plain(abs(one.quantity)))
            for one in book.standing(built, built).holdings
        }


def test_the_first_look_brings_accounts_and_figures_before_any_trade(flex: Serve) -> None:
    # given a login whose history takes several windows
    simulated = flex(accounts=[AccountSpec(account="U7000001", executions=200, days=800)])
    kept = Kept()
    # when it is loaded
    simulated.sync(kept)
    # then the first chunk has the portfolio, and the windows follow from the account's opening on
    looks = [said for said in kept.said if said.accounts]
    assert (len(looks[0].balances), len(looks[0].positions), looks[0].executions) == (1, 1, [])
    windows = [(first, last) for section, first, last in asked_for(kept) if section == "send_request"]
    assert windows == [
        ("20260504", "20260511"),
        ("20240303", "20250228"),
        ("20250221", "20260220"),
        ("20260213", "20260511"),
    ]
    assert_kept_is_true(simulated, kept)


def test_i9_cancels_name_their_target_across_windows(flex: Serve) -> None:
    # given so many corrections that some fall on either side of a window's border
    simulated = flex(accounts=[AccountSpec(account="U7000001", executions=3000, days=500)])
    kept = Kept()
    # when
    simulated.sync(kept)
    # then every cancel row names a trade that was kept before it
    order = {source_id: place for place, source_id in enumerate(kept.executions)}
    cancels = [trade for trade in kept.executions.values() if trade.kind is ExecutionKind.CANCEL]
    assert len(cancels) > 30
    assert all(trade.cancels_trade_id in order for trade in cancels)


def test_a_plan_bounds_how_far_back_a_first_load_goes(flex: Serve) -> None:
    # given an account older than the trader's plan reaches
    simulated = flex(accounts=[AccountSpec(account="U7000001", executions=400, days=200)])
    kept = Kept()
    start = NOW - timedelta(days=30)
    # when
    simulated.sync(kept, history_start=start)
    # then what happened since is complete, and nothing older was asked for
    true = simulated.truth()["U7000001"]
    since = {key for key, row in true.items() if _ns(row) >= start.timestamp() * 1e9 + 24 * 3600e9}
    assert since <= kept.executions.keys() | kept.cash_events.keys()
    assert min(first for _, first, _ in asked_for(kept) if first) == "20260412"


def test_windows_before_an_accounts_opening_are_passed_over(flex: Serve) -> None:
    # given a query that doesn't tell when the account was opened, and a plan of three years
    query = QuerySpec(id=QUERY, omit={"AccountInformation": frozenset({"dateOpened"})})
    simulated = flex(accounts=[AccountSpec(account="U7000001", executions=100, days=100)], queries=[query], polls=0)
    kept = Kept()
    # when
    simulated.sync(kept, history_start=NOW - timedelta(days=3 * 365))
    # then the empty years cost some requests, each of them once, and the rest is complete
    assert_kept_is_true(simulated, kept)
    windows = [(first, last) for section, first, last in asked_for(kept) if section == "send_request"]
    assert len(set(windows)) == len(windows)
    assert len(windows) <= 12


def test_a_brand_new_account_waits_for_its_first_statement(flex: Serve) -> None:
    # given an account that was opened today
    simulated = flex(accounts=[AccountSpec(account="U7000001", days=0, blank=True)])
    # when
    error = simulated.failure(Kept())
    # then it is tried again later
    assert type(error).__name__ == "RetryLaterError"
    assert error.safe_message == "IBKR has no statement for these days yet."
    # and the day after it is there
    simulated.wait_until(NOW + timedelta(days=1))
    kept = Kept()
    simulated.sync(kept)
    assert kept.cursor == "20260512"


# --- later syncs ----------------------------------------------------------------------------------------------------


def test_i9_day_after_day_the_ledger_is_what_the_broker_holds_late_bookings_included(flex: Serve) -> None:
    # given a ledger that is loaded, of an account with corrections
    simulated = flex(accounts=[AccountSpec(account="U7000001", executions=700, days=30), TWO_ACCOUNTS[1]], polls=0)
    kept = Kept()
    simulated.sync(kept)
    # when it is synced every day for a week
    for day in range(1, 9):
        simulated.wait_until(NOW + timedelta(days=day))
        simulated.sync(kept)
        # then it is complete every day, and nothing that was kept has changed
        assert_kept_is_true(simulated, kept)
    assert kept.changed == []
    assert kept.cursor == "20260519"


def test_nothing_new_costs_two_requests_and_nothing_is_read(flex: Serve) -> None:
    # given a ledger that is loaded
    simulated = flex(accounts=TWO_ACCOUNTS, polls=0)
    kept = Kept()
    simulated.sync(kept)
    simulated.wait_until(NOW + timedelta(hours=1))
    simulated.sync(kept)
    seen = {page.section: masked_digest(page.body, provider.manifest.volatile) for page in kept.pages}
    before, cursor = len(kept.pages), kept.cursor
    # when it is synced again four hours later
    simulated.wait_until(NOW + timedelta(hours=5))
    requests = simulated.sync(kept)
    # then both answers are the ones that we have, but for what changes without news
    assert requests == 2
    assert [page.section for page in kept.pages[before:]] == ["send_request", "statement"]
    for page in kept.pages[before:]:
        assert masked_digest(page.body, provider.manifest.volatile) == seen[page.section]
    assert kept.cursor == cursor


def test_i11_no_run_waits_and_every_run_ends_with_a_checkpoint(flex: Serve) -> None:
    # given statements that take three polls
    simulated = flex(polls=3)
    kept = Kept()
    began = simulated.clock.now()
    # when the first run is over
    later = simulated.run(kept)
    # then it has taken no time, says when to come back, and where it stands
    assert later is not None
    assert simulated.clock.now() == began
    assert later.at == began + timedelta(seconds=5)
    assert len(kept.checkpoints) == 1
    assert (kept.checkpoints[0].cursor, kept.checkpoints[0].last) == ("", True)
    # and the next ones ask for the same statement until it is there
    simulated.sync(kept)
    references = {page.params["q"] for page in kept.pages if page.section in {"get_statement", "overview"}}
    assert len(references) == 2  # the overview's, and the only window's
    assert_kept_is_true(simulated, kept)


def test_i6_the_limits_hold_for_polls_too(flex: Serve) -> None:
    # given statements that take seven polls, of a service that refuses the eleventh request of a minute
    simulated = flex(polls=7)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then none of ours was refused
    assert not [page for page in kept.pages if b"1018" in page.body]
    assert_kept_is_true(simulated, kept)


def test_i3_what_is_complete_is_said_with_the_days(flex: Serve) -> None:
    # given
    simulated = flex(polls=0)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then the last checkpoint covers from the account's opening to the end of Monday, in New York
    last = kept.checkpoints[-1]
    assert last.covered_from == datetime(2026, 4, 2, 4, tzinfo=UTC)
    assert last.covered_to == datetime(2026, 5, 12, 4, tzinfo=UTC)
    assert last.last


@pytest.mark.parametrize(
    ("now", "served"),
    [
        (datetime(2026, 5, 12, 4, 30, tzinfo=UTC), "20260508"),  # half past midnight: Monday is not built yet
        (datetime(2026, 5, 10, 15, tzinfo=UTC), "20260508"),  # a Sunday
        (datetime(2027, 1, 4, 5, 30, tzinfo=UTC), "20261231"),  # after New Year's day, a Friday
        (datetime(2026, 7, 5, 15, tzinfo=UTC), "20260703"),
    ],
)
def test_i3_a_day_without_statement_is_stepped_over_backwards(flex: Serve, now: datetime, served: str) -> None:
    simulated = flex(now=now, polls=0)
    kept = Kept()
    simulated.sync(kept)
    assert kept.cursor == served
    assert_kept_is_true(simulated, kept)


def test_i8_trades_around_the_change_of_clocks_are_placed(flex: Serve) -> None:
    # given accounts that traded through March and November
    for now in (datetime(2026, 3, 17, 13, tzinfo=UTC), datetime(2026, 11, 10, 13, tzinfo=UTC)):
        simulated = flex(now=now, accounts=[AccountSpec(account="U7000001", executions=150, days=20)], polls=0)
        kept = Kept()
        simulated.sync(kept)
        # then every instant is that of the books
        assert_kept_is_true(simulated, kept)


# --- queries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formats",
    [("%Y-%m-%d", ", ", "%H:%M:%S"), ("%Y%m%d", " ", "%H:%M:%S"), ("%Y-%m-%d", ";", "%H%M%S")],
)
def test_i8_other_formats_of_date_and_time_say_the_same(flex: Serve, formats: tuple[str, str, str]) -> None:
    simulated = flex(queries=[QuerySpec(id=QUERY, formats=formats)], polls=0)
    kept = Kept()
    simulated.sync(kept)
    true = {key: row for rows in simulated.truth().values() for key, row in rows.items()}
    entries = {**kept.executions, **kept.cash_events}
    assert {key: as_truth(entry, {_when(true[key]): 0}) for key, entry in entries.items()} == {
        key: {_when(row): row[_when(row)]} for key, row in true.items()
    }


def test_attributes_that_are_not_needed_may_be_left_out(flex: Serve) -> None:
    # given a query that selects only what a sync can't do without, and no sums
    needed = {"Trade": frozenset({"acctAlias", "model", "isin", "conid", "notes", "openCloseIndicator", "buySell"})}
    simulated = flex(queries=[QuerySpec(id=QUERY, omit=needed, sums=False)], polls=0)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then every trade is there with its direction, amounts and kind
    true = simulated.truth()["U7000001"]
    for source_id, trade in kept.executions.items():
        told = as_truth(trade, dict.fromkeys(("side", "quantity", "price", "fees", "kind", "cancels_trade_id"), 0))
        assert told == {name: true[source_id][name] for name in told}
    assert kept.executions.keys() | kept.cash_events.keys() == true.keys()


def test_an_account_that_is_added_to_the_query_is_found(flex: Serve) -> None:
    # given a connection that was made when its query covered one account
    simulated = flex(accounts=TWO_ACCOUNTS, queries=[QuerySpec(id=QUERY, accounts=("U7000001",))], polls=0)
    kept = Kept()
    simulated.sync(kept)
    assert kept.accounts == {"U7000001"}
    # when the trader adds the other one
    login = simulated.world.logins[TOKEN]
    login.spec = replace(login.spec, queries=(QuerySpec(id=QUERY),))
    simulated.sync(kept)
    # then it comes with the next statement
    assert kept.accounts == {"U7000001", "U7000002"}


def test_i5_an_account_that_is_gone_leaves_the_cursor_where_it_was(flex: Serve) -> None:
    # given a connection with two accounts
    simulated = flex(accounts=TWO_ACCOUNTS, polls=0)
    kept = Kept()
    simulated.sync(kept)
    # when the next day's statement covers only one
    login = simulated.world.logins[TOKEN]
    login.spec = replace(login.spec, queries=(QuerySpec(id=QUERY, accounts=("U7000001",)),))
    simulated.wait_until(NOW + timedelta(days=1))
    simulated.sync(kept)
    # then the other one is missed by name
    assert kept.said[-1].missing_sections == ["statement of account ...0002"]
    assert kept.cursor == MONDAY


def _when(row: dict[str, object]) -> str:
    return "executed_at_ns" if "executed_at_ns" in row else "occurred_at_ns"


def _ns(row: dict[str, object]) -> int:
    return int(str(row[_when(row)]))
