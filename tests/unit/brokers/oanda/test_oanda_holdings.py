"""Figures and positions: from whichever answer lists them, and never half a list."""

import json
from decimal import Decimal

import pytest

from brokersync.brokers.oanda.provider import provider
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import RawPage
from brokersync.domain.portfolio import Position
from brokersync.domain.trades import Side
from tests.unit.brokers.oanda.rows import ACCOUNT, FIXTURES, RECEIVED, fixture, page, saved


def _positions(*pages: RawPage) -> list[Position]:
    (section,) = provider.normalise(pages, []).positions
    return list(section.positions)


def test_figures_come_from_the_summary() -> None:
    # when
    said = provider.normalise([fixture("summary.json", "summary")], [ACCOUNT])
    # then
    (balance,) = said.balances
    assert (balance.currency, balance.balance, balance.equity) == ("EUR", Decimal("10250.1234"), Decimal("10230.1000"))
    assert (balance.margin, balance.free_margin) == (Decimal("341.0033"), Decimal("9889.0967"))
    assert balance.margin_level == Decimal("3000.00")  # equity in percent of margin
    assert balance.as_of.utc == RECEIVED
    (account,) = said.accounts
    assert (account.broker_account_id, account.currency, account.name) == (ACCOUNT, "EUR", "Swing")


def test_without_margin_there_is_no_margin_level() -> None:
    # given an account that uses no margin, and one whose figures are missing
    summary = json.loads((FIXTURES / "summary.json").read_text())
    summary["account"] |= {"marginUsed": "0.0000"}
    bare = {
        "account": {"id": ACCOUNT, "currency": "EUR", "balance": "1", "openTradeCount": 1},
        "lastTransactionID": "1",
    }
    # when
    (unused,) = provider.normalise([page(summary, "summary")], []).balances
    (missing,) = provider.normalise([page(bare, "summary")], []).balances
    # then unknown is None, never zero
    assert unused.margin_level is None
    assert (missing.equity, missing.margin, missing.free_margin, missing.margin_level) == (None, None, None, None)


def test_each_open_trade_is_a_position_with_its_protection() -> None:
    # when
    gold, euro = _positions(fixture("open_trades.json", "openTrades"))
    # then
    assert (gold.symbol, gold.side, gold.volume, gold.position_id) == ("XAU_USD", Side.SELL, Decimal(3), "16")
    assert (gold.stop_loss, gold.take_profit) == (Decimal("2340.500"), None)  # the trailing stop's current price
    assert (euro.side, euro.volume, euro.open_price) == (Side.BUY, Decimal(1000), Decimal("1.08547"))
    assert (euro.stop_loss, euro.take_profit) == (Decimal("1.08000"), Decimal("1.09500"))
    assert (euro.profit, euro.swap, euro.currency) == (Decimal("2.4000"), Decimal("-0.0164"), "EUR")
    assert euro.opened_at is not None
    assert euro.opened_at.raw == "2024-05-02T10:00:00.000000001Z"


def test_a_closed_trade_is_no_position() -> None:
    trades = json.loads((FIXTURES / "open_trades.json").read_text())
    trades["trades"][0] |= {"state": "CLOSED", "currentUnits": "0"}
    assert [one.position_id for one in _positions(page(trades, "openTrades"))] == ["12"]


def test_a_flat_account_is_proved_flat_by_its_summary() -> None:
    # given a summary that counts no open Trade
    summary = json.loads((FIXTURES / "summary.json").read_text())
    summary["account"]["openTradeCount"] = 0
    # when / then
    assert _positions(page(summary, "summary")) == []


def test_a_summary_with_open_trades_says_nothing_about_which() -> None:
    assert provider.normalise([fixture("summary.json", "summary")], []).positions == []


def test_the_list_that_says_most_is_taken() -> None:
    # given the same positions by Trade, by instrument, and a whole account that lists one of them
    trades, sums = fixture("open_trades.json", "openTrades"), saved("open_positions.json")
    # when / then whatever their order
    assert {one.position_id for one in _positions(trades, sums)} == {"12", "16"}
    assert {one.position_id for one in _positions(sums, trades)} == {"12", "16"}


def test_positions_per_instrument_are_read_where_nothing_better_is_there() -> None:
    euro, gold = _positions(saved("open_positions.json"))
    assert (euro.side, euro.volume, euro.open_price) == (Side.BUY, Decimal(1000), Decimal("1.08547"))
    assert (gold.side, gold.volume, gold.profit) == (Side.SELL, Decimal(3), Decimal("-22.4234"))


def test_a_whole_account_resolves_the_orders_of_its_trades() -> None:
    # when
    said = provider.normalise([saved("account.json")], [])
    # then
    (position,) = said.positions[0].positions
    assert (position.take_profit, position.stop_loss) == (Decimal("1.09500"), Decimal("1.08000"))
    assert (said.balances[0].balance, position.currency) == (Decimal("10250.1234"), "EUR")


def test_changes_give_figures_without_a_balance_and_their_fills() -> None:
    # when
    said = provider.normalise([saved("changes.json")], [])
    # then
    (balance,) = said.balances
    assert (balance.balance, balance.equity) == (None, Decimal("9734.4502"))
    assert [one.source_trade_id for one in said.executions] == ["23:23:open"]


def test_saved_pages_of_one_account_know_its_currency_from_each_other() -> None:
    # given open Trades, which name neither account nor currency, beside their account's summary
    pages = [saved("open_trades.json"), saved("summary.json"), saved("changes.json")]
    # when
    said = provider.normalise(pages, [])
    # then
    assert {(one.broker_account_id, one.currency) for one in said.positions[0].positions} == {(ACCOUNT, "EUR")}
    assert [one.pnl_currency for one in said.executions] == ["EUR"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("currentUnits", "many", "currentUnits: 'many' is not a number"),
        ("price", "Infinity", "price: 'Infinity' is not a finite number"),
        ("openTime", None, "openTime: 'None' is not a time"),
    ],
)
def test_i5_a_list_with_a_position_that_cant_be_read_is_missing_as_a_whole(
    field: str, value: object, reason: str
) -> None:
    # given a bad value in one of two Trades
    trades = json.loads((FIXTURES / "open_trades.json").read_text())
    trades["trades"][1][field] = value
    # when
    said = provider.normalise([page(trades, "openTrades")], [ACCOUNT])
    # then no half list replaces what is stored, and the run can't be called a success
    assert said.positions == []
    assert said.missing_sections == ["openTrades"]
    (entry,) = said.unmapped
    assert entry.where == "trades 12"
    assert reason in entry.reason


def test_bad_figures_are_an_error_that_names_them() -> None:
    summary = json.loads((FIXTURES / "summary.json").read_text())
    summary["account"] |= {"balance": "NaN", "NAV": "a lot"}
    with pytest.raises(BrokerChangedError) as raised:
        provider.normalise([page(summary, "summary")], [ACCOUNT])
    assert "summary account.NAV: 'a lot' is not a number; account.balance: 'NaN' is not a finite number" in str(
        raised.value
    )


def test_absurd_figures_are_kept_and_have_no_margin_level() -> None:
    summary = json.loads((FIXTURES / "summary.json").read_text())
    summary["account"] |= {"NAV": "1E+100", "marginUsed": "1E-100"}
    (balance,) = provider.normalise([page(summary, "summary")], [ACCOUNT]).balances
    assert (balance.equity, balance.margin_level) == (Decimal("1E+100"), None)
