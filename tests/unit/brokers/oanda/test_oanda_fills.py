"""ORDER_FILL: one execution per leg, with the right direction, price, P&L, fees and financing."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.brokers.oanda.provider import provider
from brokersync.domain.trades import AssetClass, CashKind, Effect, Side, content_hash
from tests.unit.brokers.oanda.rows import fill, fixture, leg, read

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=5, allow_nan=False, allow_infinity=False)


def test_one_fill_with_four_legs_is_four_executions() -> None:
    # given a fill that closes two Trades, reduces a third and opens a fourth
    pages = [fixture("transactions.json", "transactions")]
    # when
    executions = [one for one in provider.normalise(pages, []).executions if one.source_trade_id.startswith("16:")]
    # then each leg is an execution of its own, under transaction, Trade and kind of leg
    assert [one.source_trade_id for one in executions] == ["16:6:close", "16:7:close", "16:8:reduce", "16:16:open"]
    assert [one.quantity for one in executions] == [Decimal(1), Decimal("0.5"), Decimal("0.5"), Decimal(3)]
    assert {one.side for one in executions} == {Side.SELL}
    assert [one.effect for one in executions] == [Effect.CLOSE, Effect.CLOSE, Effect.CLOSE, Effect.OPEN]
    assert [one.position_id for one in executions] == ["6", "7", "8", "16"]
    assert [one.realised_pnl for one in executions] == [Decimal("2.1"), Decimal("-0.4"), Decimal("1.5"), None]
    assert {(one.order_id, one.reason, one.symbol) for one in executions} == {("15", "MARKET_ORDER", "XAU_USD")}


def test_closing_a_short_buys_because_legs_carry_the_sign_of_the_fill() -> None:
    # given a short of 357 that is closed by buying
    said = read(fill(units="357", tradesClosed=[leg("7", "357", price="1.1", realizedPL="-1.0")]))
    # when / then
    (execution,) = said.executions
    assert (execution.side, execution.quantity) == (Side.BUY, Decimal(357))


def test_closing_a_long_sells() -> None:
    said = read(fill(units="-357", tradesClosed=[leg("7", "-357", price="1.1", realizedPL="-1.0")]))
    assert said.executions[0].side is Side.SELL


def test_the_price_of_a_leg_is_its_own_and_the_fills_only_where_it_has_none() -> None:
    # given a guaranteed stop that clamped one leg's price, and a fill of 2016 whose legs have none
    clamped = fill(units="-2", price="1.2", tradesClosed=[leg("7", "-1", price="1.25"), leg("8", "-1", price="1.15")])
    old = fill(id="51", units="-2", price="1.3", tradesClosed=[leg("9", "-1"), leg("10", "-1")])
    # when
    prices = [one.price for one in read(clamped, old).executions]
    # then
    assert prices == [Decimal("1.25"), Decimal("1.15"), Decimal("1.3"), Decimal("1.3")]


def test_money_is_in_the_accounts_currency_and_prices_in_the_quote_currency() -> None:
    # given an account in euros that trades EUR_USD
    said = read(fill(units="-100", commission="0.5", tradesClosed=[leg("7", "-100", price="1.1", realizedPL="2.5")]))
    # when / then
    (execution,) = said.executions
    assert (execution.currency, execution.pnl_currency, execution.fee_currency) == ("USD", "EUR", "EUR")


def test_a_currency_that_no_answer_tells_stays_unknown() -> None:
    said = read(fill(tradeOpened=leg("50", "100", price="1.1")), currency="")
    assert (said.executions[0].currency, said.executions[0].pnl_currency) == ("USD", "")


@pytest.mark.parametrize(
    ("instrument", "expected", "quote"),
    [
        ("EUR_USD", AssetClass.FOREX, "USD"),
        ("USD_JPY", AssetClass.FOREX, "JPY"),
        ("XAU_USD", AssetClass.CFD, "USD"),
        ("SPX500_USD", AssetClass.CFD, "USD"),
        ("DE30_EUR", AssetClass.CFD, "EUR"),
        ("BTC_USD", AssetClass.CFD, "USD"),
        ("SOMETHING", AssetClass.CFD, ""),
    ],
)
def test_what_is_traded_follows_from_the_instruments_name(instrument: str, expected: AssetClass, quote: str) -> None:
    said = read(fill(instrument=instrument, tradeOpened=leg("50", "100", price="1.1")))
    assert (said.executions[0].asset_class, said.executions[0].currency) == (expected, quote)


def test_i8_times_keep_their_nanoseconds_in_both_forms() -> None:
    # given the same instant as RFC 3339 and as UNIX time
    rfc = fill(time="2017-11-20T08:37:23.466364098Z", tradeOpened=leg("50", "100", price="1.1"))
    unix = fill(id="51", time="1511167043.466364098", tradeOpened=leg("51", "100", price="1.1"))
    # when
    first, second = read(rfc, unix).executions
    # then
    assert first.executed_at.ns == second.executed_at.ns == 1_511_167_043_466_364_098
    assert second.executed_at.raw == "1511167043.466364098"


def test_i2_equal_fills_in_the_same_nanosecond_are_both_kept() -> None:
    # given two fills of one order that differ in nothing but their ids
    rows = [fill(id=str(number), tradeOpened=leg(str(number), "100", price="1.1")) for number in (50, 51)]
    # when / then
    assert [one.source_trade_id for one in read(*rows).executions] == ["50:50:open", "51:51:open"]


def test_i2_a_transaction_that_comes_in_two_answers_is_one() -> None:
    row = fill(tradeOpened=leg("50", "100", price="1.1"))
    assert len(read(row, row).executions) == 1


def test_a_commission_is_whole_on_the_first_leg() -> None:
    # given a fill with two legs
    said = read(
        fill(
            units="-3",
            commission="0.0700",
            tradesClosed=[leg("7", "-1", price="1")],
            tradeOpened=leg("50", "-2", price="1"),
        )
    )
    # when / then
    assert [dict(one.fees) for one in said.executions] == [{"commission": Decimal("0.0700")}, {}]


def test_a_guaranteed_execution_fee_is_on_the_leg_that_it_was_charged_for() -> None:
    pages = [fixture("transactions.json", "transactions")]
    fees = {one.source_trade_id: dict(one.fees) for one in provider.normalise(pages, []).executions}
    assert fees["16:6:close"] == {"commission": Decimal("0.6")}
    assert fees["16:16:open"] == {"guaranteed_execution_fee": Decimal("0.2")}


@settings(deadline=None)
@given(
    commission=amounts,
    guaranteed=amounts,
    financing=amounts,
    parts=st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6),
)
def test_i8_fees_and_financing_of_the_legs_add_up_to_the_fills_exactly(
    commission: Decimal, guaranteed: Decimal, financing: Decimal, parts: list[tuple[Decimal, Decimal]]
) -> None:
    # given a fill whose legs explain its fees and financing only in part
    legs = [
        leg(str(number), "-1", price="1.1", financing=f"{paid:f}", guaranteedExecutionFee=f"{fee:f}")
        for number, (paid, fee) in enumerate(parts, start=1)
    ]
    # when
    said = read(
        fill(
            units=str(-len(parts)),
            commission=f"{commission:f}",
            guaranteedExecutionFee=f"{guaranteed:f}",
            financing=f"{financing:f}",
            tradesClosed=legs,
        )
    )
    # then nothing is lost and nothing counted twice
    assert sum(one.fees.get("commission", Decimal(0)) for one in said.executions) == commission
    assert sum(one.fees.get("guaranteed_execution_fee", Decimal(0)) for one in said.executions) == guaranteed
    assert sum(event.amount for event in said.cash_events) == financing
    assert len({event.source_id for event in said.cash_events}) == len(said.cash_events)
    assert not said.unmapped


def test_financing_at_close_is_a_cash_event_and_not_part_of_the_pnl() -> None:
    # given a close that realises 3.20 and pays 0.0600, 0.0300 and 0.0200 of financing
    said = provider.normalise([fixture("transactions.json", "transactions")], [])
    events = [event for event in said.cash_events if event.source_id.startswith("16:")]
    # when / then
    assert {event.source_id: event.amount for event in events} == {
        "16:6:financing": Decimal("-0.06"),
        "16:7:financing": Decimal("-0.03"),
        "16:8:financing": Decimal("-0.02"),
    }
    assert {event.kind for event in events} == {CashKind.FINANCING}
    assert {event.position_id for event in events} == {"6", "7", "8"}


def test_the_pnl_of_a_fills_only_closing_leg_is_the_fills() -> None:
    # given legs without their own P&L
    one = fill(units="-3", pl="4.5", tradeReduced=leg("7", "-1", price="1"), tradeOpened=leg("50", "-2", price="1"))
    two = fill(id="51", units="-2", pl="4.5", tradesClosed=[leg("8", "-1", price="1"), leg("9", "-1", price="1")])
    # when
    executions = read(one, two).executions
    # then it is known where one leg realised it all, and unknown where it would have to be guessed
    assert [leg.realised_pnl for leg in executions] == [Decimal("4.5"), None, None, None]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (fill(), "it has no legs"),
        (fill(units="100", tradeOpened=leg("50", "90", price="1")), "its legs add up to 90 of 100 units"),
        (fill(tradeOpened=leg("50", "0", price="1"), units="0"), "it fills 0 units"),
        (fill(price=None, tradeOpened=leg("50", "100")), "the leg of Trade 50 (open) has no price"),
        (
            fill(units="-2", tradesClosed=[leg("7", "-1", price="1"), leg("7", "-1", price="1")]),
            "Trade 7 has two legs (close) in one fill",
        ),
        (fill(commission="1.0"), "its fees belong to no leg"),
    ],
)
def test_i5_a_fill_that_contradicts_itself_is_reported_and_not_repaired(row: dict[str, object], reason: str) -> None:
    # when
    unmapped = read(row).unmapped
    # then
    assert {entry.where for entry in unmapped} == {"transaction 50"}
    assert any(entry.reason.startswith(reason) for entry in unmapped)


def test_a_leg_that_contradicts_the_fill_does_not_take_the_others_along() -> None:
    # given one leg without units
    said = read(fill(units="-1", tradesClosed=[leg("7", "0", price="1"), leg("8", "-1", price="1")]))
    # when / then
    assert [one.source_trade_id for one in said.executions] == ["50:8:close"]
    assert [entry.reason for entry in said.unmapped] == ["the leg of Trade 7 (close) has 0 units"]


def test_content_is_the_same_however_zeros_are_written() -> None:
    # given the same fill with other trailing zeros
    short = read(fill(tradeOpened=leg("50", "100", price="1.1"))).executions[0]
    long = read(fill(units="100.0", tradeOpened=leg("50", "100.00", price="1.1000"))).executions[0]
    # when / then it is no correction
    assert content_hash(short) == content_hash(long)
