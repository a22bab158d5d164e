"""Deals to executions and cash events: each amount once, each row by its own ticket, odd ones reported."""

from decimal import Decimal

import pytest

from brokersync.brokers.mt5.models import DealType
from brokersync.domain.trades import AssetClass, CashKind, Effect, Execution, ExecutionKind, Side
from tests.unit.brokers.mt5.rows import AT_MS, LOGIN, deal, operation, read


def only(*rows: object, **facts: str) -> Execution:
    said = read(*rows, **facts)
    assert said.unmapped == []
    (done,) = said.executions
    return done


def test_a_deal_is_an_execution_to_the_digit() -> None:
    # given / when
    done = only(deal())
    # then
    assert (done.broker_account_id, done.source_trade_id) == (LOGIN, "1350000011")
    assert (done.symbol, done.side, done.quantity, done.price) == (
        "EURUSD",
        Side.BUY,
        Decimal("0.5"),
        Decimal("1.08512"),
    )
    assert (done.asset_class, done.currency) == (AssetClass.FOREX, "USD")
    assert (done.effect, done.reason) == (Effect.OPEN, "EXPERT")
    assert (done.order_id, done.position_id) == ("1350000010", "1350000010")
    assert done.fees == {"commission": Decimal("1.75")}
    assert (done.realised_pnl, done.pnl_currency, done.fee_currency) == (None, "USD", "USD")
    # ten o'clock at the server is eight o'clock UTC, while New York has winter
    assert done.executed_at.utc.isoformat() == "2024-03-08T08:00:00+00:00"
    assert (done.executed_at.raw, done.executed_at.zone) == (str(AT_MS), "America/New_York+7")


@pytest.mark.parametrize(
    ("entry", "effect", "realised"),
    [
        (0, Effect.OPEN, None),
        (1, Effect.CLOSE, Decimal("-11.5")),
        (2, Effect.CLOSE_AND_OPEN, Decimal("-11.5")),
        (3, Effect.CLOSE, Decimal("-11.5")),
    ],
)
def test_an_entry_says_what_a_deal_did(entry: int, effect: Effect, realised: Decimal | None) -> None:
    # given / when
    done = only(deal(entry=entry, type=1, profit=0.0 if realised is None else -11.5))
    # then a closing deal's side is its own: the opposite of the position's
    assert (done.side, done.effect, done.realised_pnl) == (Side.SELL, effect, realised)


def test_a_close_without_profit_realised_nothing_and_not_unknown() -> None:
    assert only(deal(entry=1, profit=0.0)).realised_pnl == 0


def test_swap_is_cash_beside_the_trade_and_nothing_is_counted_twice() -> None:
    # given
    row = deal(entry=1, profit=20.1, commission=-1.75, fee=-0.02, swap=-3.45)
    # when
    said = read(row)
    # then
    (done,), (swap,) = said.executions, said.cash_events
    assert (swap.source_id, swap.kind, swap.amount) == ("1350000011:swap", CashKind.FINANCING, Decimal("-3.45"))
    assert (swap.symbol, swap.position_id) == ("EURUSD", "1350000010")
    assert done.fees == {"commission": Decimal("1.75"), "fee": Decimal("0.02")}
    assert (done.realised_pnl or 0) - sum(done.fees.values()) + swap.amount == Decimal("14.88")


def test_a_rebate_is_a_negative_fee() -> None:
    assert only(deal(commission=0.3)).fees == {"commission": Decimal("-0.3")}


def test_i2_equal_deals_are_told_apart_by_their_tickets() -> None:
    # given two deals that share everything but the ticket, and one that comes twice
    said = read(deal(), deal(ticket=1_350_000_012), deal())
    # then
    assert [one.source_trade_id for one in said.executions] == ["1350000011", "1350000012"]


@pytest.mark.parametrize(("kind", "side"), [(13, Side.BUY), (14, Side.SELL)])
def test_a_cancelled_deal_is_followed_by_what_takes_it_back(kind: int, side: Side) -> None:
    # given / when
    done, cancel = read(deal(type=kind)).executions
    # then
    assert (done.source_trade_id, done.side, done.kind) == ("1350000011", side, ExecutionKind.TRADE)
    assert (cancel.source_trade_id, cancel.kind) == ("1350000011:cancel", ExecutionKind.CANCEL)
    assert (cancel.cancels_trade_id, cancel.quantity, cancel.price) == ("1350000011", done.quantity, done.price)
    assert cancel.side is not side
    assert (cancel.fees, cancel.realised_pnl) == ({}, None)


