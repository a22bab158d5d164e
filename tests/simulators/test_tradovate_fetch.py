"""The provider against the simulator: everything of the session comes, once, and no request is made for nothing."""

from datetime import datetime, timedelta

import pytest

from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.trades import Execution
from local.simulators.serving import RunningServer
from local.simulators.tradovate_world import AccountSpec
from tests.simulators.conftest import Stage
from tests.simulators.tradovate_sync import FIRST, LOGIN, SECOND, Kept, Simulated

LISTS = [
    "/account/list",
    "/currency/list",
    "/order/list",
    "/position/list",
    "/contract/items",
    "/contractMaturity/items",
    "/product/items",
    "/fillFee/list",
    "/fillPair/list",
    "/cashBalanceLog/ldeps",
    "/fill/list",
    "/cashBalance/list",
]
SNAPSHOT = "/cashBalance/getcashbalancesnapshot"


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage)


def test_i2_a_session_comes_whole(stage: tuple[Stage, RunningServer]) -> None:
    # given two accounts with thousands of executions since the session began
    simulated, kept = Simulated(stage, executions=1_000), Kept()
    # when
    simulated.sync(kept)
    # then every one is kept, digit for digit, under its account
    assert simulated.untrue(kept) == []
    assert len([one for one in kept.entries.values() if isinstance(one, Execution)]) > 2_000
    assert [said.unmapped for said in kept.said] == [[]]


def test_nothing_new_costs_a_dozen_lists_and_a_snapshot_per_account_that_holds_something(simulated: Simulated) -> None:
    # given a login that was synced: one account holds positions, the other is flat
    kept = Kept()
    simulated.sync(kept)
    # when it is synced again, in the session that it still has
    simulated.sync(kept)
    # then
    assert simulated.asked() == [*LISTS, SNAPSHOT]
    assert [page.params for page in kept.pages if page.section == "cash_balance_snapshots"] == 2 * [
        {"accountId": FIRST}
    ]


def test_i3_the_cursor_is_the_newest_time_that_was_served(simulated: Simulated) -> None:
    kept = Kept()
    simulated.sync(kept)
    newest = max(one.occurred_at.ns for one in kept.entries.values())
    before = kept.cursor
    assert datetime.fromisoformat(before).timestamp() == pytest.approx(newest / 1e9)
    # and it stays where it is while nothing happens
    simulated.after(minutes=30)
    simulated.sync(kept)
    assert kept.cursor == before


def test_i3_what_was_fetched_before_the_roll_is_kept_and_the_rest_is_lost(simulated: Simulated) -> None:
    # given a login that was synced, and traded once more
    kept = Kept()
    simulated.sync(kept)
    simulated.after(minutes=1)
    lost = simulated.world.trade(FIRST, 1)
    # when the next session begins
    simulated.at("2026-05-12T17:00:00-05:00")
    new = simulated.world.trade(SECOND, 1)
    simulated.sync(kept)
    # then the lists hold the new session only: what nobody fetched in time is gone, and everything else is kept
    missing = {line.split(": ")[1] for line in simulated.untrue(kept)}
    assert {f"{one} is missing" for one in lost} <= missing
    assert {source_id for _, source_id in kept.entries} >= set(new)
    assert simulated.untrue(kept, complete=False) == []
    assert kept.checkpoints[-1].covered_from == simulated.now


def test_i3_a_session_is_covered_from_its_beginning_to_the_moment_it_was_asked(simulated: Simulated) -> None:
    kept = Kept()
    simulated.sync(kept)
    (checkpoint,) = kept.checkpoints
    assert checkpoint.covered_from == datetime.fromisoformat("2026-05-11T17:00:00-05:00")
    assert checkpoint.covered_to == simulated.now
    assert checkpoint.last


@pytest.mark.parametrize("empty", [True, False])
def test_i5_empty_lists_while_the_session_is_archived_prove_nothing(
    stage: tuple[Stage, RunningServer], empty: bool
) -> None:
    # given the hour after the close, in which Tradovate archives
    now = datetime.fromisoformat("2026-05-12T16:30:00-05:00")
    simulated, kept = Simulated(stage, now=now, blank=empty), Kept()
    # when
    simulated.sync(kept)
    # then lists that hold something are the session's; empty ones may have been emptied
    (checkpoint,) = kept.checkpoints
    assert (checkpoint.covered_from is None, checkpoint.covered_to is None) == (empty, empty)


