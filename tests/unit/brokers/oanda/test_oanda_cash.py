"""Money that moves without a trade: transfers, daily financing, dividend adjustments, and types that nobody knows."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.brokers.oanda.provider import provider
from brokersync.domain.trades import CashKind
from tests.unit.brokers.oanda.rows import fixture, read, row

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("reason", "amount", "kind"),
    [
        ("CLIENT_FUNDING", "100.0000", CashKind.DEPOSIT),
        ("CLIENT_FUNDING", "-100.0000", CashKind.WITHDRAWAL),
        ("ACCOUNT_TRANSFER", "-100.0000", CashKind.TRANSFER),
        ("DIVISION_MIGRATION", "100.0000", CashKind.TRANSFER),
        ("SITE_MIGRATION", "100.0000", CashKind.TRANSFER),
        ("ADJUSTMENT", "0.0100", CashKind.ADJUSTMENT),
        ("A_REASON_OF_TOMORROW", "5.0000", CashKind.OTHER),
    ],
)
def test_a_transfer_is_what_its_reason_and_sign_say(reason: str, amount: str, kind: CashKind) -> None:
    # when
    said = read(row("TRANSFER_FUNDS", amount=amount, fundingReason=reason, accountBalance="1.0000"))
    # then
    (event,) = said.cash_events
    assert (event.kind, event.amount, event.currency) == (kind, Decimal(amount), "EUR")
    assert event.source_id == "50:transfer"
    assert not said.unmapped


def test_daily_financing_is_one_event_per_open_trade() -> None:
    # given
    said = provider.normalise([fixture("transactions.json", "transactions")], [])
    # when
    (event,) = [one for one in said.cash_events if one.source_id.startswith("14:")]
    # then
    assert (event.source_id, event.kind, event.amount) == ("14:12:financing", CashKind.FINANCING, Decimal("-0.0164"))
    assert (event.symbol, event.position_id) == ("EUR_USD", "12")


@settings(deadline=None)
@given(total=amounts, parts=st.lists(amounts, max_size=8))
def test_i8_daily_financing_adds_up_whatever_its_parts_say(total: Decimal, parts: list[Decimal]) -> None:
    # given a total that its Trades may not explain
    trades = [{"tradeID": str(number), "financing": f"{part:f}"} for number, part in enumerate(parts)]
    financings = [{"instrument": "EUR_USD", "financing": "0", "openTradeFinancings": trades}]
    # when
    said = read(row("DAILY_FINANCING", financing=f"{total:f}", positionFinancings=financings, accountBalance="1"))
    # then
    assert sum((event.amount for event in said.cash_events), Decimal(0)) == total
    assert all(event.amount for event in said.cash_events)


def test_daily_financing_without_parts_is_one_event() -> None:
    said = read(row("DAILY_FINANCING", financing="-1.5", accountBalance="1"))
    assert [(event.source_id, event.amount) for event in said.cash_events] == [("50:financing", Decimal("-1.5"))]


def test_financing_of_nothing_is_no_event() -> None:
    assert not read(row("DAILY_FINANCING", financing="0.0000", accountBalance="1")).cash_events


def test_a_dividend_adjustment_is_one_event_per_trade() -> None:
    said = provider.normalise([fixture("transactions.json", "transactions")], [])
    dividends = [event for event in said.cash_events if event.kind is CashKind.DIVIDEND]
    assert {event.source_id: event.amount for event in dividends} == {
        "17:3:dividend": Decimal(1),
        "17:4:dividend": Decimal("0.75"),
    }
    assert {event.symbol for event in dividends} == {"SPX500_USD"}


def test_what_came_out_explains_every_change_of_the_balance() -> None:
    # given all kinds of transactions that move money, in a row
    said = provider.normalise([fixture("transactions.json", "transactions")], [])
    # when everything is added up
    moved = sum((event.amount for event in said.cash_events), Decimal(0))
    realised = sum((one.realised_pnl or Decimal(0) for one in said.executions), Decimal(0))
    fees = sum((sum(one.fees.values(), Decimal(0)) for one in said.executions), Decimal(0))
    # then it is the balance after the last of them
    assert moved + realised - fees == Decimal("9754.4736")
    assert not said.unmapped


@pytest.mark.parametrize(
    "kind",
    [
        "CREATE",
        "CLIENT_CONFIGURE",
        "MARKET_ORDER",
        "GUARANTEED_STOP_LOSS_ORDER",
        "ORDER_CANCEL",
        "TRANSFER_FUNDS_REJECT",
        "MARGIN_CALL_ENTER",
        "RESET_RESETTABLE_PL",
        "SOMETHING_NEW",
    ],
)
def test_a_transaction_that_moves_no_money_is_left_alone(kind: str) -> None:
    said = read(row(kind, instrument="EUR_USD", units="100"))
    assert not said.executions
    assert not said.cash_events
    assert not said.unmapped


def test_i5_an_unknown_type_that_changes_the_balance_is_reported() -> None:
    # given a known balance, and then another one without a reason that is known
    deposit = row("TRANSFER_FUNDS", id="48", amount="5", fundingReason="CLIENT_FUNDING", accountBalance="1000.0000")
    # when
    said = read(deposit, row("CARBON_LEVY", accountBalance="999.0000"))
    # then
    (entry,) = said.unmapped
    assert (entry.section, entry.where) == ("transactions", "transaction 50")
    assert entry.reason == "CARBON_LEVY: it gives a new account balance, but its type is not known"


def test_an_unknown_type_that_repeats_the_balance_is_left_alone() -> None:
    deposit = row("TRANSFER_FUNDS", id="48", amount="5", fundingReason="CLIENT_FUNDING", accountBalance="1000.0000")
    assert not read(deposit, row("ACCOUNT_NOTICE", accountBalance="1000.00")).unmapped


def test_i5_an_unknown_type_with_trade_legs_is_reported() -> None:
    said = read(row("ORDER_FILL_V2", tradeOpened={"tradeID": "50", "units": "1"}))
    assert [entry.reason for entry in said.unmapped] == ["ORDER_FILL_V2: it has trade legs, but its type is not known"]


@pytest.mark.parametrize(
    ("bad", "where", "reason"),
    [
        (row("TRANSFER_FUNDS", amount="NaN"), "transaction 50", "amount: 'NaN' is not a finite number"),
        (row("TRANSFER_FUNDS", amount="12 euros"), "transaction 50", "amount: '12 euros' is not a number"),
        (row("TRANSFER_FUNDS", amount="1,5"), "transaction 50", "amount: '1,5' is not a number"),
        (row("TRANSFER_FUNDS", amount="1_000"), "transaction 50", "amount: '1_000' is not a number"),
        (row("TRANSFER_FUNDS", amount=None), "transaction 50", "amount: 'None' is a NoneType"),
        (row("TRANSFER_FUNDS", amount="9" * 60), "transaction 50", "has more than the 38 digits"),
        (row("DAILY_FINANCING", financing="1", positionFinancings="x"), "transaction 50", "positionFinancings: "),
        (row("ORDER_FILL", units="100"), "transaction 50", "instrument: Field required"),
        (row("MARKET_ORDER", time="yesterday"), "transaction 50", "time: 'yesterday' is not an RFC 3339 time"),
        (row("MARKET_ORDER", time=12), "transaction 50", "time: '12' is not a time"),
        (row(["ORDER_FILL"]), "transaction 50", "type: Input should be a valid string"),
        (row("MARKET_ORDER", accountID={"id": 1}), "transaction 50", "accountID: Input should be a valid string"),
        (row("MARKET_ORDER", accountID=None), "transaction 50", "accountID: Input should be a valid string"),
        (row("MARKET_ORDER", id={}), "transaction {}", "id: Input should be a valid string"),
        ({"type": "ORDER_FILL"}, "row 2", "id: Field required"),
        ("ORDER_FILL", "row 2", "it is not a transaction but a bare value"),
        (None, "row 2", "it is not a transaction but a bare value"),
    ],
)
def test_i7_a_bad_row_is_reported_and_the_others_are_read(bad: object, where: str, reason: str) -> None:
    # given a good row on each side of the bad one
    good = [
        row("TRANSFER_FUNDS", id=number, amount="5", fundingReason="CLIENT_FUNDING", accountBalance="1")
        for number in ("48", "52")
    ]
    # when
    said = read(good[0], bad, good[1])
    # then
    assert [event.source_id for event in said.cash_events] == ["48:transfer", "52:transfer"]
    (entry,) = said.unmapped
    assert entry.where == where
    assert reason in entry.reason
