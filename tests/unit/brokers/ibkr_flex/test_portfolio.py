"""Accounts, their figures and their open positions."""

from decimal import Decimal

import pytest

from brokersync.domain.portfolio import AccountInfo, Balance, Position, PositionsSection
from brokersync.domain.trades import Side
from tests.unit.brokers.ibkr_flex.made import (
    ACCOUNT,
    CASH_REPORT,
    EQUITY,
    INFORMATION,
    POSITION,
    STOCK,
    Row,
    account,
    document,
    element,
    everything,
    of_one_account,
    positions,
    saved,
    section,
    trades,
)


def figures(*, cash: list[Row], equity: list[Row]) -> str:
    return (
        element("AccountInformation", INFORMATION)
        + section("CashReport", "CashReportCurrency", cash)
        + section("EquitySummaryInBase", "EquitySummaryByReportDateInBase", equity)
    )


def held(*rows: Row) -> tuple[Position, ...]:
    said = saved(of_one_account(positions(*rows)))
    assert said.unmapped == []
    (told,) = said.positions
    return told.positions


def test_the_account_is_told_with_its_base_currency() -> None:
    said = saved(of_one_account(everything()))
    assert said.accounts == [AccountInfo(broker_account_id=ACCOUNT, currency="USD", name="Growth")]


def test_i8_cash_is_the_base_summary_and_equity_the_last_day() -> None:
    # given cash by currency beside the sum, and equity of three days in no order
    cash = [{**CASH_REPORT, "currency": "EUR", "endingCash": "77"}, CASH_REPORT]
    equity = [
        {**EQUITY, "reportDate": "20260129", "total": "1"},
        EQUITY,
        {**EQUITY, "reportDate": "20260128", "total": "2"},
    ]
    # when
    (balance,) = saved(of_one_account(figures(cash=cash, equity=equity))).balances
    # then
    assert balance.balance == Decimal("1234.5")
    assert balance.equity == Decimal("20284.5")
    assert balance.currency == "USD"
    assert (balance.as_of.raw, balance.as_of.zone) == ("20260131", "America/New_York, date only")
    # and what IBKR doesn't tell is not zero
    assert (balance.margin, balance.free_margin, balance.margin_level) == (None, None, None)


@pytest.mark.parametrize(
    ("cash", "equity", "expected"),
    [
        ([CASH_REPORT], [], (Decimal("1234.5"), None)),
        ([], [EQUITY], (None, Decimal("20284.5"))),
        ([{**CASH_REPORT, "currency": "USD"}], [EQUITY], (None, Decimal("20284.5"))),
    ],
)
def test_a_figure_that_is_not_told_is_unknown(
    cash: list[Row], equity: list[Row], expected: tuple[Decimal | None, Decimal | None]
) -> None:
    (balance,) = saved(of_one_account(figures(cash=cash, equity=equity))).balances
    assert (balance.balance, balance.equity) == expected


def test_i5_a_figure_that_cannot_be_read_leaves_the_old_balance_as_it_was() -> None:
    said = saved(of_one_account(figures(cash=[{**CASH_REPORT, "endingCash": "NaN"}], equity=[EQUITY])))
    assert said.balances == []
    (row,) = said.unmapped
    assert (row.section, row.reason) == ("CashReportCurrency", "endingCash: 'NaN' is not a finite number")


def test_a_long_position_is_told_in_full() -> None:
    (position,) = held(POSITION)
    assert (position.symbol, position.side, position.volume) == ("AAPL", Side.BUY, Decimal(100))
    assert (position.open_price, position.current_price) == (Decimal("187.23"), Decimal("190.5"))
    assert (position.profit, position.currency, position.position_id) == (Decimal(326), "USD", "265598")
    assert position.as_of.raw == "20260131"