def test_an_order_of_a_former_session_is_looked_up(simulated: Simulated) -> None:
    # given an order that was placed yesterday, isn't listed, and is filled today
    kept = Kept()
    simulated.sync(kept)
    simulated.after(minutes=1)
    (filled,) = simulated.world.carry_order(FIRST)
    # when
    simulated.sync(kept)
    # then its account is found by the order itself, and the fills are asked for again with it
    assert simulated.untrue(kept) == []
    assert (FIRST, filled) in kept.entries
    assert simulated.asked()[10:13] == ["/fill/list", "/order/items", "/fill/list"]
    # and the page of fills can be read without any other
    page = next(page for page in reversed(kept.pages) if page.section == "fills")
    alone = provider.normalise([page], tuple(kept.accounts))
    assert filled in {one.source_trade_id for one in alone.executions}
    assert alone.unmapped == []


def test_what_is_filled_between_two_questions_is_joined_all_the_same(simulated: Simulated) -> None:
    # given a trader who trades a new contract while we ask
    kept = Kept()
    simulated.sync(kept)
    made: list[str] = []

    def trade(path: str) -> None:
        if path.endswith("/fill/list") and not made:
            made.extend(simulated.world.trade(FIRST, 3))

    # when
    simulated.sync(kept, before=trade)
    # then the new fills have their account and contract; what they cost comes with the next sync
    assert {source_id for _, source_id in kept.entries} >= set(made)
    assert kept.said[-1].unmapped == []
    simulated.sync(kept)
    assert simulated.untrue(kept) == []


def test_a_fill_of_an_order_that_nobody_knows_is_told_and_asked_for_once(simulated: Simulated) -> None:
    # given a fill whose order is nowhere
    kept = Kept()
    book = simulated.world.accounts[FIRST].book
    fill = next(iter(book.fills.values()))
    del book.orders[fill.order]
    # when
    simulated.sync(kept)
    # then its siblings are kept, and it is named
    assert {row.where for row in kept.said[-1].unmapped} == {
        f"id {one.id}" for one in book.fills.values() if one.order == fill.order
    }
    assert simulated.asked().count("/order/items") == 1
    assert simulated.asked().count("/fill/list") == 1


def test_i1_a_page_of_fills_says_the_same_alone(simulated: Simulated) -> None:
    # given a sync
    kept = Kept()
    simulated.sync(kept)
    # when the page of fills is read without the other lists
    page = next(page for page in kept.pages if page.section == "fills")
    alone = provider.normalise([page], tuple(kept.accounts))
    # then it says the same, costs and profits included
    assert alone.executions == kept.said[-1].executions
    assert alone.unmapped == []


def test_i9_corrections_busts_and_late_costs_are_seen(simulated: Simulated) -> None:
    # given a synced login
    kept = Kept()
    simulated.sync(kept)
    # when what was told before changes in every way
    for happen in (simulated.world.correct, simulated.world.charge_late, simulated.world.bust, simulated.world.late):
        simulated.after(minutes=1)
        happen(FIRST)
        simulated.sync(kept)
        # then
        assert simulated.untrue(kept) == [], happen.__name__


def test_a_new_account_of_the_login_comes_with_its_currency(simulated: Simulated) -> None:
    # given a synced login
    kept = Kept()
    simulated.sync(kept)
    # when it gets an account in euros
    simulated.world.open_account(LOGIN.username, AccountSpec(id=8100013, name="DEMO8100013", currency=2, executions=9))
    simulated.sync(kept)
    # then it is there, with all it did
    assert simulated.untrue(kept) == []
    assert {one.broker_account_id: one.currency for one in kept.said[-1].accounts}["8100013"] == "EUR"
    # and its figures are those that are sure: cash in euros
    (balance,) = [one for one in kept.said[-1].balances if one.broker_account_id == "8100013"]
    assert (balance.currency, balance.equity) == ("EUR", None)


def test_an_account_that_is_listed_no_more_keeps_what_it_has(simulated: Simulated) -> None:
    # given a login of two accounts that was synced
    kept = Kept()
    simulated.sync(kept)
    held = dict(kept.entries)
    # when one of them is closed and disappears
    del simulated.world.accounts[SECOND]
    simulated.after(minutes=1)
    simulated.world.trade(FIRST, 1)
    simulated.sync(kept)
    # then the other goes on, and nothing is taken away
    assert kept.entries.items() >= held.items()
    assert len(kept.entries) > len(held)
    assert kept.said[-1].missing_sections == []


def test_trades_of_several_days_are_kept_when_each_session_is_fetched(simulated: Simulated) -> None:
    # given a login that is synced after each close, and trades in every session
    kept = Kept()
    simulated.sync(kept)
    for day in range(12, 16):
        simulated.at(f"2026-05-{day}T15:59:59-05:00")
        simulated.world.trade("", 5)
        simulated.at(f"2026-05-{day}T16:05:00-05:00")
        # when
        simulated.sync(kept)
    # then not one is lost
    assert simulated.untrue(kept) == []
    assert simulated.now - kept.checkpoints[0].covered_to > timedelta(days=3)  # type: ignore[operator]
