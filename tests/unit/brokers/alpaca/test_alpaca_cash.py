"""Everything that isn't a trade: what kind of movement it is, in which currency, and what was taken back."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.trades import CashEvent, CashKind
from tests.unit.brokers.alpaca.rows import Row, fixture, other, read


def only(row: Row) -> CashEvent:
    said = read(row)
    assert said.unmapped == []
    (one,) = said.cash_events
    return one


@pytest.mark.parametrize(
    ("kind", "amount", "means"),
    [
        ("CSD", "100", CashKind.DEPOSIT),
        ("CSW", "-100", CashKind.WITHDRAWAL),
        ("TRANS", "100", CashKind.DEPOSIT),
        ("TRANS", "-100", CashKind.WITHDRAWAL),
        ("JNLC", "-3", CashKind.TRANSFER),
        ("ACATC", "3", CashKind.TRANSFER),
        ("DIV", "1.02", CashKind.DIVIDEND),
        ("DIVNRA", "-0.31", CashKind.TAX),
        ("DIVFEE", "-0.31", CashKind.FEE),
        ("INT", "-2.00", CashKind.INTEREST),
        ("FEE", "-0.06", CashKind.FEE),
        ("SPIN", "0", CashKind.ADJUSTMENT),
        ("MISC", "1", CashKind.OTHER),
        ("NEVERHEARD", "1", CashKind.OTHER),
    ],
)
def test_the_type_tells_why_cash_moved(kind: str, amount: str, means: CashKind) -> None:
    one = only(other(kind, net_amount=amount))
    assert (one.kind, one.amount, one.currency) == (means, Decimal(amount), "USD")
    assert kind in one.description


def test_a_date_is_a_day_in_new_york() -> None:
    one = only(other("CSD", date="2024-01-04"))
    assert one.occurred_at.utc == datetime(2024, 1, 4, 5, tzinfo=UTC)
    assert (one.occurred_at.raw, one.occurred_at.zone) == ("2024-01-04", "America/New_York, date only")
    # and a time is taken as it is
    assert only(other("CSD", date="2024-01-04T03:02:01Z")).occurred_at.utc == datetime(2024, 1, 4, 3, 2, 1, tzinfo=UTC)


def test_a_fee_for_coins_is_in_the_coin_or_in_dollars() -> None:
    # given one that is taken out of what was bought, and one out of what was paid
    coin = only(other("CFEE", symbol="ETHUSD", qty="-0.000195", price="1884.5", net_amount="0"))
    cash = only(other("CFEE", symbol="ETH/USD", qty="0", net_amount="-0.37"))
    # then
    assert (coin.amount, coin.currency, coin.symbol) == (Decimal("-0.000195"), "ETH", "ETH/USD")
    assert (cash.amount, cash.currency, cash.symbol) == (Decimal("-0.37"), "USD", "ETH/USD")


def test_holdings_that_move_without_cash_are_told_with_an_amount_of_nothing() -> None:
    one = only(other("JNLS", symbol="AAPL", qty="3", net_amount="0", description="gift"))
    assert (one.kind, one.amount, one.symbol) == (CashKind.TRANSFER, 0, "AAPL")
    assert "3 AAPL" in one.description


def test_i9_a_canceled_movement_counts_nothing_and_the_one_in_its_place_does() -> None:
    # given the fixture's deposit of 1000 that should have been 100
    said = provider.normalise([fixture("activities.json", "activities")], []).cash_events
    ach = [one for one in said if one.description.endswith("ACH")]
    # then
    assert [(one.amount, one.kind) for one in ach] == [(0, CashKind.DEPOSIT), (100, CashKind.DEPOSIT)]
    assert ach[0].description.startswith("canceled")
    assert ach[0].source_id != ach[1].source_id


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (other("NEVERHEARD", net_amount=None), "activity_type: 'NEVERHEARD' is not known"),
        (other("CSD", net_amount="a lot"), "net_amount: 'a lot' is not a number"),
        (other("CSD", net_amount="Infinity"), "net_amount: 'Infinity' is not a finite number"),
        (other("CSD", net_amount="1" * 40), "has more than the 38 digits"),
        (other("CSD", date="14 May"), "date: '14 May' is not"),
        (other("CSD", date="2024-02-30"), "date: '2024-02-30' is not a date"),
        (other("CSD", date=None), "date: 'None' is not a date"),
        (other("CSD", status="rejected?"), "status: 'rejected?'"),
        (other("CSD", activity_type=7), "activity_type:"),
    ],
    ids=str,
)
def test_a_row_that_cant_be_read_is_named_with_its_problem(row: Row, problem: str) -> None:
    said = read(row)
    assert said.cash_events == []
    (unmapped,) = said.unmapped
    assert problem in unmapped.reason
    assert str(row["id"]) in unmapped.where
