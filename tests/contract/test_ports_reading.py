"""Ports of what the API reads: filters, single runs, days. Memory and DynamoDB keep them alike."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from brokersync.domain.portfolio import Balance
from brokersync.domain.trades import time_key
from brokersync.ports.reading import TradeFilter
from tests.contract import made
from tests.contract.conftest import World
from tests.contract.test_ports_stored import run


def traded(world: World, *trades: tuple[str, int, str]) -> None:
    """Store trades: id, minute, symbol."""
    held = world.held()
    entries = [made.execution(one, executed_at=made.at(made.after(minutes=m)), symbol=s) for one, m, s in trades]
    world.ledger.insert(held.lease, [made.new(entry) for entry in entries], None)


def ids(found) -> list[str]:
    return [stored.entry.source_id for stored in found]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (TradeFilter(), ["1", "2", "3", "4"]),
        (TradeFilter(since=made.after(minutes=2)), ["2", "3", "4"]),
        (TradeFilter(until=made.after(minutes=2)), ["1"]),
        (TradeFilter(since=made.after(minutes=2), until=made.after(minutes=3)), ["2"]),
        (TradeFilter(since=made.after(minutes=3), until=made.after(minutes=2)), []),
        (TradeFilter(symbol="B"), ["2", "4"]),
        (TradeFilter(since=made.after(minutes=3), symbol="B"), ["4"]),
        (TradeFilter(symbol="C"), []),
    ],
)
def test_trades_of_a_time_and_a_symbol(world: World, only: TradeFilter, expected: list[str]):
    # given trades of two symbols
    traded(world, ("1", 1, "A"), ("2", 2, "B"), ("3", 3, "A"), ("4", 4, "B"))
    # then the first moment is inside, the last is not, whichever way they are read
    assert ids(world.ledger.oldest_first("acc_1", only)) == expected
    assert ids(world.ledger.newest("acc_1", limit=9, only=only)) == expected[::-1]
    # and pages of one meet each of them once
    seen, before = [], ""
    while page := world.ledger.newest("acc_1", limit=1, before=before, only=only):
        seen += ids(page)
        before = time_key(page[-1].entry)
    assert seen == expected[::-1]


def test_one_run_by_its_id(world: World):
    world.runs.put(run(), 30)
    assert world.runs.get(run().feed_id, run().run_id) == run()
    assert world.runs.get(run().feed_id, "run_nobody") is None
    assert world.runs.get("nobody", run().run_id) is None


def test_each_day_ends_with_its_own_last_balance(world: World):
    # given balances of two days, the second of which began with what was current before, and one day without any
    def balance(minutes: int, amount: int) -> Balance:
        at = made.at(made.NOW + timedelta(minutes=minutes))
        return Balance(
            broker_account_id="U1", currency="EUR", as_of=at, balance=Decimal(amount), equity=Decimal(amount)
        )

    day = made.NOW.date()
    store(world, balance(0, 1))
    store(world, balance(1, 2))
    store(world, balance(3 * 24 * 60, 3))
    # then there is one end for each day that has a balance of its own
    found = world.portfolios.days("acc_1", day, day + timedelta(days=9))
    assert [(one.day, one.balance.equity) for one in found] == [(day, 2), (day + timedelta(days=3), 3)]
    # and only those asked for
    assert world.portfolios.days("acc_1", day + timedelta(days=1), day + timedelta(days=2)) == []
    assert world.portfolios.days("acc_2", date(2000, 1, 1), day) == []


def store(world: World, balance: Balance) -> None:
    world.portfolios.put("acc_1", "run_1", balance=balance)
