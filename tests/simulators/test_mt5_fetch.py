"""The provider against the simulator over real HTTP: everything, nothing else, and as few requests as can be."""

from datetime import UTC, datetime, timedelta

import pytest

from brokersync.brokers.mt5.completeness import DOUBTED_FOR, Cursor
from brokersync.brokers.mt5.manifest import OVERLAP
from brokersync.domain.times import to_ns
from brokersync.domain.trades import CashEvent, CashKind, Execution
from local.simulators.mt5_clock import NEW_YORK_PLUS_7
from local.simulators.mt5_http import Style
from local.simulators.mt5_truth import text
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.mt5_sync import LOGIN, NOW, Kept, Serve, Simulated, assert_kept_is_true

WRAPPED = Style()
NOT_LIMITED = 100_000  # the real limit is kept by permits; here nobody waits
STYLES = {
    "as our contract has it": (Style(), {}),
    "bare": (Style(envelope="bare"), {}),
    "lists that say whose they are": (Style(names_login=True), {}),
    "bearer, and times in text": (
        Style(header="Authorization: Bearer", time_unit="iso"),
        {"header": "Authorization: Bearer", "time_unit": "iso"},
    ),
    "a path of its own, and milliseconds": (
        Style(base_path="/terminals/{id}/v1", time_unit="ms"),
        {"base_path": "/terminals/{id}/v1/", "time_unit": "ms"},
    ),
    "one account, unnamed": (Style(base_path="/mt5", envelope="bare"), {"base_path": "/mt5"}),
    "times converted by the bridge": (Style(converts=True), {"server_zone": "UTC"}),
}


@pytest.fixture
def mt5(stage: tuple[Stage, RunningServer]) -> Serve:
    """Serves an MT5 account of the given kind, in place of the one before."""

    def serve(style: Style = WRAPPED, settings: dict[str, str] | None = None, **spec: object) -> Simulated:
        return Simulated(stage, style, settings or {}, NOT_LIMITED, spec)

    return serve


# --- first loads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STYLES)
def test_i2_a_first_load_is_what_the_server_holds_however_the_bridge_speaks(mt5: Serve, name: str) -> None:
    # given an account with a past
    style, settings = STYLES[name]
    simulated = mt5(style, settings, executions=200)
    kept = Kept()
    # when it is loaded for the first time
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert sum(isinstance(one, Execution) for one in kept.entries.values()) == 200
    assert kept.missing == set()


@pytest.mark.parametrize(
    "spec",
    [
        {"executions": 2_500, "days": 1_500},
        {"executions": 800, "days": 700, "hedging": False, "currency": "EUR", "seed": 3},
        {"executions": 300, "days": 200, "currency": "GBP", "zone": "+03:00", "seed": 11},
    ],
    ids=["hedging in dollars through eight changes of the clock", "netting in euros", "fixed offset, in pounds"],
)
def test_i2_long_pasts_come_out_entry_by_entry(mt5: Serve, spec: dict[str, object]) -> None:
    # given
    simulated = mt5(settings={"server_zone": str(spec.get("zone", NEW_YORK_PLUS_7))}, **spec)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then every time is the instant at which it happened, and every amount is there once
    assert_kept_is_true(simulated, kept)


def test_the_money_of_all_entries_is_the_balance(mt5: Serve) -> None:
    # given a loaded account with a deal of every kind
    simulated = mt5(executions=400)
    kept = Kept()
    simulated.sync(kept)
    # when everything that moved cash is added up; credit is no cash
    moved = sum(
        one.amount if isinstance(one, CashEvent) else (one.realised_pnl or 0) - sum(one.fees.values())
        for one in kept.entries.values()
        if not (isinstance(one, CashEvent) and one.description.startswith("CREDIT"))
    )
    # then
    assert moved == simulated.account.book.balance
    kinds = {one.kind for one in kept.entries.values() if isinstance(one, CashEvent)}
    assert kinds == set(CashKind) - {CashKind.TRANSFER}


