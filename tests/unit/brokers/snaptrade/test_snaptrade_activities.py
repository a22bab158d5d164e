"""What activities are in the ledger: executions, cash events, or rows that nobody understands yet."""

from decimal import Decimal

import pytest

from brokersync.brokers.snaptrade.provider import provider
from brokersync.domain.trades import AssetClass, CashKind, Effect, Side, content_hash
from tests.unit.brokers.snaptrade.rows import CALL, NUMBER, activity, moved, read, saved


def trade(row: dict[str, object]):
    said = read(row)
    assert said.unmapped == []
    (found,) = said.executions
    return found


def cash(row: dict[str, object]):
    said = read(row)
    assert said.unmapped == []
    (found,) = said.cash_events
    return found


def problem(row: object) -> str:
    said = read(row)
    assert (said.executions, said.cash_events) == ([], [])
    (found,) = said.unmapped
    assert found.section == "activities"
    return f"{found.where}: {found.reason}"


def test_i8_a_trade_is_exact_to_the_digit() -> None:
    # given a sale whose numbers no float should have touched
    row = activity("SELL", units=-4.50001, price=191.2500001, fee=1.25, amount=859.37, external_reference_id="O-77")
    # when it is read
    found = trade(row)
    # then every digit and nanosecond is there, and the broker's text beside it
    assert (found.broker_account_id, found.source_trade_id) == (NUMBER, row["id"])
    assert (found.symbol, found.asset_class, found.side) == ("AAPL", AssetClass.STOCK, Side.SELL)
    assert (found.quantity, found.price, found.currency) == (Decimal("4.50001"), Decimal("191.2500001"), "USD")
    assert (found.fees, found.fee_currency, found.order_id) == ({"fee": Decimal("1.25")}, "USD", "O-77")
    assert (found.executed_at.ns % 1_000_000_000, found.executed_at.raw) == (123_456_000, row["trade_date"])


def test_an_options_units_are_contracts_and_its_price_is_per_share() -> None:
    # given two calls that were bought to open, and a mini option
    bought = activity(symbol=None, option_symbol=CALL, units=2, price=2.35, amount=-470, option_type="BUY_TO_OPEN")
    found = trade(bought)
    # then
    assert (found.symbol, found.asset_class, found.multiplier) == (
        "AAPL260515C00200000",
        AssetClass.OPTION,
        Decimal(100),
    )
    assert (found.quantity, found.price, found.effect) == (Decimal(2), Decimal("2.35"), Effect.OPEN)
    assert found.contract == {"underlying": "AAPL", "expiry": "2026-05-15", "put_call": "C", "strike": "200"}
    assert trade({**bought, "option_symbol": {**CALL, "is_mini_option": True}}).multiplier == Decimal(10)


@pytest.mark.parametrize(
    ("option_type", "effect"),
    [("SELL_TO_CLOSE", Effect.CLOSE), ("SELL_TO_OPEN", Effect.OPEN), ("BUY_TO_CLOSE", Effect.CLOSE), ("", None)],
)
def test_the_option_type_tells_what_a_trade_does_to_the_position(option_type: str, effect: Effect | None) -> None:
    assert trade(activity(option_type=option_type)).effect is effect


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("OPTIONEXPIRATION", "expiry"), ("OPTIONASSIGNMENT", "assignment"), ("OPTIONEXERCISE", "exercise")],
)
def test_an_option_that_ends_is_closed_at_nothing(kind: str, reason: str) -> None:
    # given a long option that ends, without a price
    found = trade(activity(kind, symbol=None, option_symbol=CALL, units=-2, price=None, amount=0))
    # then it is sold at 0
    assert (found.side, found.quantity, found.price) == (Side.SELL, Decimal(2), Decimal(0))
    assert (found.effect, found.reason) == (Effect.CLOSE, reason)


def test_shares_that_an_exercise_delivers_have_their_price() -> None:
    found = trade(activity("OPTIONEXERCISE", units=200, price=200, amount=-40_000))
    assert (found.symbol, found.side, found.price, found.effect) == ("AAPL", Side.BUY, Decimal(200), None)


def test_a_reinvested_dividend_is_a_bought_share() -> None:
    found = trade(activity("REI", units=0.0523, price=189.5, amount=-9.91))
    assert (found.side, found.quantity, found.reason) == (Side.BUY, Decimal("0.0523"), "reinvestment")
    assert cash(moved("REI", 9.91)).kind is CashKind.DIVIDEND


