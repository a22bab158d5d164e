"""Filter of known trades, portfolios, run rows, accounts, users, the dispatcher's memory."""

from dataclasses import replace
from decimal import Decimal

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import LEASE_SECONDS
from brokersync.domain.known import Knowledge, KnownFilter
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import Balance, Position, PositionsSection
from brokersync.domain.runs import Outcome, RequestedBy, RunStats, SectionState, SyncRun
from brokersync.domain.trades import Side
from brokersync.ports.accounts import TradingAccount
from brokersync.ports.dispatching import Position as DispatcherPosition
from brokersync.ports.dispatching import SchedulerState
from brokersync.ports.reading import CurrentPortfolio
from brokersync.ports.storage import ConflictError
from tests.contract import made
from tests.contract.conftest import World

HASH = "1:00000000000000aa"
MINUTE = {"minutes": 1}


def test_i2_the_filter_is_kept_between_runs(world: World):
    # given a feed whose filter was saved by a run
    lease = world.held().lease
    assert world.known.load("acc_1").status("acc_1/7", HASH) is Knowledge.UNKNOWN
    world.known.save(lease, KnownFilter().adding([("acc_1/7", HASH)]))
    # when the next run loads it
    known = world.known.load("acc_1")
    # then it knows what the first one stored
    assert known.status("acc_1/7", HASH) is Knowledge.SAME
    assert known.status("acc_1/7", "1:00000000000000ab") is Knowledge.CHANGED


def test_i4_a_worker_that_wakes_late_does_not_bring_back_an_old_filter(world: World):
    # given a worker that slept while another one saved the filter
    late = world.held("worker_1").lease
    heir = world.acquire("worker_2", now=made.after(seconds=LEASE_SECONDS)).lease
    world.known.save(heir, KnownFilter().adding([("acc_1/7", HASH)]))
    # when it saves its own
    world.known.save(late, KnownFilter().adding([("acc_1/7", "1:00000000000000ab")]))
    # then the later one stays
    assert world.known.load("acc_1").status("acc_1/7", HASH) is Knowledge.SAME


def balance(amount: str = "100.25", **later: float) -> Balance:
    return Balance(
        broker_account_id="U1",
        currency="EUR",
        as_of=made.at(made.after(**later)),
        balance=Decimal(amount),
        equity=Decimal("99.5"),
        margin_level=None,
    )


def positions(*symbols: str, **later: float) -> PositionsSection:
    as_of = made.at(made.after(**later))
    held = (
        Position(
            broker_account_id="U1",
            symbol=symbol,
            side=Side.SELL,
            volume=Decimal("0.5"),
            as_of=as_of,
            opened_at=made.at(made.NOW),
            stop_loss=Decimal("1.2"),
            profit=Decimal(-3),
        )
        for symbol in symbols
    )
    return PositionsSection(broker_account_id="U1", as_of=as_of, positions=tuple(held))


def test_both_sections_of_a_portfolio_are_read_as_they_came(world: World):
    # given an account of which nothing is known
    assert world.portfolios.current("acc_1") == CurrentPortfolio()
    # when its sections are stored
    assert world.portfolios.put("acc_1", "run_1", balance=balance())
    assert world.portfolios.put("acc_1", "run_1", positions=positions("EUR_USD", "SPX"))
    # then they are current, also those of an account that is flat
    assert world.portfolios.current("acc_1") == CurrentPortfolio(
        balance=balance(), positions=positions("EUR_USD", "SPX")
    )
    assert world.portfolios.put("acc_1", "run_2", positions=positions(**MINUTE))
    assert world.portfolios.current("acc_1").positions == positions(**MINUTE)
    assert world.portfolios.current("acc_2") == CurrentPortfolio()


def test_i4_an_old_section_does_not_come_back(world: World):
    # given a newer balance
    world.portfolios.put("acc_1", "run_2", balance=balance("2", **MINUTE))
    # when a worker that wakes late stores an older one, of the same day and of the day before
    assert not world.portfolios.put("acc_1", "run_1", balance=balance("1"))
    assert world.portfolios.put("acc_1", "run_1", balance=balance("1", days=-1))
    # then the newer one is current; a repetition of it is stored like the first time
    assert world.portfolios.current("acc_1").balance == balance("2", **MINUTE)
    assert world.portfolios.put("acc_1", "run_2", balance=balance("2", **MINUTE))


