"""Trade Confirmation statements (TCF): the same fills under other names, today's only."""

from decimal import Decimal

import pytest

from brokersync.domain.trades import Effect, ExecutionKind, Side
from tests.unit.brokers.ibkr_flex.made import (
    CONFIRM,
    OPTION,
    account,
    confirms,
    document,
    element,
    of_one_account,
    saved,
    trades,
)


def test_i8_a_confirmation_is_told_under_its_own_names() -> None:
    # given a sale that closes, with a tax
    row = {**CONFIRM, "buySell": "SELL", "quantity": "-1", "code": "C", "tax": "-0.02"}
    # when
    (trade,) = saved(document(account(confirms(row)), kind="TCF")).executions
    # then
    assert trade.source_trade_id == "exec:0000e242.6ab9e843.01.01"
    assert (trade.side, trade.quantity, trade.price) == (Side.SELL, Decimal(1), Decimal("1.06"))
    assert trade.fees == {"commission": Decimal("0.8453"), "tax": Decimal("0.02")}
    assert (trade.order_id, trade.trade_ref) == ("754464364", "1866047710")
    assert (trade.effect, trade.realised_pnl) == (Effect.CLOSE, None)


@pytest.mark.parametrize(
    ("code", "effect"),
    [("O;P", Effect.OPEN), ("C;O", Effect.CLOSE_AND_OPEN), ("P;C;O", Effect.CLOSE_AND_OPEN), ("P", None), ("", None)],
)
def test_the_codes_tell_what_a_confirmed_trade_did_to_the_position(code: str, effect: Effect | None) -> None:
    (trade,) = saved(document(account(confirms({**CONFIRM, "code": code})), kind="TCF")).executions
    assert trade.effect is effect


def test_i2_confirmations_that_share_a_trade_id_stay_apart() -> None:
    rows = [{**CONFIRM, "execID": f"{letter}.01", "orderID": str(order)} for order, letter in enumerate("xyza")]
    said = saved(document(account(confirms(*rows)), kind="TCF"))
    assert [trade.source_trade_id for trade in said.executions] == [
        "exec:x.01",
        "exec:y.01",
        "exec:z.01",
        "exec:a.01",
    ]
    assert {trade.trade_ref for trade in said.executions} == {"1866047710"}


def test_i2_orders_and_sums_beside_the_confirmations_are_ignored() -> None:
    # given siblings that repeat the fill, one of them under the confirmations' own element
    order = element("Order", {**CONFIRM, "levelOfDetail": "ORDER", "execID": ""})
    summed = element("TradeConfirm", {**CONFIRM, "levelOfDetail": "SYMBOL_SUMMARY", "execID": ""})
    inside = f"<TradeConfirms>{element('TradeConfirm', CONFIRM)}{order}{summed}</TradeConfirms>"
    # when
    said = saved(document(account(inside), kind="TCF"))
    # then
    assert len(said.executions) == 1
    assert said.unmapped == []


def test_a_cancelled_confirmation_names_its_target() -> None:
    cancel = {
        **CONFIRM,
        "execID": "",
        "tradeID": "",
        "transactionType": "TradeCancel",
        "buySell": "BUY (Ca.)",
        "quantity": "-1",
        "code": "Ca",
        "origTradeID": "1866047710",
    }
    said = saved(document(account(confirms(CONFIRM, cancel)), kind="TCF"))
    (row,) = [trade for trade in said.executions if trade.kind is ExecutionKind.CANCEL]
    assert row.cancels_trade_id == "exec:0000e242.6ab9e843.01.01"
    assert row.source_trade_id.startswith("row:")


def test_i2_the_activity_statement_replaces_the_confirmation_of_a_fill() -> None:
    # given today's confirmations of two fills, and tomorrow's statement, which knows one of them better
    other = {**CONFIRM, "execID": "0000e242.6ab9e842.01.01"}
    today = document(account(confirms(CONFIRM, other)), kind="TCF")
    tomorrow = of_one_account(
        trades({**OPTION, "ibExecID": "0000e242.6ab9e843.01.01", "ibCommission": "-0.7", "quantity": "1"})
    )
    # when they are read together, in whatever order
    for said in (saved(today, tomorrow), saved(tomorrow, today)):
        # then
        assert {trade.source_trade_id: trade.fees["commission"] for trade in said.executions} == {
            "9814211285": Decimal("0.7"),
            "exec:0000e242.6ab9e842.01.01": Decimal("0.8453"),
        }