def test_the_portfolio_is_what_the_book_says(mt5: Serve) -> None:
    # given / when
    simulated = mt5(executions=120)
    kept = Kept()
    simulated.sync(kept)
    # then
    book = simulated.account.book
    balance = kept.said[-1].balances[-1]
    (section,) = kept.said[-1].positions
    assert (balance.currency, text(balance.balance), text(balance.equity)) == (
        "USD",
        text(book.balance),
        text(book.equity(simulated.world.now())),
    )
    assert {one.position_id: (one.symbol, one.open_price, one.side.value, one.volume) for one in section.positions} == {
        str(one.id): (one.symbol, one.price, "buy" if one.lots > 0 else "sell", abs(one.lots))
        for one in book.positions.values()
    }
    assert {one.opened_at.ns for one in section.positions} == {one.opened for one in book.positions.values()}
    assert all(one.stop_loss is None or one.stop_loss > 0 for one in section.positions)


def test_only_what_the_plan_shows_is_loaded(mt5: Serve) -> None:
    # given a past of 90 days and a plan of 30
    simulated = mt5(executions=300, days=90)
    start = NOW - timedelta(days=30)
    kept = Kept()
    # when
    simulated.sync(kept, history_start=start)
    # then exactly what is not older is there
    true = simulated.truth().entries
    at = {one: int(entry.get("executed_at_ns") or entry["occurred_at_ns"]) for one, entry in true.items()}  # type: ignore[arg-type]
    assert set(kept.entries) == {one for one, ns in at.items() if ns >= to_ns(start)}
    assert kept.checkpoints[0].covered_from == start


def test_i3_a_load_that_is_cut_short_goes_on_where_it_was(mt5: Serve) -> None:
    # given a load that ends after its second checkpoint, again and again
    simulated = mt5(executions=1_500, days=900)
    kept = Kept()
    runs = 0
    # when it is taken up until it is through
    while not kept.checkpoints or not kept.checkpoints[-1].last:
        simulated.sync(kept, checkpoints=2)
        runs += 1
    # then it took several runs, nothing is missing, and no checkpoint claims the future
    assert runs > 1
    assert all(one.covered_to is not None and one.covered_to <= simulated.now for one in kept.checkpoints)
    assert_kept_is_true(simulated, kept)
    assert not Cursor.read(kept.cursor).loading


def test_an_account_in_which_nothing_happened_is_not_searched_from_2010_again(mt5: Serve) -> None:
    # given
    simulated = mt5(blank=True)
    kept = Kept()
    first = simulated.sync(kept)
    # when
    again = simulated.sync(kept)
    # then
    assert len(again) < len(first) / 2
    assert [section.positions for section in kept.said[-1].positions] == [()]


# --- news -----------------------------------------------------------------------------------------------------------


def test_nothing_new_costs_four_requests_and_leaves_the_cursor(mt5: Serve) -> None:
    # given
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    cursor = kept.cursor
    simulated.later(minutes=15)
    # when
    asked = simulated.sync(kept)
    # then
    assert [one.path.rpartition("/")[2] for one in asked] == ["info", "history", "positions", "info"]
    assert kept.cursor == cursor


def test_what_is_asked_for_is_by_the_servers_clock_from_three_days_back_to_tomorrow(mt5: Serve) -> None:
    # given
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    simulated.later(minutes=15)
    # when
    (history,) = [one for one in simulated.sync(kept) if one.path.endswith("/history")]
    # then a server that is three hours ahead is asked for its own tomorrow
    told = datetime.fromtimestamp(int(history.params["to"]), UTC)
    assert told == simulated.now + timedelta(hours=3, days=1)
    newest = max(deal.ns for deal in simulated.account.book.deals) // 10**9
    assert int(history.params["from"]) == newest + 3 * 3600 - OVERLAP.total_seconds()


