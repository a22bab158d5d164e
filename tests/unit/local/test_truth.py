"""The check behind `make run ONCE=1`: it has to notice everything that can be wrong with what is stored."""

from dataclasses import replace
from decimal import Decimal

import pytest

from brokersync.domain.times import from_rfc3339
from brokersync.domain.trades import AssetClass, CashEvent, CashKind, Execution, Side
from local.simulators.truth import AccountTruth, differences

TRADE = Execution(
    broker_account_id="101-004-1-001",
    source_trade_id="7:6:open",
    symbol="EUR_USD",
    asset_class=AssetClass.FOREX,
    side=Side.BUY,
    quantity=Decimal("100.0"),
    price=Decimal("1.10250"),
    currency="USD",
    executed_at=from_rfc3339("2026-03-02T10:00:00.123456789Z"),
    fees={"commission": Decimal("0.50")},
    realised_pnl=None,
)
CASH = CashEvent(
    broker_account_id="101-004-1-001",
    source_id="8:6:financing",
    kind=CashKind.FINANCING,
    amount=Decimal("-0.0083"),
    currency="USD",
    occurred_at=from_rfc3339("2026-03-02T21:00:00Z"),
)
TRUTH = AccountTruth(
    broker_account_id="101-004-1-001",
    executions=[
        {
            "source_trade_id": "7:6:open",
            "symbol": "EUR_USD",
            "side": "buy",
            "quantity": "100",
            "price": "1.1025",
            "executed_at_ns": 1772445600123456789,
            "fees": {"commission": "0.5"},
            "realised_pnl": None,
        }
    ],
    cash_events=[{"source_id": "8:6:financing", "kind": "financing", "amount": "-0.0083"}],
).by_id()


def test_equal_books_have_no_differences() -> None:
    assert list(differences(TRUTH, [TRADE, CASH], complete=True)) == []


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([TRADE], "8:6:financing is missing"),
        ([CASH], "7:6:open is missing"),
        ([TRADE, CASH, CASH], "8:6:financing is stored twice"),
        ([TRADE, CASH, replace(TRADE, source_trade_id="9:9:open")], "9:9:open is invented"),
        ([replace(TRADE, price=Decimal("1.10251")), CASH], "7:6:open: price is '1.10251', truly '1.1025'"),
        ([replace(TRADE, side=Side.SELL), CASH], "7:6:open: side is 'sell', truly 'buy'"),
        ([replace(TRADE, fees={}), CASH], "7:6:open: fees is {}, truly {'commission': '0.5'}"),
        ([replace(TRADE, realised_pnl=Decimal(0)), CASH], "7:6:open: realised_pnl is '0', truly None"),
        (
            [replace(TRADE, executed_at=from_rfc3339("2026-03-02T10:00:00.123456788Z")), CASH],
            "7:6:open: executed_at_ns is 1772445600123456788, truly 1772445600123456789",
        ),
    ],
)
def test_i2_every_way_to_be_wrong_is_named(stored: list[Execution | CashEvent], expected: str) -> None:
    assert list(differences(TRUTH, stored, complete=True)) == [expected]


def test_a_round_that_ended_half_way_may_lack_entries_but_not_change_them() -> None:
    # given only a part of the truth, as after a failure, then nothing is wrong
    assert list(differences(TRUTH, [TRADE], complete=False)) == []
    # but what is there has to be right
    changed = [replace(TRADE, quantity=Decimal(101))]
    assert list(differences(TRUTH, changed, complete=False)) == ["7:6:open: quantity is '101', truly '100'"]
