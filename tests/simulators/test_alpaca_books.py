"""The Alpaca simulator keeps honest books: figures follow from activities, and the same seed makes the same past."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from local.simulators.alpaca_views import account, positions
from local.simulators.alpaca_world import Account, AccountSpec, World

NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)


def made(seed: int = 7, **spec: object) -> Account:
    usual: dict[str, object] = {"account": "A", "key_id": "k", "secret": "s", "executions": 600, "seed": seed}
    return World(clock=lambda: NOW).open_account(AccountSpec(**(usual | spec)))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_cash_and_holdings_are_the_sums_of_the_rows(seed: int) -> None:
    # given
    book = made(seed).book
    # when the rows are added up, as they are told
    cash, held = Decimal(0), Counter()  # type: ignore[var-annotated]
    for one in book.activities:
        row = one.row
        if row.get("status") == "canceled":
            continue
        if row["activity_type"] == "FILL":
            signed = Decimal(str(row["qty"])) * (1 if row["side"] == "buy" else -1)
            option = len(str(row["symbol"])) > 12
            cash -= signed * Decimal(str(row["price"])) * (100 if option else 1)
            held[str(row["symbol"]).replace("/", "")] += signed  # type: ignore[assignment]
            continue
        cash += Decimal(str(row["net_amount"]))
        if "qty" in row and row["activity_type"] != "DIV":
            held[str(row["symbol"])] += Decimal(str(row["qty"]))  # type: ignore[assignment]
    # then that is what the account shows
    shown = account(book)
    assert Decimal(str(shown["cash"])) == cash
    assert {one["symbol"]: Decimal(str(one["qty"])) for one in positions(book)} == {k: v for k, v in held.items() if v}
    worth = sum(Decimal(str(one["market_value"])) for one in positions(book))
    assert Decimal(str(shown["equity"])) == cash + worth


def test_the_same_seed_makes_the_same_past_and_another_makes_another() -> None:
    rows = [[one.row for one in made(seed).book.activities] for seed in (7, 7, 8)]
    assert rows[0] == rows[1] != rows[2]


def test_a_past_has_everything_that_makes_alpaca_hard() -> None:
    # given
    book = made(executions=2500, days=300).book
    rows = [one.row for one in book.activities]
    kinds = Counter(str(row["activity_type"]) for row in rows)
    # then
    assert {"FILL", "CSD", "CSW", "DIV", "DIVNRA", "INT", "FEE", "CFEE", "OPASN", "OPEXP", "OPTRD"} < set(kinds)
    assert {"OPXRC", "OPEXC"} & set(kinds)
    assert {row["side"] for row in rows if "side" in row} == {"buy", "sell", "sell_short"}
    assert {row["type"] for row in rows if "type" in row} == {"fill", "partial_fill"}
    assert {row["status"] for row in rows if "status" in row} == {"executed", "correct", "canceled"}
    fills = [row for row in rows if row["activity_type"] == "FILL"]
    alike = Counter((row["transaction_time"], row["price"], row["qty"], row["order_id"]) for row in fills)
    assert max(alike.values()) > 1
    # and within a millisecond ids don't follow the order of the times
    by_id = sorted(fills, key=lambda row: str(row["id"]))
    assert [row["transaction_time"] for row in by_id] != sorted(str(row["transaction_time"]) for row in fills)
    # and each id is there once, and begins with New York's time
    assert len({row["id"] for row in rows}) == len(rows)
    for row in fills:
        local = datetime.fromisoformat(str(row["transaction_time"])).astimezone(ZoneInfo("America/New_York"))
        assert str(row["id"]).startswith(f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::")


def test_fees_come_on_the_day_after_and_are_dated_by_the_day() -> None:
    # given a sale of today
    now = NOW
    world = World(clock=lambda: now)
    one = world.open_account(AccountSpec(account="A", key_id="k", secret="s", blank=True))
    one.trader.order(now, one.book.assets["AAPL"], "buy", [Decimal(10)])
    one.trader.order(now, one.book.assets["AAPL"], "sell", [Decimal(10)])
    world.let_time_pass(one)
    assert [done.row["activity_type"] for done in one.book.activities] == ["FILL", "FILL"]
    # when a day passes
    now += timedelta(days=1)
    world.let_time_pass(one)
    # then
    fee = one.book.activities[-1]
    assert (fee.row["activity_type"], fee.row["date"]) == ("FEE", "2026-05-12")
    assert fee.created.date().isoformat() == "2026-05-13"
    assert fee.paid < 0


def test_a_world_refuses_what_contradicts_it() -> None:
    world = World(clock=lambda: NOW)
    world.open_account(AccountSpec(account="A", key_id="k", secret="s", blank=True))
    for number, key in (("A", "other"), ("B", "k")):
        with pytest.raises(ValueError, match="exists"):
            world.open_account(AccountSpec(account=number, key_id=key, secret="s"))
    for do in (world.correct, world.cancel):
        with pytest.raises(ValueError, match="has no"):
            do("A")