def test_i3_trades_that_happen_while_a_sync_runs_are_neither_lost_nor_doubled(mt5: Serve) -> None:
    # given an account that trades before every request
    simulated = mt5(executions=300, days=400)
    kept = Kept()

    def trade(_ordinal: int) -> None:
        simulated.later(seconds=1)
        simulated.world.act(LOGIN)

    # when it is loaded, and synced some more times
    for _ in range(3):
        simulated.sync(kept, before=trade)
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)


def test_i3_a_late_row_within_the_overlap_is_found(mt5: Serve) -> None:
    # given
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    # when the server books a trade an hour before the newest one
    (late,) = simulated.world.trade_late(LOGIN)
    simulated.sync(kept)
    # then
    assert late in kept.entries
    assert_kept_is_true(simulated, kept)
    assert kept.missing == set()


def test_i9_a_cancelled_deal_comes_with_what_takes_it_back(mt5: Serve) -> None:
    # given
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    # when the server cancels a deal that was told
    ticket = simulated.world.cancel(LOGIN)
    simulated.sync(kept)
    # then the volumes of both rows add up to nothing
    done, cancel = kept.entries[ticket], kept.entries[f"{ticket}:cancel"]
    assert isinstance(done, Execution)
    assert isinstance(cancel, Execution)
    assert (cancel.cancels_trade_id, cancel.quantity) == (ticket, done.quantity)
    assert cancel.side is not done.side
    assert_kept_is_true(simulated, kept)


# --- a terminal that loads its history late -------------------------------------------------------------------------


def test_i5_a_history_that_does_not_explain_the_balance_is_missing_until_it_does(mt5: Serve) -> None:
    # given a terminal that has loaded a part of the history only, and loads more whenever it is asked
    simulated = mt5(executions=200, unloaded=150, loads=3)
    kept = Kept()
    # when it is loaded
    simulated.sync(kept)
    # then what came is kept, but the account isn't taken for complete
    assert kept.missing == {"history"}
    assert_kept_is_true(simulated, kept, complete=False)
    # and once the terminal has all, so has the ledger
    for _ in range(60):
        kept.said.clear()
        simulated.later(minutes=5)
        simulated.sync(kept)
        if not kept.missing:
            break
    assert kept.missing == set()
    assert_kept_is_true(simulated, kept)


def test_what_one_more_question_makes_the_terminal_load_holds_nothing_up(mt5: Serve) -> None:
    # given a synced account, whose newest deals the terminal has not loaded when it is asked
    simulated = mt5()
    kept = Kept()
    simulated.sync(kept)
    simulated.later(minutes=5)
    simulated.world.act(LOGIN, 3)
    deals = simulated.account.book.deals
    new, simulated.account.book.deals = deals[-2:], deals[:-2]

    def load(ordinal: int) -> None:
        if ordinal == 5:  # the question after the second info, which doesn't fit the deals
            simulated.account.book.deals = [*deals[:-2], *new]

    # when it is synced
    simulated.sync(kept, before=load)
    # then it was asked twice, and all is there
    assert kept.missing == set()
    assert_kept_is_true(simulated, kept)


def test_after_a_day_in_doubt_all_is_read_once_more_and_taken_as_it_comes(mt5: Serve) -> None:
    # given an account whose balance its deals will never explain
    simulated = mt5(executions=100, days=500)
    simulated.account.book.balance += 5
    kept = Kept()
    simulated.sync(kept)
    assert kept.missing == {"history"}
    simulated.later(hours=1)
    kept.said.clear()
    simulated.sync(kept)
    assert kept.missing == {"history"}
    # when a day has passed
    simulated.later(seconds=DOUBTED_FOR.total_seconds())
    kept.said.clear()
    requests = simulated.sync(kept)
    # then everything was asked for again, and the account is whole as far as anybody can tell
    assert kept.missing == set()
    assert sum(one.path.endswith("/history") for one in requests) > 10
    assert_kept_is_true(simulated, kept)
    # and from then on the balance is held to the deals again
    kept.said.clear()
    assert len(simulated.sync(kept)) == 4
    simulated.account.book.balance += 5
    simulated.sync(kept)
    assert kept.missing == {"history"}
