"""The provider against the simulator over real HTTP: everything once, nothing else, and as few requests as can be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.domain.times import to_ns
from tests.simulators.oanda_sync import (
    ACCOUNT,
    END,
    NOW,
    Kept,
    Simulated,
    as_truth,
    assert_kept_is_true,
)

Serve = Callable[..., Simulated]


@pytest.mark.parametrize(
    "spec",
    [
        {"executions": 2000, "currency": "USD"},
        {"executions": 700, "currency": "EUR", "hedging": True, "seed": 3},
        {"executions": 500, "currency": "GBP", "commission": False, "flat": True, "seed": 11},
    ],
    ids=["netting in dollars", "hedging in euros", "flat in pounds"],
)
def test_i2_a_first_load_is_what_the_broker_holds_trade_by_trade(oanda: Serve, spec: dict[str, object]) -> None:
    # given an account with a past
    simulated = oanda(**spec)
    kept = Kept()
    # when it is loaded for the first time
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert len(kept.executions) == spec["executions"]
    assert kept.cursor == str(simulated.world.accounts[ACCOUNT].book.last_id)


def test_the_portfolio_is_what_the_book_says(oanda: Serve) -> None:
    # given
    simulated = oanda(executions=300)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then
    book = simulated.world.accounts[ACCOUNT].book
    balances = [balance for said in kept.said for balance in said.balances]
    (section,) = [section for said in kept.said for section in said.positions]
    assert [balance.balance for balance in balances] == [book.totals.balance]
    assert {one.position_id: (one.symbol, one.open_price) for one in section.positions} == {
        trade.id: (trade.instrument, trade.price) for trade in book.open_trades.values()
    }
    signed = {one.position_id: one.volume if one.side == "buy" else -one.volume for one in section.positions}
    assert signed == {trade.id: trade.units for trade in book.open_trades.values()}


def test_nothing_new_in_a_flat_account_costs_one_request(oanda: Serve) -> None:
    # given a flat account that is loaded
    simulated = oanda(flat=True)
    kept = Kept()
    simulated.sync(kept)
    cursor = kept.cursor
    # when it is synced again
    asked = simulated.sync(kept)
    # then the summary alone proves that nothing is new and that the account is flat
    assert asked == [f"/accounts/{ACCOUNT}/summary"]
    assert [section.positions for section in kept.said[-1].positions] == [()]
    assert kept.cursor == cursor


def test_moved_prices_cost_two_requests_and_no_transaction(oanda: Serve) -> None:
    # given an account with open Trades
    simulated = oanda()
    kept = Kept()
    simulated.sync(kept)
    before = kept.said[0].balances[0]
    # when only prices move
    simulated.world.move_prices()
    asked = simulated.sync(kept)
    # then
    assert asked == [f"/accounts/{ACCOUNT}/summary", f"/accounts/{ACCOUNT}/openTrades"]
    after = kept.said[-1].balances[0]
    assert after.balance == before.balance
    assert after.equity != before.equity
    assert_kept_is_true(simulated, kept)


def test_news_is_asked_for_by_the_cursor(oanda: Serve) -> None:
    # given an account that is loaded and goes on trading
    simulated = oanda()
    kept = Kept()
    simulated.sync(kept)
    simulated.world.act(ACCOUNT, 40)
    kept.said.clear()
    # when
    asked = simulated.sync(kept)
    # then only what is new was served
    assert asked[1].endswith("/transactions/sinceid")
    assert len(asked) == 3
    assert_kept_is_true(simulated, kept)


def test_more_news_than_an_answer_holds_is_followed_to_its_end(oanda: Serve) -> None:
    # given more than two answers full of news
    simulated = oanda(executions=10)
    kept = Kept()
    simulated.sync(kept)
    simulated.world.trade(ACCOUNT, 900)
    # when
    asked = simulated.sync(kept)
    # then
    assert sum(url.endswith("/sinceid") for url in asked) >= 2
    assert_kept_is_true(simulated, kept)


def test_i3_trades_that_happen_while_a_sync_runs_are_neither_lost_nor_doubled(oanda: Serve) -> None:
    # given an account that trades before every request of a sync
    simulated = oanda(executions=2500)
    kept = Kept()

    def trade(_ordinal: int) -> None:
        simulated.world.trade(ACCOUNT)

    # when it is loaded, and synced once more
    simulated.sync(kept, before=trade)
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)


def test_a_trade_opened_after_the_summary_counted_none_is_a_position_at_once(oanda: Serve) -> None:
    # given a flat account
    simulated = oanda(flat=True)
    kept = Kept()
    simulated.sync(kept)
    simulated.world.trade(ACCOUNT)
    simulated.sync(kept)
    closing = simulated.world.accounts[ACCOUNT].trader
    closing.close_one(END + 10**12)

    # when a Trade opens between the summary, which counts none, and the news
    def trade(ordinal: int) -> None:
        if ordinal == 2:
            simulated.world.trade(ACCOUNT)

    simulated.sync(kept, before=trade)
    # then the open Trades are asked for all the same
    assert len(kept.said[-1].positions[-1].positions) == 1


def test_i3_a_first_load_cut_at_any_checkpoint_goes_on_where_it_stopped(oanda: Serve) -> None:
    # given an account of several pages
    simulated = oanda(executions=1200)
    whole = Kept()
    simulated.sync(whole)
    for cut in range(1, len(whole.checkpoints)):
        # when the time is up after so many checkpoints, and another run goes on
        kept = Kept()
        simulated.sync(kept, checkpoints=cut)
        assert kept.cursor == whole.checkpoints[cut - 1].cursor
        simulated.sync(kept)
        # then
        assert_kept_is_true(simulated, kept)
        assert kept.cursor == whole.cursor


def test_i3_a_cursor_is_what_was_served_and_never_goes_back(oanda: Serve) -> None:
    # given / when
    simulated = oanda(executions=1200)
    kept = Kept()
    simulated.sync(kept)
    # then each checkpoint's cursor is the last transaction of its pages
    cursors = [int(checkpoint.cursor) for checkpoint in kept.checkpoints]
    assert cursors == sorted(cursors)
    covered = [checkpoint.covered_to for checkpoint in kept.checkpoints]
    assert covered[-1] == NOW
    times = simulated.world.accounts[ACCOUNT].book.times
    for cursor, moment in zip(cursors[:-1], covered[:-1], strict=True):
        assert moment is not None
        assert times[cursor - 1] // 1000 == to_ns(moment) // 1000
    assert kept.checkpoints[0].covered_from == datetime.fromtimestamp((END - 90 * 86_400 * 10**9) / 10**9, UTC)


def test_a_limited_history_starts_where_it_is_told_to(oanda: Serve) -> None:
    # given a plan of 30 days
    simulated = oanda(executions=400)
    start = datetime.fromtimestamp(END / 10**9, UTC) - timedelta(days=30)
    kept = Kept()
    # when
    simulated.sync(kept, history_start=start)
    # then what is older stays away, and what is newer is all there
    assert_kept_is_true(simulated, kept, since=start.isoformat())
    assert 0 < len(kept.executions) < 400
    assert kept.checkpoints[0].covered_from == start


def test_a_history_that_starts_after_everything_has_its_cursor_at_the_end(oanda: Serve) -> None:
    # given an account in which nothing happened lately
    simulated = oanda(flat=True)
    kept = Kept()
    # when
    simulated.sync(kept, history_start=datetime.fromtimestamp(END / 10**9, UTC) + timedelta(minutes=1))
    # then nothing is loaded, and later news comes by the cursor
    assert not kept.executions
    assert kept.cursor == str(simulated.world.accounts[ACCOUNT].book.last_id)
    simulated.world.trade(ACCOUNT)
    simulated.sync(kept)
    assert len(kept.executions) == 1


def test_an_account_without_any_transaction_waits_for_its_first(oanda: Serve) -> None:
    # given a number that has no history at all
    simulated = oanda(blank=True)
    kept = Kept()
    simulated.sync(kept)
    assert (kept.cursor, len(kept.executions)) == ("0", 0)
    # when it begins to trade
    simulated.world.trade(ACCOUNT, 3)
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert len(kept.executions) == 3


def test_i1_pages_hold_what_the_broker_sent_and_no_secret(oanda: Serve) -> None:
    # given / when
    simulated = oanda()
    kept = Kept()
    simulated.sync(kept)
    # then
    assert [page.section for page in kept.pages] == ["summary", "transactions", "transactions", "openTrades"]
    assert all("requestid" in page.headers for page in kept.pages)
    assert "a-token-of-the-simulator" not in repr(kept.pages)
    assert [page.facts for page in kept.pages[1:]] == [{"currency": "USD"}] * 3


def test_executions_say_the_same_whichever_page_served_them(oanda: Serve) -> None:
    # given one sync by ranges of ids and one that goes on by the cursor
    simulated = oanda(executions=1200)
    by_range, by_cursor = Kept(), Kept()
    simulated.sync(by_range)
    simulated.sync(by_cursor, checkpoints=1)
    simulated.sync(by_cursor)
    # when / then
    assert {key: as_truth(one) for key, one in by_range.executions.items()} == {
        key: as_truth(one) for key, one in by_cursor.executions.items()
    }
