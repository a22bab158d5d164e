"""Execution rows of Activity statements, trap by trap."""

from decimal import Decimal

import pytest

from brokersync.domain.trades import AssetClass, CashKind, Effect, Execution, ExecutionKind, Side
from tests.unit.brokers.ibkr_flex.made import OPTION, STOCK, Row, element, of_one_account, only_trade, saved, trades


def test_i8_a_stock_trade_is_told_in_full() -> None:
    # given a purchase
    row = {**STOCK, "quantity": "1,000", "fifoPnlRealized": "-34.74", "notes": "P"}
    # when
    trade = only_trade(row)
    # then
    assert trade.source_trade_id == "9814211285"
    assert (trade.symbol, trade.asset_class, trade.currency) == ("AAPL", AssetClass.STOCK, "USD")
    assert (trade.side, trade.quantity, trade.price) == (Side.BUY, Decimal(1000), Decimal("187.23"))
    assert (trade.kind, trade.effect, trade.reason) == (ExecutionKind.TRADE, Effect.OPEN, "")
    assert (trade.order_id, trade.trade_ref) == ("1115450435", "2268125234")
    assert trade.realised_pnl == Decimal("-34.74")
    assert trade.contract == {"conid": "265598", "isin": "US0378331005"}
    assert trade.executed_at.utc.isoformat() == "2026-01-15T14:31:05+00:00"
    assert (trade.executed_at.raw, trade.executed_at.zone) == ("20260115;093105", "America/New_York")


def test_a_derivative_is_told_with_its_contract() -> None:
    trade = only_trade(OPTION)
    assert trade.multiplier == 100
    assert trade.contract == {
        "conid": "600000001",
        "underlying": "AAPL",
        "expiry": "20260116",
        "strike": "190",
        "put_call": "C",
    }


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("STK", AssetClass.STOCK),
        ("OPT", AssetClass.OPTION),
        ("FUT", AssetClass.FUTURE),
        ("FOP", AssetClass.FUTURE_OPTION),
        ("CASH", AssetClass.FOREX),
        ("CFD", AssetClass.CFD),
        ("WAR", AssetClass.WARRANT),
        ("IOPT", AssetClass.WARRANT),
        ("FUND", AssetClass.FUND),
        ("BOND", AssetClass.BOND),
        ("CRYPTO", AssetClass.CRYPTO),
        ("SOMETHING_NEW", AssetClass.OTHER),
    ],
)
def test_every_asset_category_has_its_class(category: str, expected: AssetClass) -> None:
    assert only_trade({**STOCK, "assetCategory": category}).asset_class is expected


# --- money ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commission", "tax", "expected"),
    [
        ("-1.0104", "0", {"commission": Decimal("1.0104")}),
        ("0.3333", "0", {"commission": Decimal("-0.3333")}),  # a rebate
        ("-1", "-2.5", {"commission": Decimal(1), "tax": Decimal("2.5")}),
        ("0", "", {"commission": Decimal(0)}),
        ("", "-2.5", {"tax": Decimal("2.5")}),
        (None, None, {}),
    ],
)
def test_i8_fees_are_costs_by_kind(commission: str | None, tax: str | None, expected: dict[str, Decimal]) -> None:
    assert only_trade({**STOCK, "ibCommission": commission, "taxes": tax}).fees == expected


def test_i8_a_tax_in_another_currency_than_the_commission_is_cash_of_its_own() -> None:
    # given a trade in pounds whose commission is in dollars
    row = {**STOCK, "currency": "GBP", "taxes": "-4.2", "ibCommissionCurrency": "USD"}
    # when
    said = saved(of_one_account(trades(row)))
    # then neither amount is in the wrong currency, and neither is lost
    (trade,), (tax,) = said.executions, said.cash_events
    assert (trade.fees, trade.fee_currency) == ({"commission": Decimal("1.0104")}, "USD")
    assert (tax.kind, tax.amount, tax.currency) == (CashKind.TAX, Decimal("-4.2"), "GBP")
    assert tax.source_id == "tax:9814211285"


@pytest.mark.parametrize(
    ("category", "told", "expected"),
    [("STK", "EUR", "EUR"), ("STK", None, "USD"), ("CASH", None, "")],
)
def test_the_commission_has_the_currency_that_is_told_or_sure(category: str, told: str | None, expected: str) -> None:
    row = {**STOCK, "assetCategory": category, "ibCommissionCurrency": told}
    assert only_trade(row).fee_currency == expected


