"""Which changes of cash are events of their own, and which are told by executions."""

from decimal import Decimal

import pytest

from brokersync.domain.trades import CashKind
from tests.unit.brokers.tradovate.rows import ACCOUNT, change, fill, read

OF_FILLS = ("BrokerageFee", "ClearingFee", "Commission", "ExchangeFee", "IPFee", "NfaFee", "OrderRoutingFee")


@pytest.mark.parametrize(
    ("kind", "delta", "expected"),
    [
        ("FundTransaction", 100, CashKind.DEPOSIT),
        ("FundTransaction", -100, CashKind.WITHDRAWAL),
        ("FundTransactionFee", -15, CashKind.FEE),
        ("MarketDataSubscription", -12.35, CashKind.FEE),
        ("DeskFee", -50, CashKind.FEE),
        ("LiquidationFee", -25, CashKind.FEE),
        ("ManualAdjustment", 0.01, CashKind.ADJUSTMENT),
        ("CashSettlement", -320, CashKind.ADJUSTMENT),
        ("PROMO", 100, CashKind.OTHER),
        ("SomethingNew", -1, CashKind.OTHER),
        ("", 7, CashKind.OTHER),
    ],
)
def test_cash_without_a_trade_is_an_event(kind: str, delta: float, expected: CashKind) -> None:
    # given a change of cash
    said = read(cash_log=[change(kind, delta=delta, comment="a note")])
    # then it is one event, under its id, with Tradovate's word for it
    (event,) = said.cash_events
    assert (event.kind, event.amount, event.currency) == (expected, Decimal(str(delta)), "USD")
    assert (event.source_id, event.broker_account_id) == ("cash:501", ACCOUNT)
    assert event.description == ": ".join(filter(None, (kind, "a note")))
    assert said.unmapped == []


@pytest.mark.parametrize("kind", OF_FILLS)
def test_what_a_fill_cost_is_told_by_the_fill(kind: str) -> None:
    # given a fee that names its fill, and one that names none
    said = read(cash_log=[change(kind, delta=-1, fillId=60100000201), change(kind, id=502, delta=-2)])
    # then only the other is cash of its own: money is never counted twice, and never lost
    assert [(event.source_id, event.amount) for event in said.cash_events] == [("cash:502", Decimal(-2))]


def test_a_fee_that_no_list_of_fees_has_is_an_event_though_it_names_a_fill() -> None:
    # given a fee for a liquidation, which fillFee doesn't know
    said = read(fills=[fill()], cash_log=[change("LiquidationFee", delta=-25, fillId=60100000201)])
    # then it is kept
    assert [event.amount for event in said.cash_events] == [Decimal(-25)]
    assert said.executions[0].fees == {}


@pytest.mark.parametrize("kind", ["TradePaired", "CancelledPairedTrade"])
def test_a_pairs_profit_is_told_by_its_fill_and_else_it_is_an_event(kind: str) -> None:
    said = read(cash_log=[change(kind, fillPairId=301), change(kind, id=502)])
    assert [(event.source_id, event.kind) for event in said.cash_events] == [("cash:502", CashKind.ADJUSTMENT)]


def test_what_moves_nothing_is_no_event() -> None:
    # given the line with which a session begins
    said = read(cash_log=[change("NewSession", delta=0)])
    # then there is nothing to tell
    assert (said.cash_events, said.unmapped) == ([], [])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"currencyId": 9}, "id 501: currencyId: currency 9 isn't told"),
        ({"currencyId": None}, "id 501: currencyId: currency without id isn't told"),
        ({"accountId": 7}, "id 501: account: ...7 is none of the accounts that the login lists"),
        ({"delta": "much"}, "id 501: delta: 'much' is not a number"),
        ({"delta": None}, "id 501: delta: 'None' is a NoneType, not an exact number"),
        ({"timestamp": "2026-03-10"}, "id 501: timestamp: '2026-03-10' is not an RFC 3339 time"),
    ],
)
def test_a_change_that_cant_be_read_is_told_with_its_problem(fields: dict[str, object], reason: str) -> None:
    said = read(cash_log=[change("FundTransaction", **fields)])
    assert said.cash_events == []
    (row,) = said.unmapped
    assert f"{row.where}: {row.reason}".startswith(reason)
