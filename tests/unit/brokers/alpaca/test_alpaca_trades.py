"""Fills, and what becomes of options: executions to the digit, each under Alpaca's id."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.trades import AssetClass, Effect, Execution, ExecutionKind, Side, content_hash
from tests.unit.brokers.alpaca.rows import ACCOUNT, Row, fill, fixture, other, page, read

CALL = "AAPL240517C00180000"


def only(row: Row) -> Execution:
    said = read(row)
    assert said.unmapped == []
    (one,) = said.executions
    return one


def test_a_fill_is_an_execution_to_the_digit() -> None:
    # when
    one = only(fill(qty="1.792161878", price="2907.1500"))
    # then
    assert (one.broker_account_id, one.source_trade_id) == (ACCOUNT, fill()["id"])
    assert (one.symbol, one.asset_class, one.side) == ("AAPL", AssetClass.STOCK, Side.BUY)
    assert (one.quantity, str(one.price), one.currency) == (Decimal("1.792161878"), "2907.1500", "USD")
    assert one.executed_at.utc == datetime(2024, 5, 10, 14, 1, 4, 650275, tzinfo=UTC)
    assert one.executed_at.raw == "2024-05-10T14:01:04.650275Z"
    assert (one.order_id, one.fees, one.effect) == (fill()["order_id"], {}, None)


@pytest.mark.parametrize(
    ("side", "means", "effect"),
    [("buy", Side.BUY, None), ("sell", Side.SELL, None), ("sell_short", Side.SELL, Effect.OPEN)],
)
def test_a_short_sale_is_a_sale_that_opens(side: str, means: Side, effect: Effect | None) -> None:
    one = only(fill(side=side))
    assert (one.side, one.effect) == (means, effect)


@pytest.mark.parametrize(
    ("symbol", "means", "asset_class", "currency"),
    [
        ("BRK.B", "BRK.B", AssetClass.STOCK, "USD"),
        ("BTC/USD", "BTC/USD", AssetClass.CRYPTO, "USD"),
        ("BTCUSD", "BTC/USD", AssetClass.CRYPTO, "USD"),
        ("ETH/BTC", "ETH/BTC", AssetClass.CRYPTO, "BTC"),
        ("ETHUSDT", "ETH/USDT", AssetClass.CRYPTO, "USDT"),
        ("USDTUSD", "USDT/USD", AssetClass.CRYPTO, "USD"),
        ("SHIBUSD", "SHIB/USD", AssetClass.CRYPTO, "USD"),
        (CALL, CALL, AssetClass.OPTION, "USD"),
        ("USD", "USD", AssetClass.STOCK, "USD"),
        ("SBTC", "SBTC", AssetClass.STOCK, "USD"),
        ("AAPL241399C00180000", "AAPL241399C00180000", AssetClass.OTHER, "USD"),
    ],
)
def test_the_form_of_a_symbol_tells_what_it_is(symbol: str, means: str, asset_class: AssetClass, currency: str) -> None:
    one = only(fill(symbol=symbol))
    assert (one.symbol, one.asset_class, one.currency) == (means, asset_class, currency)


def test_an_option_has_its_contract_and_a_hundred_shares() -> None:
    one = only(fill(symbol="BRKB1240621P00412500"))
    assert one.multiplier == 100
    assert one.contract == {"underlying": "BRKB1", "expiry": "2024-06-21", "put_call": "P", "strike": "412.5"}


def test_i2_equal_fills_of_one_millisecond_stay_apart_whatever_their_order() -> None:
    # given the fixture's partial fills, of which the last comes first, and two that are equal but for their ids
    said = fixture("activities.json", "activities")
    executions = provider.normalise([said], [ACCOUNT]).executions
    # then
    partial = [one for one in executions if one.order_id.endswith("901")]
    assert sorted(partial, key=lambda one: one.executed_at.ns) == partial[::-1]
    equal = [one for one in executions if one.order_id.endswith("902")]
    assert len({one.source_trade_id for one in equal}) == 2
    assert len({(one.executed_at.ns, one.quantity, one.price, one.side) for one in equal}) == 1


def test_i2_what_comes_with_several_pages_comes_out_once() -> None:
    # given a window and the day that was asked for again
    first, second = fill(), fill(id="20240510100104650::c0000000-0000-4000-8000-000000000009")
    # when
    said = provider.normalise([page([first]), page([second, first])], [ACCOUNT])
    # then
    assert sorted(one.source_trade_id for one in said.executions) == sorted(str(row["id"]) for row in (first, second))
    assert said.unmapped == []


def test_the_later_of_two_answers_is_believed() -> None:
    # given a deposit that is canceled between two requests
    said = provider.normalise([page([other("CSD")]), page([other("CSD", status="canceled")])], [ACCOUNT])
    # then
    assert [one.amount for one in said.cash_events] == [0]


def test_an_id_that_is_there_twice_in_one_answer_is_reported() -> None:
    # given rows of one id with different contents: one of them would be lost
    said = read(fill(), fill(qty="11"), fill())
    # then
    assert len(said.executions) == 1
    assert ["twice" in row.reason for row in said.unmapped] == [True]


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "qty", "side", "reason"),
    [
        ("OPEXP", "-2", Side.SELL, "expiry"),
        ("OPEXP", "2", Side.BUY, "expiry"),
        ("OPXRC", "-1", Side.SELL, "exercise"),
        ("OPEXC", "-1", Side.SELL, "exercise"),
        ("OPASN", "3", Side.BUY, "assignment"),
    ],
)
def test_an_option_that_ends_is_closed_at_nothing(kind: str, qty: str, side: Side, reason: str) -> None:
    one = only(other(kind, symbol=CALL, qty=qty, net_amount="0"))
    assert (one.side, one.quantity, one.price) == (side, abs(Decimal(qty)), 0)
    assert (one.effect, one.reason, one.multiplier) == (Effect.CLOSE, reason, 100)


def test_an_option_ends_after_the_days_last_trade_in_it() -> None:
    # given an option that is bought on its last day, and expires worthless
    bought = only(fill(symbol=CALL, transaction_time="2024-05-17T19:59:59Z"))
    ended = only(other("OPEXP", symbol=CALL, qty="-10", net_amount="0", date="2024-05-17"))
    # then
    assert ended.executed_at.utc == datetime(2024, 5, 17, 21, 30, tzinfo=UTC)
    assert ended.executed_at.ns > bought.executed_at.ns
    assert ended.executed_at.zone == "America/New_York, date only, placed at 17:30"
    # and in winter the same by New York's clock
    winter = only(other("OPEXP", symbol=CALL, qty="-10", net_amount="0", date="2024-01-19"))
    assert winter.executed_at.utc == datetime(2024, 1, 19, 22, 30, tzinfo=UTC)


def test_an_early_exercise_happens_when_it_was_written_down() -> None:
    # given an exercise of the morning: its shares may be sold at noon
    row = other("OPXRC", symbol=CALL, qty="-1", net_amount="0", created_at="2024-05-14T14:00:00Z")
    assert only(row).executed_at.utc == datetime(2024, 5, 14, 14, tzinfo=UTC)
    # but one that is written down in the night after happened on its day
    late = other("OPXRC", symbol=CALL, qty="-1", net_amount="0", created_at="2024-05-15T06:30:00Z")
    assert only(late).executed_at.utc == datetime(2024, 5, 14, 21, 30, tzinfo=UTC)


def test_shares_are_delivered_at_the_strike() -> None:
    # given with a price, and without one
    told = only(other("OPTRD", symbol="AAPL", qty="200", net_amount="-30000", price="150"))
    implied = only(other("OPTRD", symbol="AAPL", qty="-200", net_amount="30000"))
    # then
    assert (told.side, told.quantity, told.price) == (Side.BUY, 200, 150)
    assert (implied.side, implied.quantity, implied.price) == (Side.SELL, 200, 150)
    assert told.effect is None


def test_i9_a_canceled_exercise_is_what_it_was_and_its_cancel() -> None:
    # given
    before = only(other("OPXRC", symbol=CALL, qty="-1", net_amount="0"))
    # when it comes again as canceled
    said = read(other("OPXRC", symbol=CALL, qty="-1", net_amount="0", status="canceled"))
    # then the first is unchanged, and the second undoes it
    same, cancel = said.executions
    assert content_hash(same) == content_hash(before)
    assert cancel.kind is ExecutionKind.CANCEL
    assert (cancel.cancels_trade_id, cancel.side, cancel.quantity) == (before.source_trade_id, Side.BUY, 1)
    assert cancel.source_trade_id != before.source_trade_id


# --- rows that can't be what they say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (fill(side="buy_maybe"), "side: 'buy_maybe' is none of"),
        (fill(type="trade_bust"), "type: 'trade_bust' is neither"),
        (fill(qty="0"), "qty: 0 is not above 0"),
        (fill(qty="-5"), "qty: -5 is not above 0"),
        (fill(qty="NaN"), "qty: 'NaN' is not a finite number"),
        (fill(price="1,234.5"), "price: '1,234.5' is not a number"),
        (fill(price=True), "price: 'True' is a bool"),
        (fill(price=None), "price: 'None' is a NoneType"),
        (fill(transaction_time="yesterday"), "transaction_time: 'yesterday' is not an RFC 3339 time"),
        (fill(transaction_time=1715349664), "transaction_time: '1715349664' is not a time"),
        (fill(symbol=""), "symbol:"),
        (fill(id=""), "id:"),
        ({"activity_type": "FILL"}, "id: Field required"),
        (other("OPEXP", net_amount="0"), "without symbol and qty"),
        (other("OPTRD", symbol="AAPL", qty="100", net_amount=None), "neither price nor net_amount"),
        (other("OPEXP", symbol=CALL, qty="-1", status="pending"), "status: 'pending'"),
        ("a text", "not an activity but a bare value"),
        (None, "not an activity but a bare value"),
    ],
    ids=str,
)
def test_a_row_that_cant_be_read_is_named_and_the_others_come_out(row: object, problem: str) -> None:
    # given it among good rows
    good = fill(id="20240510100104650::good")
    # when
    said = read(good, row)
    # then
    assert [one.source_trade_id for one in said.executions] == [good["id"]]
    (unmapped,) = said.unmapped
    assert problem in unmapped.reason
    assert unmapped.section == "activities"
    assert unmapped.where.startswith(("activity ", "row 2"))