def test_i8_digits_beyond_a_float_are_kept() -> None:
    row = {**STOCK, "quantity": "-12345678901234567890.123456789012345678", "buySell": "SELL"}
    assert only_trade(row).quantity == Decimal("12345678901234567890.123456789012345678")


# --- direction ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["SELL", "", None, "--"])
def test_the_sign_of_the_quantity_is_the_direction(said: str | None) -> None:
    trade = only_trade({**STOCK, "quantity": "-5", "buySell": said})
    assert (trade.side, trade.quantity) == (Side.SELL, Decimal(5))


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [("O", Effect.OPEN), ("C", Effect.CLOSE), ("C;O", Effect.CLOSE_AND_OPEN), ("", None), ("-", None), (None, None)],
)
def test_the_indicator_tells_what_a_trade_did_to_the_position(indicator: str | None, expected: Effect | None) -> None:
    assert only_trade({**STOCK, "openCloseIndicator": indicator}).effect is expected


# --- ids ------------------------------------------------------------------------------------------------------------


def test_i2_equal_fills_stay_apart() -> None:
    # given two fills of an order, equal in time, price and quantity
    first = {**STOCK, "notes": "P"}
    second = {**first, "transactionID": "9814211286", "tradeID": "2268125235", "ibExecID": "0000fed1.5be58c37.01.01"}
    # when
    said = saved(of_one_account(trades(first, second)))
    # then
    assert [trade.source_trade_id for trade in said.executions] == ["9814211285", "9814211286"]


def test_i2_equal_rows_without_any_id_stay_apart_and_keep_their_ids() -> None:
    # given three equal rows of a query that selects no id, and one other
    bare = {**STOCK, "transactionID": None, "ibExecID": None, "tradeID": None, "ibOrderID": None}
    body = of_one_account(trades(bare, {**bare, "quantity": "7"}, bare, bare))
    # when they are read twice, and with a commission that was corrected
    once, again = saved(body), saved(body)
    corrected = saved(body.replace(b"-1.0104", b"-0.9"))
    # then
    ids = [trade.source_trade_id for trade in once.executions]
    assert len(set(ids)) == 4
    assert [trade.source_trade_id for trade in again.executions] == ids
    assert [trade.source_trade_id for trade in corrected.executions] == ids
    # and the reader is told what to select
    (advice,) = once.unmapped
    assert "transactionID" in advice.reason
    assert advice.where == "the query"


def test_without_transaction_ids_the_execution_id_is_the_key() -> None:
    said = saved(of_one_account(trades({**STOCK, "transactionID": None})))
    assert [trade.source_trade_id for trade in said.executions] == ["exec:0000fed1.5be58c36.01.01"]


def test_a_row_that_is_there_twice_is_one_and_one_with_its_id_but_other_content_is_reported() -> None:
    # given a row twice, and a third with its id and another price
    said = saved(of_one_account(trades(STOCK, STOCK, {**STOCK, "tradePrice": "1"})))
    # then
    assert [trade.price for trade in said.executions] == [Decimal("187.23")]
    (problem,) = said.unmapped
    assert "9814211285 is there twice with different content" in problem.reason


def test_statements_that_overlap_tell_a_trade_once() -> None:
    other = {**STOCK, "transactionID": "9814211290"}
    said = saved(of_one_account(trades(STOCK)), of_one_account(trades(STOCK, other)))
    assert [trade.source_trade_id for trade in said.executions] == ["9814211285", "9814211290"]


# --- what is no execution -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["ORDER", "SYMBOL_SUMMARY", "ASSET_SUMMARY", "CLOSED_LOT", "WASH_SALE"])
def test_i2_rows_of_other_levels_are_no_executions_whatever_their_element(level: str) -> None:
    said = saved(of_one_account(trades(STOCK, {**STOCK, "levelOfDetail": level, "quantity": "999"})))
    assert [trade.quantity for trade in said.executions] == [Decimal(100)]
    assert said.unmapped == []