def test_i4_of_two_sections_of_the_same_time_that_of_the_later_run_stays(world: World):
    # given figures of a daily statement, read again by a later run after a correction
    assert world.portfolios.put("acc_1", "run_1", balance=balance("1"))
    assert world.portfolios.put("acc_1", "run_1", positions=positions("SPX"))
    assert world.portfolios.put("acc_1", "run_2", balance=balance("2"))
    assert world.portfolios.put("acc_1", "run_2", positions=positions("SPX", "EUR_USD"))
    # when the first run's worker wakes late and stores what it had read
    assert not world.portfolios.put("acc_1", "run_1", balance=balance("1"))
    assert not world.portfolios.put("acc_1", "run_1", positions=positions("SPX"))
    # then the corrected figures stay
    assert world.portfolios.current("acc_1") == CurrentPortfolio(
        balance=balance("2"), positions=positions("SPX", "EUR_USD")
    )


def test_i4_of_both_sections_at_once_each_is_stored_unless_a_newer_one_is_there(world: World):
    # given figures of one time, stored in one step
    assert world.portfolios.put("acc_1", "run_1", balance=balance("1"), positions=positions("SPX"))
    assert world.portfolios.current("acc_1") == CurrentPortfolio(balance=balance("1"), positions=positions("SPX"))
    # when both come again, one of them older than what is there
    assert world.portfolios.put("acc_1", "run_2", balance=balance("2", **MINUTE))
    assert not world.portfolios.put("acc_1", "run_1", balance=balance("0"), positions=positions("DAX"))
    # then that one stays, and the other is stored
    assert world.portfolios.current("acc_1") == CurrentPortfolio(
        balance=balance("2", **MINUTE), positions=positions("DAX")
    )
    # and two of different days go to the rows of their days
    assert world.portfolios.put("acc_1", "run_3", balance=balance("3", days=2), positions=positions("FTSE", days=1))
    assert world.portfolios.current("acc_1") == CurrentPortfolio(
        balance=balance("3", days=2), positions=positions("FTSE", days=1)
    )


def test_i5_a_section_that_failed_keeps_its_old_value(world: World):
    # given an account with both sections
    world.portfolios.put("acc_1", "run_1", balance=balance("1"))
    world.portfolios.put("acc_1", "run_1", positions=positions("SPX"))
    # when only balances are stored for ten days
    for day in range(1, 11):
        assert world.portfolios.put("acc_1", f"run_{day}", balance=balance(str(day), days=day))
    # then the positions are still known, with their own time
    assert world.portfolios.current("acc_1") == CurrentPortfolio(
        balance=balance("10", days=10), positions=positions("SPX")
    )


def test_a_section_may_lag_behind_the_other(world: World):
    # given a balance of today
    world.portfolios.put("acc_1", "run_1", balance=balance("1"))
    world.portfolios.put("acc_1", "run_1", positions=positions("OLD", days=-2))
    # when positions of yesterday arrive, after today's row was made
    assert world.portfolios.put("acc_1", "run_1", positions=positions("SPX", days=-1))
    # then both are current
    assert world.portfolios.current("acc_1") == CurrentPortfolio(
        balance=balance("1"), positions=positions("SPX", days=-1)
    )


def run(run_id: str = "run_1", **changes: object) -> SyncRun:
    whole = SyncRun(
        feed_id="acc_1",
        run_id=run_id,
        job_id="job_1",
        requested_by=RequestedBy.MANUAL,
        started_at=made.NOW,
        finished_at=made.after(seconds=2, microseconds=7),
        outcome=Outcome.PARTIAL,
        error_code=ErrorCode.UNEXPECTED_ANSWER,
        safe_message="Some data is missing.",
        stats=RunStats(fetched=3, inserted=2, duplicates=1, requests=4),
        sections={"summary": SectionState.STORED, "transactions": SectionState.MISSING},
        snapshot_keys=("snapshots/30d/acc_1/run_1/0000.json.gz", "snapshots/30d/acc_1/run_1/0001.json.gz"),
    )
    return replace(whole, **changes)


