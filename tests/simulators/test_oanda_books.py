"""The OANDA simulator keeps real books: what it shows follows from its transactions, and from its seed."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.simulators import oanda_views as views
from local.simulators.oanda_book import Book, Transaction
from local.simulators.oanda_time import DAY, as_unix, next_rollover, parse, rfc3339
from local.simulators.oanda_world import AccountSpec, World
from tests.simulators.oanda_sync import ACCOUNT, END

SPECS = [
    {"executions": 600},
    {"executions": 400, "hedging": True, "currency": "EUR", "seed": 2},
    {"executions": 300, "flat": True, "currency": "JPY", "seed": 5},
]


def _book(**spec: object) -> Book:
    full = {"account": ACCOUNT, "token": "t"} | spec
    return World([AccountSpec(**full)], clock=lambda: END).accounts[ACCOUNT].book  # type: ignore[arg-type]


def _amount(transaction: Mapping[str, object], name: str) -> Decimal:
    return Decimal(str(transaction.get(name, "0")))


def _legs(transaction: Transaction) -> Sequence[Mapping[str, str]]:
    closed, reduced, opened = (transaction.get(key) for key in ("tradesClosed", "tradeReduced", "tradeOpened"))
    return [*(closed or ()), *([reduced] if reduced else []), *([opened] if opened else [])]  # type: ignore[misc, list-item]


@pytest.mark.parametrize("spec", SPECS)
def test_every_balance_follows_from_the_one_before(spec: dict[str, object]) -> None:
    # given an account's transactions
    book = _book(**spec)
    balance = Decimal(0)
    for transaction in book.transactions:
        # when each is applied to the balance
        for name in ("amount", "pl", "financing", "dividendAdjustment"):
            balance += _amount(transaction, name)
        for name in ("commission", "guaranteedExecutionFee"):
            balance -= _amount(transaction, name)
        # then it is the balance that it says
        if "accountBalance" in transaction:
            assert _amount(transaction, "accountBalance") == balance
    assert book.totals.balance == balance
    summary = views.summary(book)
    assert Decimal(str(summary["NAV"])) == balance + Decimal(str(summary["unrealizedPL"]))


@pytest.mark.parametrize("spec", SPECS)
def test_ids_have_no_gaps_and_times_never_go_back(spec: dict[str, object]) -> None:
    book = _book(**spec)
    assert [one["id"] for one in book.transactions] == [str(number) for number in range(1, book.last_id + 1)]
    assert book.times == sorted(book.times)
    assert [parse(str(one["time"])) for one in book.transactions] == book.times


@pytest.mark.parametrize("spec", SPECS)
def test_open_trades_follow_from_the_legs_of_the_fills(spec: dict[str, object]) -> None:
    # given the legs of all fills
    book = _book(**spec)
    held: dict[str, Decimal] = {}
    for transaction in book.transactions:
        if transaction["type"] != "ORDER_FILL":
            continue
        legs = _legs(transaction)
        # when they are applied: each has the sign of its fill, and together they are the fill
        assert sum(Decimal(leg["units"]) for leg in legs) == _amount(transaction, "units")
        assert len({Decimal(leg["units"]) > 0 for leg in legs}) == 1
        for leg in legs:
            held[leg["tradeID"]] = held.get(leg["tradeID"], Decimal(0)) + Decimal(leg["units"])
    # then what is left is what is open
    assert {trade: units for trade, units in held.items() if units} == {
        trade.id: trade.units for trade in book.open_trades.values()
    }
    if spec.get("flat"):
        assert not book.open_trades


def test_a_netting_account_closes_the_oldest_trade_first_and_never_holds_both_sides() -> None:
    # given
    book = _book(executions=800)
    held: dict[str, dict[str, Decimal]] = {}
    for transaction in book.transactions:
        if transaction["type"] != "ORDER_FILL":
            continue
        trades = held.setdefault(str(transaction["instrument"]), {})
        if transaction["reason"] == "MARKET_ORDER":
            closing = [leg["tradeID"] for leg in _legs(transaction) if leg["tradeID"] in trades]
            # then
            assert closing == sorted(trades, key=int)[: len(closing)]
        for leg in _legs(transaction):
            trades[leg["tradeID"]] = trades.get(leg["tradeID"], Decimal(0)) + Decimal(leg["units"])
            if not trades[leg["tradeID"]]:
                del trades[leg["tradeID"]]
        assert len({units > 0 for units in trades.values()}) <= 1


def test_financing_is_paid_every_day_at_21_utc_while_trades_are_open() -> None:
    book = _book(executions=400)
    days = [one for one in book.transactions if one["type"] == "DAILY_FINANCING"]
    assert len(days) > 60
    assert all(str(one["time"]).endswith("T21:00:00.000000000Z") for one in days)
    assert len({one["time"] for one in days}) == len(days)


def test_the_past_has_everything_that_is_hard_about_the_protocol() -> None:
    # given
    book = _book(executions=2000)
    fills = [one for one in book.transactions if one["type"] == "ORDER_FILL"]
    # then: several legs in one fill, all three kinds, equal fills in one nanosecond, and old fills without leg prices
    assert any(len(_legs(one)) >= 4 for one in fills)
    assert any("tradesClosed" in one and "tradeReduced" in one for one in fills)
    assert any("tradesClosed" in one and "tradeOpened" in one for one in fills)
    same = [(one["time"], one["instrument"], one["units"], one["price"]) for one in fills]
    assert len(set(same)) < len(same)
    assert any("price" not in _legs(one)[0] for one in fills)
    assert any(_amount(one, "guaranteedExecutionFee") for one in fills)
    kinds = {str(one["type"]) for one in book.transactions}
    assert {
        "MARKET_ORDER_REJECT",
        "ORDER_CANCEL",
        "DIVIDEND_ADJUSTMENT",
        "TRANSFER_FUNDS",
        "TAKE_PROFIT_ORDER",
    } <= kinds


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), executions=st.integers(0, 120), hedging=st.booleans(), flat=st.booleans())
def test_an_account_has_as_many_executions_as_asked_for(seed: int, executions: int, hedging: bool, flat: bool) -> None:
    # given a flat account needs two executions at least, or none
    executions = 2 if flat and executions == 1 else executions
    # when
    book = _book(seed=seed, executions=executions, hedging=hedging, flat=flat)
    # then
    assert len(book.truth.executions) == executions
    assert not (flat and book.open_trades)


def test_a_flat_account_of_one_execution_is_refused() -> None:
    with pytest.raises(ValueError, match="executions: one alone"):
        AccountSpec(account=ACCOUNT, token="t", executions=1, flat=True)


def test_the_same_seed_makes_the_same_account() -> None:
    assert _book(executions=300, seed=9).transactions == _book(executions=300, seed=9).transactions
    assert _book(executions=300, seed=9).transactions != _book(executions=300, seed=10).transactions


def test_a_book_takes_nothing_older_than_its_newest() -> None:
    book = _book()
    with pytest.raises(ValueError, match="older than the newest"):
        book.record("CLIENT_CONFIGURE", book.times[-1] - 1)


def test_truth_can_be_asked_for_since_a_time() -> None:
    world = World([AccountSpec(account=ACCOUNT, token="t", executions=200)], clock=lambda: END)
    since = END - 20 * DAY
    (whole,) = world.truth({})["accounts"]  # type: ignore[index]
    (part,) = world.truth({"since": rfc3339(since)})["accounts"]  # type: ignore[index]
    assert part["executions"] == [one for one in whole["executions"] if one["executed_at_ns"] >= since]
    assert 0 < len(part["executions"]) < 200


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2017-11-20T08:37:23.466364098Z", 1_511_167_043_466_364_098),
        ("2017-11-20T10:37:23+02:00", 1_511_167_043_000_000_000),
        ("1511167043.466364098", 1_511_167_043_466_364_098),
        ("1511167043", 1_511_167_043_000_000_000),
    ],
)
def test_times_are_read_in_every_form(text: str, ns: int) -> None:
    assert parse(text) == ns


def test_times_are_written_in_both_forms() -> None:
    assert rfc3339(1_511_167_043_466_364_098) == "2017-11-20T08:37:23.466364098Z"
    body = {"time": "2017-11-20T08:37:23.466364098Z", "rows": [{"comment": "2017-11-20"}]}
    assert as_unix(body) == {"time": "1511167043.466364098", "rows": [{"comment": "2017-11-20"}]}
    evening = parse("2026-05-10T21:00:00Z")
    assert next_rollover(evening) == evening + DAY
    assert next_rollover(evening - 1) == evening


def test_it_runs_alone() -> None:
    # given the simulator as a process of its own
    command = [sys.executable, "-m", "local.simulators.oanda", "--executions", "20", "--accounts", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[2].rstrip(",")
            account, token = process.stdout.readline().split()[1::2]
            # when it is asked with what it printed
            request = urllib.request.Request(  # noqa: S310 (loopback)
                f"{address}/accounts/{account}/summary", headers={"Authorization": f"Bearer {token}"}
            )
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (loopback)
                summary = json.loads(answer.read())
        finally:
            process.terminate()
    # then
    assert summary["account"]["id"] == account