def test_i2_siblings_that_tell_a_fill_once_more_are_ignored() -> None:
    lot = element("Lot", {**STOCK, "levelOfDetail": "CLOSED_LOT"})
    order = element("Order", {**STOCK, "levelOfDetail": "ORDER", "transactionID": ""})
    body = of_one_account(f"<Trades>{order}{element('Trade', STOCK)}{lot}</Trades>")
    assert len(saved(body).executions) == 1


def test_where_the_level_is_not_selected_an_id_tells_an_execution() -> None:
    # given rows without levelOfDetail: a fill, and a sum that has no id
    fill = {**STOCK, "levelOfDetail": None}
    blank = dict.fromkeys(("transactionID", "ibExecID", "tradeID"), "")
    # when
    said = saved(of_one_account(trades(fill, {**fill, **blank, "quantity": "900"})))
    # then the fill is kept, and the other row is not guessed at
    assert [trade.quantity for trade in said.executions] == [Decimal(100)]
    (problem,) = said.unmapped
    assert problem.reason.startswith("levelOfDetail: without it or an id")


def test_i10_an_execution_in_an_unknown_element_is_reported() -> None:
    body = of_one_account(f"<Trades>{element('Futurism', STOCK)}</Trades>")
    (problem,) = saved(body).unmapped
    assert (problem.section, "EXECUTION" in problem.reason) == ("Futurism", True)


# --- cancels, rebooks, book trades ----------------------------------------------------------------------------------

CANCEL: Row = {
    **STOCK,
    "transactionID": "9814300000",
    "tradeID": "",
    "ibExecID": "",
    "transactionType": "TradeCancel",
    "buySell": "BUY (Ca.)",
    "quantity": "-100",
    "ibCommission": "0",
    "openCloseIndicator": "",
    "notes": "Ca",
    "origTradeID": "2268125234",
}
REBOOK: Row = {
    **STOCK,
    "transactionID": "9814300001",
    "ibExecID": "0000fed1.5be58c36.01.02",
    "quantity": "60",
    "ibCommission": "0.3333",
}


def by_id(body: bytes) -> dict[str, Execution]:
    said = saved(body)
    assert said.unmapped == []
    return {trade.source_trade_id: trade for trade in said.executions}


def test_i9_original_cancel_and_rebook_net_out_and_the_cancel_names_its_target() -> None:
    # given a fill that was cancelled and booked anew under its tradeID, in no order
    body = of_one_account(trades(REBOOK, CANCEL, STOCK))
    # when
    said = by_id(body)
    # then
    cancel = said["9814300000"]
    assert (cancel.kind, cancel.side, cancel.quantity) == (ExecutionKind.CANCEL, Side.SELL, Decimal(100))
    assert (cancel.trade_ref, cancel.cancels_trade_ref) == ("", "2268125234")
    assert cancel.cancels_trade_id == "9814211285"  # the original, not the rebook
    assert said["9814300001"].kind is ExecutionKind.TRADE
    assert said["9814300001"].fees == {"commission": Decimal("-0.3333")}
    net = sum(trade.quantity if trade.side is Side.BUY else -trade.quantity for trade in said.values())
    assert net == 60


def test_i9_a_rebook_that_is_cancelled_again_is_told_from_the_original() -> None:
    second = {**CANCEL, "transactionID": "9814400000", "quantity": "-60"}
    said = by_id(of_one_account(trades(STOCK, CANCEL, REBOOK, second)))
    assert said["9814300000"].cancels_trade_id == "9814211285"
    assert said["9814400000"].cancels_trade_id == "9814300001"


def test_i9_a_cancel_of_an_older_statement_keeps_the_number_to_look_for() -> None:
    # given a cancel row whose original is not there, though its rebook is
    said = by_id(of_one_account(trades(CANCEL, REBOOK)))
    # then the rebook is not taken for the original
    assert said["9814300000"].cancels_trade_id == ""
    assert said["9814300000"].cancels_trade_ref == "2268125234"


def test_i9_a_cancel_undoes_nothing_of_another_size_or_the_same_side() -> None:
    for told in ({"quantity": "-60"}, {"quantity": "100", "buySell": "SELL (Ca.)"}):
        said = by_id(of_one_account(trades(STOCK, {**CANCEL, **told})))
        assert said["9814300000"].cancels_trade_id == ""


def test_i9_the_transaction_that_a_cancel_names_is_believed() -> None:
    said = by_id(of_one_account(trades(STOCK, {**CANCEL, "origTransactionID": "111"})))
    assert said["9814300000"].cancels_trade_id == "111"