def test_a_short_position_is_sold() -> None:
    (position,) = held({**POSITION, "position": "-1,500"})
    assert (position.side, position.volume) == (Side.SELL, Decimal(1500))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"openPrice": None}, Decimal("187.24")),
        ({"openPrice": "0", "costBasisPrice": "0"}, None),  # transferred shares: the cost is not known
        ({"openPrice": "", "costBasisPrice": ""}, None),
    ],
)
def test_an_unknown_cost_is_no_price_of_zero(told: Row, expected: Decimal | None) -> None:
    (position,) = held({**POSITION, **told})
    assert position.open_price == expected


def test_i2_lots_do_not_double_the_sums() -> None:
    lot = {**POSITION, "levelOfDetail": "LOT", "position": "60"}
    assert [position.volume for position in held(POSITION, lot, {**lot, "position": "40"})] == [Decimal(100)]


def test_where_only_lots_are_selected_they_are_the_positions() -> None:
    # given two lots and no sum
    lot = {**POSITION, "levelOfDetail": "LOT", "openDateTime": "20260115;093105", "originatingTransactionID": "11"}
    # when
    first, second = held({**lot, "position": "60"}, {**lot, "position": "40", "originatingTransactionID": "12"})
    # then each is told with its own opening
    assert (first.position_id, second.position_id) == ("11", "12")
    assert first.opened_at is not None
    assert first.opened_at.utc.isoformat() == "2026-01-15T14:31:05+00:00"
    assert first.volume + second.volume == 100


def test_i5_a_flat_account_has_an_empty_section_and_an_unselected_section_none() -> None:
    assert held() == ()
    assert held({**POSITION, "position": "0"}) == ()
    assert saved(of_one_account("")).positions == []


def test_i5_positions_that_cannot_all_be_read_are_not_told_as_if_they_were_all() -> None:
    said = saved(of_one_account(positions(POSITION, {**POSITION, "symbol": "MSFT", "position": "some"})))
    assert said.positions == []
    (row,) = said.unmapped
    assert (row.section, row.where) == ("OpenPosition", "account ...4567, symbol MSFT, conid 265598")


def test_several_accounts_are_told_apart() -> None:
    # given two accounts in one statement, the second flat and in euros
    other = {"accountId": "U7654321"}
    body = document(
        account(everything()),
        account(
            element("AccountInformation", {**INFORMATION, **other, "currency": "EUR"})
            + section("CashReport", "CashReportCurrency", [{**CASH_REPORT, **other, "endingCash": "5"}])
            + positions(),
            accountId="U7654321",
        ),
    )
    # when
    said = saved(body)
    # then
    assert [(info.broker_account_id, info.currency) for info in said.accounts] == [
        (ACCOUNT, "USD"),
        ("U7654321", "EUR"),
    ]
    assert [(one.broker_account_id, one.balance) for one in said.balances] == [
        (ACCOUNT, Decimal("1234.5")),
        ("U7654321", Decimal(5)),
    ]
    assert {one.broker_account_id: len(one.positions) for one in said.positions} == {ACCOUNT: 1, "U7654321": 0}


def test_of_one_statement_per_day_the_last_one_counts() -> None:
    # given a query that breaks out days, newest first
    body = document(account(positions(), toDate="20260131"), account(positions(POSITION), toDate="20260130"), count=2)
    # when
    (told,) = saved(body).positions
    # then
    assert told == PositionsSection(broker_account_id=ACCOUNT, as_of=told.as_of, positions=())
    assert told.as_of.raw == "20260131"


def test_the_futures_segment_of_an_account_trades_under_its_own_number() -> None:
    # given a statement of U1234567 with a trade of its segment U1234567F
    said = saved(of_one_account(everything(trades=trades({**STOCK, "accountId": "U1234567F"}))))
    # then
    assert [trade.broker_account_id for trade in said.executions] == ["U1234567F"]
    assert [(info.broker_account_id, info.currency) for info in said.accounts] == [
        (ACCOUNT, "USD"),
        ("U1234567F", "USD"),
    ]
    assert [type(balance) for balance in said.balances] == [Balance]