def test_a_coin_whose_currency_is_null_is_priced_in_its_quote() -> None:
    # given a trade whose amounts are in no currency
    coin = {"symbol": "BTC", "raw_symbol": "BTC", "type": {"code": "crypto"}}
    quote = {"symbol": "USDC", "raw_symbol": "USDC"}
    found = trade(activity(symbol=coin, currency={"code": None}, currency_universal_symbol=quote, units=0.00015))
    # then they are in the quote
    assert (found.asset_class, found.currency, found.quantity) == (AssetClass.CRYPTO, "USDC", Decimal("0.00015"))


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("CONTRIBUTION", 25_000, CashKind.DEPOSIT),
        ("WITHDRAWAL", -100.5, CashKind.WITHDRAWAL),
        ("DIVIDEND", 9.91, CashKind.DIVIDEND),
        ("SUBSTITUTE_DIVIDEND", 1.1, CashKind.DIVIDEND),
        ("INTEREST", -0.07, CashKind.INTEREST),
        ("FEE", -4.95, CashKind.FEE),
        ("TAX", -1.49, CashKind.TAX),
        ("TRANSFER", -300.5, CashKind.TRANSFER),
        ("EXTERNAL_ASSET_TRANSFER_IN", 0, CashKind.TRANSFER),
        ("SPLIT", 0, CashKind.ADJUSTMENT),
        ("JRNLCASH", 12.34, CashKind.OTHER),
    ],
)
def test_cash_moves_by_its_sign_and_type(kind: str, amount: float, expected: CashKind) -> None:
    found = cash(moved(kind, amount, description="AS THE BROKER SAYS"))
    assert (found.kind, found.amount, found.currency) == (expected, Decimal(str(amount)), "USD")
    assert found.description == f"{kind}: AS THE BROKER SAYS"


def test_units_that_move_without_cash_are_named() -> None:
    found = cash(activity("STOCK_DIVIDEND", units=3, price=0, amount=0))
    assert (found.amount, found.symbol, found.description) == (Decimal(0), "AAPL", "STOCK_DIVIDEND: 3 AAPL")


def test_a_row_of_an_unknown_type_that_could_be_a_trade_is_no_cash() -> None:
    assert "'BOT' is not known, and the row could be a trade" in problem(activity("BOT"))
    assert "'GHOST' is not known, and neither amount" in problem(
        activity("GHOST", symbol=None, price=0, units=0, amount=None)
    )


@pytest.mark.parametrize("told", ["2026-05-11T04:00:00Z", "2026-05-11", "2026-01-12T05:00:00Z"])
def test_a_day_without_a_time_says_so(told: str) -> None:
    # given a trade of which only the day is told, in summer or in winter
    at = trade(activity(trade_date=told)).executed_at
    # then it is the midnight in New York at which its day begins
    assert "date only" in at.zone
    assert (at.raw, at.utc.hour) == (told, 5 if told.startswith("2026-01") else 4)


def test_a_time_is_told_as_it_is() -> None:
    assert "date only" not in trade(activity(trade_date="2026-05-11T04:00:00.5Z")).executed_at.zone
    assert trade(activity(trade_date="2026-05-11T10:30:00-04:00")).executed_at.utc.hour == 14


def test_without_a_trade_date_the_settlement_stands_in() -> None:
    assert "settlement" in trade(activity(trade_date=None)).executed_at.zone
    assert "says when it was" in problem(activity(trade_date=None, settlement_date=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"units": 0}, "units are 0"),
        ({"units": None}, "units are missing"),
        ({"units": -10}, "units are below 0, so it may take another trade back"),
        ({"price": None}, "the price is missing"),
        ({"symbol": None}, "neither symbol nor option_symbol"),
        ({"currency": None}, "neither currency nor currency_universal_symbol"),
        ({"price": "abc"}, "price: 'abc' is not a number"),
        ({"price": True}, "price: 'True' is a bool"),
        ({"units": "1e999"}, "units"),
        ({"trade_date": "yesterday"}, "trade_date: 'yesterday' is not an RFC 3339 time"),
        ({"trade_date": 17}, "trade_date: '17' is not a time"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"type": None}, "type"),
        ({"symbol": "AAPL"}, "symbol"),
    ],
)
def test_a_row_that_cant_be_read_says_which_field_and_why(changes: dict[str, object], said: str) -> None:
    assert said in problem(activity(**changes))


def test_a_bad_row_fails_no_other() -> None:
    # given good rows around bad ones
    said = read(activity(id="1"), "row", activity(id="2", units=0), activity(id="3"))
    # then the good ones come out, and the bad ones are named
    assert [one.source_trade_id for one in said.executions] == ["1", "3"]
    assert [one.where for one in said.unmapped] == ["row 2", "activity 2"]


def test_an_id_that_is_there_twice_counts_once() -> None:
    said = read(activity(id="1"), activity(id="1"), activity(id="2"), activity(id="2", units=11))
    assert [one.source_trade_id for one in said.executions] == ["1", "2"]
    assert [(one.where, "twice" in one.reason) for one in said.unmapped] == [("activity 2", True)]


def test_every_kind_of_activity_of_the_saved_ones_comes_out_once() -> None:
    # given the saved activities, of which one could be a trade that nobody knows
    page = saved("activities.json")
    # when they are read twice
    said, again = provider.normalise([page], []), provider.normalise([page], [])
    # then they say the same, equal fills are two, and that one is reported
    assert [content_hash(one) for one in said.executions] == [content_hash(one) for one in again.executions]
    assert (len(said.executions), len(said.cash_events), len(said.unmapped)) == (7, 9, 1)
    assert len({(one.executed_at.ns, one.price, one.quantity) for one in said.executions}) == 6
    assert {one.currency for one in said.executions} == {"USD", "USDC"}