def test_i10_a_run_is_written_once_and_read_as_it_was(world: World):
    # given a run row
    assert world.runs.put(run(), 30)
    # when somebody takes its worker for dead
    assert not world.runs.put(run(outcome=Outcome.FAILED, error_code=ErrorCode.WORKER_LOST), 30)
    # then what it said stands
    assert world.runs.newest("acc_1", limit=5) == [run()]


def test_runs_are_read_newest_first_in_pages(world: World):
    # given runs, one of another feed, one with nothing to say
    plain = run("run_3", error_code=None, safe_message="", sections={}, snapshot_keys=(), stats=RunStats())
    for row in (run("run_1"), plain, run("run_2"), run("run_9", feed_id="acc_2")):
        world.runs.put(row, 30)
    # then each comes once
    first = world.runs.newest("acc_1", limit=2)
    assert first == [plain, run("run_2")]
    assert world.runs.newest("acc_1", limit=2, before=first[-1].run_id) == [run("run_1")]


def account(account_id: str = "acc_1", **changes: str) -> TradingAccount:
    whole = TradingAccount(
        account_id=account_id,
        user_id="user_1",
        feed_id="feed_1",
        connection_id="con_1",
        broker="ibkr_flex",
        broker_account_id="U1234567",
        masked_number="...4567",
        name="",
        currency="",
    )
    return replace(whole, **changes)


def test_an_account_is_made_once_and_learns_name_and_currency(world: World):
    # given an account without name and currency
    world.accounts.ensure(account())
    assert world.accounts.get("acc_1") == account()
    # when a fetch finds them, and a later one finds them empty, on another connection
    world.accounts.ensure(account(name="Margin", currency="USD"))
    world.accounts.ensure(account(connection_id="con_2", feed_id="feed_2"))
    # then it has them, and is the same account
    assert world.accounts.get("acc_1") == account(name="Margin", currency="USD")
    assert world.accounts.get("acc_2") is None


def test_i7_a_user_has_only_the_own_accounts(world: World):
    # given accounts of two users
    for one in (account("acc_2"), account("acc_1"), account("acc_3", user_id="user_2")):
        world.accounts.ensure(one)
    # then each sees the own ones, in order
    assert world.accounts.of_user("user_1") == [account("acc_1"), account("acc_2")]
    assert world.accounts.of_user("user_2") == [account("acc_3", user_id="user_2")]
    assert world.accounts.of_user("user_3") == []


def test_a_user_is_on_the_free_plan_until_another_is_set(world: World):
    # given a user nobody knows
    assert world.users.plan("user_1") is Plan.FREE
    # when a plan is set, and another
    world.users.set_plan("user_1", Plan.ELITE)
    world.users.set_plan("user_1", Plan.PRO)
    # then it is the last one, for this user
    assert world.users.plan("user_1") is Plan.PRO
    assert world.users.plan("user_2") is Plan.FREE


def test_i11_the_dispatchers_position_is_moved_by_one_at_a_time(world: World):
    # given two dispatchers that read the same position
    assert world.scheduler.state() == SchedulerState(position=None)
    start = world.scheduler.move(DispatcherPosition(done_minute=10))
    assert world.scheduler.state().position == start
    # when both move it
    moved = world.scheduler.move(replace(start, target_minute=12, key_index=3, start="acc_9"))
    with pytest.raises(ConflictError):
        world.scheduler.move(replace(start, done_minute=11))
    with pytest.raises(ConflictError):
        world.scheduler.move(DispatcherPosition(done_minute=0))
    # then the first one's stands, and goes on from there
    assert world.scheduler.state().position == moved
    assert world.scheduler.move(replace(moved, key_index=4)).revision == moved.revision + 1


def test_pausing_and_moving_do_not_disturb_each_other(world: World):
    # given an operator who pauses a broker before the dispatcher ever ran
    world.scheduler.pause("oanda")
    world.scheduler.pause("*")
    position = world.scheduler.move(DispatcherPosition(done_minute=10))
    # when one switch is taken back, and one that was never set
    world.scheduler.resume("*")
    world.scheduler.resume("ibkr_flex")
    # then the other one holds, and the position is where it was
    assert world.scheduler.state() == SchedulerState(position=position, paused=frozenset({"oanda"}))
    world.scheduler.resume("oanda")
    assert world.scheduler.state() == SchedulerState(position=position)
