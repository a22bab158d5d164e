"""CashTransaction rows: what moved cash without a trade."""

from decimal import Decimal

import pytest

from brokersync.domain.trades import CashEvent, CashKind
from tests.unit.brokers.ibkr_flex.made import CASH, Row, cash, of_one_account, saved


def events(*rows: Row) -> list[CashEvent]:
    said = saved(of_one_account(cash(*rows)))
    assert said.unmapped == []
    return said.cash_events


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("Deposits/Withdrawals", "10", CashKind.DEPOSIT),
        ("Deposits & Withdrawals", "-10", CashKind.WITHDRAWAL),
        ("Dividends", "10", CashKind.DIVIDEND),
        ("Payment In Lieu Of Dividends", "10", CashKind.DIVIDEND),
        ("Withholding Tax", "-1.5", CashKind.TAX),
        ("871(m) Withholding", "-1.5", CashKind.TAX),
        ("Broker Interest Paid", "-3", CashKind.INTEREST),
        ("Broker Interest Received", "3", CashKind.INTEREST),
        ("Bond Interest Received", "3", CashKind.INTEREST),
        ("Other Fees", "-4", CashKind.FEE),
        ("Advisor Fees", "-4", CashKind.FEE),
        ("Commission Adjustments", "0.4", CashKind.FEE),
        ("Price Adjustments", "1", CashKind.ADJUSTMENT),
    ],
)
def test_i8_every_type_has_its_kind_and_the_amount_its_sign(kind: str, amount: str, expected: CashKind) -> None:
    (event,) = events({**CASH, "type": kind, "amount": amount})
    assert (event.kind, event.amount, event.currency) == (expected, Decimal(amount), "USD")
    assert (event.source_id, event.description) == ("300001", "ELECTRONIC FUND TRANSFER")


def test_a_type_that_is_new_to_us_keeps_its_name() -> None:
    (event,) = events({**CASH, "type": "Lottery", "description": "first prize"})
    assert (event.kind, event.description) == (CashKind.OTHER, "Lottery: first prize")


def test_i2_sums_do_not_double_the_bookings() -> None:
    # given a booking and its sum, with the level and by the empty id alone
    summed = {**CASH, "levelOfDetail": "SUMMARY", "transactionID": ""}
    assert len(events(CASH, summed)) == 1
    # when the level is not selected, a row without id could be either
    said = saved(of_one_account(cash({**CASH, "levelOfDetail": None}, {**summed, "levelOfDetail": None})))
    # then it is not guessed at
    assert len(said.cash_events) == 1
    assert [row.reason.partition(":")[0] for row in said.unmapped] == ["levelOfDetail"]


def test_i2_equal_bookings_without_id_stay_apart() -> None:
    bare = {**CASH, "transactionID": None}
    ids = [event.source_id for event in events(bare, bare, {**bare, "amount": "5"})]
    assert len(set(ids)) == 3
    assert ids == [event.source_id for event in events(bare, bare, {**bare, "amount": "5"})]


@pytest.mark.parametrize(
    ("told", "utc", "zone"),
    [
        ({}, "2026-01-03T01:20:00", "America/New_York"),
        ({"dateTime": "20260102"}, "2026-01-02T05:00:00", "America/New_York, date only"),
        ({"dateTime": ""}, "2026-01-02T05:00:00", "America/New_York, date only"),
    ],
)
def test_a_booking_of_a_day_says_that_it_has_no_time(told: Row, utc: str, zone: str) -> None:
    (event,) = events({**CASH, **told})
    assert event.occurred_at.utc.isoformat() == f"{utc}+00:00"
    assert event.occurred_at.zone == zone


@pytest.mark.parametrize(
    ("told", "field"),
    [({"amount": "NaN"}, "amount"), ({"amount": ""}, "amount"), ({"type": ""}, "type"), ({"currency": ""}, "currency")],
)
def test_i10_a_bad_booking_is_reported_and_fails_no_other(told: Row, field: str) -> None:
    said = saved(of_one_account(cash(CASH, {**CASH, "transactionID": "2", **told})))
    assert [event.source_id for event in said.cash_events] == ["300001"]
    (row,) = said.unmapped
    assert row.reason.startswith(f"{field}: ")
    assert "transactionID 2" in row.where