@pytest.mark.parametrize(
    "told",
    [
        {"transactionType": "TradeCancel", "buySell": "SELL"},
        {"transactionType": "FracShareCancel", "buySell": "BUY (Ca.)"},
        {"transactionType": None, "buySell": "BUY (Ca.)"},
        {"transactionType": None, "buySell": None, "notes": "P;Ca"},
    ],
)
def test_i9_a_cancel_is_told_by_whatever_the_query_selects(told: Row) -> None:
    assert only_trade({**CANCEL, **told}).kind is ExecutionKind.CANCEL


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"transactionType": "BookTrade", "notes": "Ep", "tradePrice": "0"}, "expiry"),
        ({"transactionType": "BookTrade", "notes": "A", "tradePrice": "0"}, "assignment"),
        ({"transactionType": "BookTrade", "notes": "Ex"}, "exercise"),
        ({"transactionType": "BookTrade", "notes": ""}, "book_trade"),
        ({"notes": "P;L"}, "liquidation"),
        ({"assetCategory": "CASH", "notes": "AFx"}, "auto_forex"),
        ({"transactionType": "FracShare"}, "fractional_share"),
        ({"transactionType": "TradeCorrect"}, "correction"),
        ({"transactionType": "NewKind"}, "NewKind"),
    ],
)
def test_the_reason_of_a_trade_is_told(told: Row, expected: str) -> None:
    assert only_trade({**STOCK, **told}).reason == expected


def test_a_book_trade_has_no_order_and_may_cost_nothing() -> None:
    # given an option that expired: no execution id, its order number is its transaction's
    row = {
        **OPTION,
        "transactionType": "BookTrade",
        "notes": "Ep",
        "tradePrice": "0",
        "quantity": "-2",
        "buySell": "SELL",
        "ibOrderID": "9814211285",
        "ibExecID": "",
        "dateTime": "20260116;162000",
    }
    # when
    trade = only_trade(row)
    # then
    assert (trade.price, trade.order_id) == (Decimal(0), "")
    assert trade.executed_at.utc.isoformat() == "2026-01-16T21:20:00+00:00"


# --- rows that can't be understood ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "field", "problem"),
    [
        ({"quantity": "NaN"}, "quantity", "is not a finite number"),
        ({"tradePrice": "Infinity"}, "tradePrice", "is not a finite number"),
        ({"tradePrice": "12.5.1"}, "tradePrice", "is not a number"),
        ({"tradePrice": "1234,5"}, "tradePrice", "is not a number"),
        ({"tradePrice": "1,23"}, "tradePrice", "is not a number"),
        ({"tradePrice": "1" * 39}, "tradePrice", "38 digits"),
        ({"ibCommission": "free"}, "ibCommission", "is not a number"),
        ({"quantity": "0"}, "quantity", "is zero"),
        ({"quantity": "-100"}, "quantity", "contradicts buySell 'BUY'"),
        ({"buySell": "HOLD"}, "buySell", "neither BUY nor SELL"),
        ({"symbol": ""}, "symbol", "has no value"),
        ({"currency": "MULTI"}, "currency", "has no value"),
        ({"tradePrice": None}, "tradePrice", "if the Flex query doesn't select it"),
        ({"assetCategory": "FUT", "multiplier": ""}, "multiplier", "has no value"),
        ({"dateTime": "15/01/2026 09:31"}, "dateTime", "is not a time such as 20260928;093105"),
        ({"dateTime": "20261315;093105"}, "dateTime", "is not a time"),
        ({"dateTime": "", "tradeDate": ""}, "dateTime", "has no value"),
    ],
)
def test_i10_a_bad_row_is_kept_back_with_field_and_problem_and_fails_no_other(
    told: Row, field: str, problem: str
) -> None:
    # given a good row and one with a fault
    body = of_one_account(trades(STOCK, {**STOCK, "transactionID": "5", **told}))
    # when
    said = saved(body)
    # then
    assert [trade.source_trade_id for trade in said.executions] == ["9814211285"]
    (row,) = said.unmapped
    assert (row.section, row.where) == ("Trade", "account ...4567, transactionID 5, ibExecID 0000fed1.5be58c36.01.01")
    assert row.reason.startswith(f"{field}: ")
    assert problem in row.reason