CASH = {
    2: CashKind.DEPOSIT,
    3: CashKind.OTHER,
    4: CashKind.FEE,
    5: CashKind.ADJUSTMENT,
    6: CashKind.OTHER,
    7: CashKind.FEE,
    8: CashKind.FEE,
    9: CashKind.FEE,
    10: CashKind.FEE,
    11: CashKind.FEE,
    12: CashKind.INTEREST,
    15: CashKind.DIVIDEND,
    16: CashKind.DIVIDEND,
    17: CashKind.TAX,
}


@pytest.mark.parametrize("kind", CASH)
def test_every_balance_operation_is_one_event(kind: int) -> None:
    # given / when
    said = read(operation(kind, 12.34, comment="as said"))
    # then
    (event,) = said.cash_events
    assert (event.source_id, event.kind, event.amount) == ("1350000011", CASH[kind], Decimal("12.34"))
    assert event.description == f"{DealType(kind).name}: as said"
    assert (said.executions, said.unmapped) == ([], [])


def test_all_types_are_either_trades_or_cash() -> None:
    assert set(CASH) | {0, 1, 13, 14} == set(DealType)


def test_a_balance_taken_out_is_a_withdrawal() -> None:
    (event,) = read(operation(2, -20.0)).cash_events
    assert (event.kind, event.amount) == (CashKind.WITHDRAWAL, Decimal("-20.0"))


def test_a_daily_commission_may_be_told_as_commission() -> None:
    (event,) = read(operation(8, 0.0, commission=-0.6)).cash_events
    assert (event.kind, event.amount) == (CashKind.FEE, Decimal("-0.6"))


@pytest.mark.parametrize(
    ("symbol", "asset_class", "currency"),
    [
        ("EURUSD", AssetClass.FOREX, "USD"),
        ("USDJPY.r", AssetClass.FOREX, "JPY"),
        ("GBPUSDm", AssetClass.FOREX, "USD"),
        ("XAUUSD", AssetClass.CFD, "USD"),
        ("BTCUSD", AssetClass.CFD, "USD"),
        ("ADAUSDT", AssetClass.CFD, ""),
        ("US30", AssetClass.CFD, ""),
    ],
)
def test_a_symbol_tells_what_it_can(symbol: str, asset_class: AssetClass, currency: str) -> None:
    done = only(deal(symbol=symbol))
    assert (done.asset_class, done.currency) == (asset_class, currency)


def test_on_an_exchange_nobody_says_what_is_traded() -> None:
    assert only(deal(symbol="PETR4"), margin_mode="1").asset_class is AssetClass.OTHER


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"type": 18}, "type 18 is unknown; it moved -1.75"),
        ({"entry": 7}, "entry 7 is unknown"),
        ({"symbol": ""}, "a trade without a symbol"),
        ({"volume": 0.0}, "a trade of 0.0 lots"),
        ({"volume": -1.0}, "a trade of -1.0 lots"),
        ({"profit": None}, "profit: 'None' is a NoneType, not an exact number"),
        ({"commission": "1,5"}, "commission: '1,5' is not a number"),
        ({"type": True}, "type: 'True' is not a whole number"),
        ({"type": "BUY"}, "type: 'BUY' is not a whole number"),
        ({"ticket": 0}, "ticket: 0 is no ticket"),
        ({"time": None, "time_msc": None}, "neither time nor time_msc"),
        ({"time_msc": AT_MS + 7_200_000}, "are not the same time"),
        ({"time": None, "time_msc": 12}, "is not milliseconds since 1970 of this age"),
        ({"price": 10**40 + 1}, "more than the 38 digits"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported_and_spares_the_others(fields: dict[str, object], problem: str) -> None:
    # given / when
    said = read(deal(ticket=1), deal(**fields), deal(ticket=2))
    # then
    assert [one.source_trade_id for one in said.executions] == ["1", "2"]
    (row,) = said.unmapped
    assert problem in row.reason
    assert row.section == "history"
    assert row.where.startswith("deal ")


def test_rows_that_are_no_deals_are_reported() -> None:
    said = read(deal(), 7, None, [])
    assert [row.where for row in said.unmapped] == ["row 2", "row 3", "row 4"]


@pytest.mark.parametrize(
    "fields", [{"time_msc": None}, {"time": None}, {"time": AT_MS}, {"time": AT_MS, "time_msc": None}]
)
def test_a_time_is_read_from_whichever_field_there_is(fields: dict[str, object]) -> None:
    assert only(deal(**fields)).executed_at.utc.isoformat() == "2024-03-08T08:00:00+00:00"


def test_older_builds_have_no_fee() -> None:
    row = deal()
    del row["fee"]
    assert only(row).fees == {"commission": Decimal("1.75")}


def test_a_repeated_ticket_counts_as_it_was_told_last() -> None:
    # given a deal that an earlier answer told with another commission
    said = read(deal(), deal(commission=-2.0))
    # then
    (done,) = said.executions
    assert done.fees == {"commission": Decimal("2.0")}
