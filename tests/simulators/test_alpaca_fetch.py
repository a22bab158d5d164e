"""The provider against the simulator over real HTTP: everything, nothing else, and as few requests as can be."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokersync.domain.trades import CashEvent
from local.simulators.alpaca_time import NEW_YORK
from local.simulators.alpaca_trader import Trader
from local.simulators.alpaca_truth import text
from local.simulators.alpaca_world import OPEN_QUESTIONS, Rules
from local.simulators.serving import RunningServer
from tests.simulators.alpaca_sync import ACCOUNT, KEYS, NOW, Kept, Serve, Simulated, assert_kept_is_true
from tests.simulators.conftest import Stage

AS_DOCUMENTED = Rules()
EVERY_RULE = pytest.mark.parametrize("rules", OPEN_QUESTIONS, ids=str)
AS_DOCUMENTED_AND_NOT = pytest.mark.parametrize(
    "rules", [AS_DOCUMENTED, Rules(zone=NEW_YORK, filtered_by="happened", ordered_by="created")], ids=str
)


@pytest.fixture
def alpaca(stage: tuple[Stage, RunningServer]) -> Serve:
    """Serves an Alpaca account of the given kind, in place of the one before."""
    return lambda rules=AS_DOCUMENTED, **spec: Simulated(stage, rules, spec)


def burst(simulated: Simulated, count: int, *, at: datetime, symbol: str = "BTC/USD") -> None:
    """So many fills at one time."""
    trader: Trader = simulated.account.trader
    trader.order(at, simulated.account.book.assets[symbol], "buy", [Decimal(1)] * count, equal_times=True)


# --- first loads ----------------------------------------------------------------------------------------------------


@EVERY_RULE
def test_i2_a_first_load_is_what_the_broker_holds_whatever_its_documentation_leaves_open(
    alpaca: Serve, rules: Rules
) -> None:
    # given an account with a past
    simulated = alpaca(rules, executions=1200)
    kept = Kept()
    # when it is loaded for the first time
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert len(simulated.account.book.truth.executions) >= 1200


def test_the_portfolio_is_what_the_book_says(alpaca: Serve) -> None:
    # given / when
    simulated = alpaca(executions=300)
    kept = Kept()
    simulated.sync(kept)
    # then
    book = simulated.account.book
    (balance,) = [balance for said in kept.said for balance in said.balances]
    (section,) = [section for said in kept.said for section in said.positions]
    assert (balance.currency, text(balance.balance), text(balance.equity)) == (
        "USD",
        text(book.cash),
        text(book.equity()),
    )
    signed = {one.symbol: text(one.volume if one.side == "buy" else -one.volume) for one in section.positions}
    assert signed == {asset.symbol: text(holding.units) for asset, holding in book.positions()}
    assert "BTC/USD" in signed


def test_years_without_activity_cost_one_request(alpaca: Serve) -> None:
    # given an account that is ten years old and rarely used
    simulated = alpaca(executions=30, days=3650)
    kept = Kept()
    # when
    requests = simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert len(requests) == 3


def test_a_long_history_costs_few_requests_more_than_it_must(alpaca: Serve) -> None:
    # given two years of steady trading
    simulated = alpaca(executions=2000, days=730)
    kept = Kept()
    # when
    requests = simulated.sync(kept)
    # then a request brings about what fits an answer, and no token is used
    assert_kept_is_true(simulated, kept)
    assert len(requests) <= 2.2 * len(kept.entries) / 100 + 5
    assert not any("page_token" in request.params for request in requests)


@EVERY_RULE
def test_i2_no_fill_of_a_millisecond_is_lost_where_the_brokers_own_paging_loses_some(
    alpaca: Serve, rules: Rules
) -> None:
    # given more fills of one millisecond than fit a page, late in the evening of New York, on two days of many
    simulated = alpaca(rules, executions=40)
    evening = datetime(2026, 5, 9, 2, 30, tzinfo=UTC)
    burst(simulated, 230, at=evening)
    burst(simulated, 150, at=evening + timedelta(days=1, hours=3))
    simulated.account.trader.advance(simulated.now)
    kept = Kept()
    # when
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)


@EVERY_RULE
def test_i2_fills_of_an_evening_are_found_behind_the_fees_that_are_sorted_before_them(
    alpaca: Serve, rules: Rules
) -> None:
    # given many fills on an evening of New York, which is the next day in UTC, and as many fees for them on that day
    simulated = alpaca(rules, blank=True)
    burst(simulated, 120, at=datetime(2026, 5, 9, 2, 30, tzinfo=UTC))
    simulated.account.trader.advance(simulated.now)
    assert len(simulated.account.book.activities) == 240
    kept = Kept()
    # when
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)


def test_a_busy_day_is_asked_for_once(alpaca: Serve) -> None:
    # given a week with hundreds of fills on each day
    simulated = alpaca(blank=True, days=8)
    for day in range(7):
        for at in (15, 16):
            burst(simulated, 120, at=NOW.replace(hour=at) - timedelta(days=8 - day), symbol="AAPL")
    kept = Kept()
    # when
    requests = simulated.sync(kept)
    # then each of them costs one request, and finding out a few
    assert_kept_is_true(simulated, kept)
    asked = [request.params["date"] for request in requests if "date" in request.params]
    assert len(asked) == len(set(asked))
    assert len(requests) <= 7 + 9


@AS_DOCUMENTED_AND_NOT
def test_i3_a_first_load_cut_at_any_checkpoint_goes_on_where_it_stopped(alpaca: Serve, rules: Rules) -> None:
    # given an account of several pages, with a busy evening among them
    simulated = alpaca(rules, executions=180, days=20)
    burst(simulated, 130, at=datetime(2026, 5, 6, 3, 0, tzinfo=UTC))
    simulated.account.trader.advance(simulated.now)
    whole = Kept()
    simulated.sync(whole)
    for cut in range(1, len(whole.checkpoints)):
        # when the time is up after so many checkpoints, and another run goes on
        kept = Kept()
        simulated.sync(kept, checkpoints=cut)
        simulated.sync(kept)
        # then
        assert_kept_is_true(simulated, kept)
        assert kept.cursor == whole.cursor


def test_i3_a_cursor_is_what_was_served_never_later_and_never_goes_back(alpaca: Serve) -> None:
    # given / when
    simulated = alpaca(executions=800)
    kept = Kept()
    simulated.sync(kept)
    # then
    cursors = [datetime.fromisoformat(checkpoint.cursor) for checkpoint in kept.checkpoints[1:]]
    assert cursors == sorted(cursors)
    told = max(max(done.happened for done in simulated.account.book.activities), datetime.min.replace(tzinfo=UTC))
    written = max(done.created for done in simulated.account.book.activities)
    assert told <= cursors[-1] <= max(told, written) <= NOW
    covered = [checkpoint.covered_to for checkpoint in kept.checkpoints if checkpoint.covered_to]
    assert covered == sorted(covered)
    assert covered[-1] == NOW


def test_a_limited_history_starts_where_it_is_told_to(alpaca: Serve) -> None:
    # given a plan of 30 days
    simulated = alpaca(executions=400)
    start = NOW - timedelta(days=30)
    kept = Kept()
    # when
    simulated.sync(kept, history_start=start)
    # then what is older than its first day stays away, and what is newer is all there
    day = start.replace(hour=0)
    true = simulated.truth()
    times = {key: one.get("executed_at_ns", one.get("occurred_at_ns")) for key, one in true.items()}
    assert set(kept.entries) >= {key for key, ns in times.items() if ns >= start.timestamp() * 1e9}  # type: ignore[operator]
    assert not {key for key, ns in times.items() if ns < (day - timedelta(days=1)).timestamp() * 1e9} & set(
        kept.entries
    )  # type: ignore[operator]
    assert kept.checkpoints[1].covered_from == day


def test_what_is_dated_ahead_does_not_move_the_cursor_past_now(alpaca: Serve) -> None:
    # given a dividend of next week that is told today
    simulated = alpaca(Rules(filtered_by="created"), executions=10)
    simulated.account.book.money("DIV", NOW.date() + timedelta(days=7), NOW, Decimal(5), ledger_kind="dividend")
    row = simulated.account.book.activities[-1].row
    row.pop("created_at")
    kept = Kept()
    # when
    simulated.sync(kept)
    # then it is kept, and what happens before its day is not missed
    assert datetime.fromisoformat(kept.cursor) <= NOW
    simulated.later(hours=5)
    simulated.world.trade(ACCOUNT)
    simulated.sync(kept)
    assert_kept_is_true(simulated, kept)


def test_an_account_without_any_activity_waits_for_its_first(alpaca: Serve) -> None:
    # given
    simulated = alpaca(blank=True)
    kept = Kept()
    simulated.sync(kept)
    assert (kept.entries, [section.positions for said in kept.said for section in said.positions]) == ({}, [()])
    # when it begins to trade
    simulated.later(days=2)
    simulated.world.trade(ACCOUNT, 3)
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)
    assert len(kept.entries) == 3


# --- later syncs ----------------------------------------------------------------------------------------------------


@AS_DOCUMENTED_AND_NOT
def test_i2_news_of_many_days_come_once_each_with_the_fees_of_the_day_before(alpaca: Serve, rules: Rules) -> None:
    # given a loaded account
    simulated = alpaca(rules, executions=100)
    kept = Kept()
    simulated.sync(kept)
    # when it trades on, and is synced a few times a day
    for _ in range(14):
        simulated.later(hours=7)
        simulated.world.act(ACCOUNT, 3)
        simulated.sync(kept)
        # then nothing is missing at any time
        assert_kept_is_true(simulated, kept)
    fees = [one for one in kept.entries.values() if isinstance(one, CashEvent) and one.kind == "fee"]
    assert {one.currency for one in fees} > {"USD"}


def test_a_sync_without_news_asks_three_times_and_is_told_the_same(alpaca: Serve) -> None:
    # given a loaded account
    simulated = alpaca(executions=80)
    kept = Kept()
    simulated.sync(kept)
    # when it is synced twice
    pages = []
    for _ in range(2):
        simulated.later(minutes=15)
        before = len(kept.pages)
        assert len(simulated.sync(kept)) == 3
        pages.append([(page.section, page.params, page.body) for page in kept.pages[before:]])
    # then
    assert pages[0] == pages[1]


def test_i9_a_canceled_deposit_and_its_correction_leave_the_right_amount(alpaca: Serve) -> None:
    # given a loaded account with a deposit of today
    simulated = alpaca(executions=20)
    book = simulated.account.book
    deposit = book.money("CSD", NOW.date(), NOW, Decimal(500), ledger_kind="deposit")
    kept = Kept()
    simulated.sync(kept)
    assert kept.entries[deposit.id].amount == 500  # type: ignore[union-attr]
    # when it is corrected
    simulated.later(minutes=5)
    canceled, right = simulated.world.correct(ACCOUNT)
    simulated.sync(kept)
    # then the canceled one counts nothing, under its own id
    assert canceled == deposit.id
    assert kept.entries[canceled].amount == 0  # type: ignore[union-attr]
    assert kept.entries[right].amount == Decimal("77.77")  # type: ignore[union-attr]
    assert_kept_is_true(simulated, kept)


def test_what_happens_while_pages_are_read_comes_now_or_next_time(alpaca: Serve) -> None:
    # given a long history that is being loaded while the trader goes on
    simulated = alpaca(executions=600)
    kept = Kept()

    def trade(ordinal: int) -> None:
        if ordinal % 2:
            simulated.world.trade(ACCOUNT)

    # when
    simulated.sync(kept, before=trade)
    simulated.sync(kept)
    # then
    assert_kept_is_true(simulated, kept)


def test_the_hour_that_an_autumn_night_repeats_is_read_like_any_other(alpaca: Serve) -> None:
    # given coins bought in both hours: the ids of the second sort before those of the first
    simulated = alpaca(blank=True)
    simulated.now = datetime(2026, 11, 1, 5, 10, tzinfo=UTC)
    kept = Kept()
    simulated.sync(kept)
    for _ in range(12):
        simulated.later(minutes=10)
        burst(simulated, 1, at=simulated.now)
        # when
        simulated.sync(kept)
    # then
    assert [one.id for one in simulated.account.book.activities] != sorted(
        one.id for one in simulated.account.book.activities
    )
    assert_kept_is_true(simulated, kept)


def test_i1_pages_hold_what_the_broker_sent_and_no_secret(alpaca: Serve) -> None:
    # given / when
    simulated = alpaca(executions=40)
    kept = Kept()
    simulated.sync(kept)
    # then
    assert [page.section for page in kept.pages] == ["account", "activities", "positions"]
    assert all("x-request-id" in page.headers and "x-ratelimit-remaining" in page.headers for page in kept.pages)
    assert all(key not in repr(kept.pages) for key in KEYS.values())
    facts = {"account_number": ACCOUNT, "account_id": simulated.account.book.alpaca_id, "currency": "USD"}
    assert [page.facts for page in kept.pages] == [{}, facts, facts]
