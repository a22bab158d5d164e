"""What a sync demands of the statement it fetched, before anything of it is stored."""

import re

import pytest

from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    NeedsReviewError,
    UserActionNeededError,
)
from tests.unit.brokers.ibkr_flex.made import (
    ACCOUNT,
    CASH,
    CONFIRM,
    EQUITY,
    POSITION,
    STOCK,
    Row,
    account,
    cash,
    confirms,
    document,
    element,
    everything,
    of_one_account,
    positions,
    section,
    synced,
    trades,
)

GOOD = of_one_account(everything())
OTHER: Row = {"accountId": "U7654321"}


def setup_problem(body: bytes) -> str:
    with pytest.raises(UserActionNeededError) as refused:
        synced(body)
    assert refused.value.code is ErrorCode.SETUP_INCOMPLETE
    return refused.value.safe_message


def test_a_complete_statement_is_stored_as_it_is() -> None:
    said = synced(GOOD, ACCOUNT)
    assert (len(said.executions), len(said.cash_events), len(said.positions), len(said.balances)) == (1, 1, 1, 1)
    assert (said.unmapped, said.missing_sections) == ([], [])


# --- the query ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skipped", "title"),
    [
        ("trades", "Trades"),
        ("positions", "Open Positions"),
        ("cash", "Cash Transactions"),
        ("cash_report", "Cash Report"),
        ("equity", "Net Asset Value (NAV) in Base"),
        ("information", "Account Information"),
    ],
)
def test_a_section_that_is_not_selected_is_named(skipped: str, title: str) -> None:
    assert f"The Flex query lacks: {title} (the section)." in setup_problem(of_one_account(everything(skip=skipped)))


def test_all_that_lacks_is_listed_at_once() -> None:
    # given a query without positions, and without some fields of trades and cash
    bare = {**STOCK, "transactionID": None, "tradePrice": None}
    body = of_one_account(
        everything(skip="positions", trades=trades(bare, bare), cash=cash({**CASH, "transactionID": None}))
    )
    # then
    assert setup_problem(body).startswith(
        "The Flex query lacks: Cash Transactions (transactionID); Open Positions (the section); "
        "Trades (transactionID, tradePrice)."
    )


def test_a_section_that_is_empty_is_selected() -> None:
    # given a quiet week of a flat account
    body = of_one_account(everything(trades="<Trades />", positions="<OpenPositions />", cash="<CashTransactions />"))
    # when
    said = synced(body, ACCOUNT)
    # then
    assert (said.executions, said.cash_events, said.missing_sections) == ([], [], [])
    assert [one.positions for one in said.positions] == [()]


def test_a_field_that_one_row_lacks_is_that_rows_fault() -> None:
    # given a query that selects the price, and a row without it
    said = synced(of_one_account(everything(trades=trades(STOCK, {**STOCK, "transactionID": "5", "tradePrice": None}))))
    # then
    assert len(said.executions) == 1
    assert [row.reason.partition(":")[0] for row in said.unmapped] == ["tradePrice"]


@pytest.mark.parametrize(
    ("sections", "lacks"),
    [
        (
            {"trades": f"<Trades>{element('Order', {**STOCK, 'levelOfDetail': 'ORDER'})}</Trades>"},
            "Trades (the option Executions)",
        ),
        ({"positions": positions({**POSITION, "levelOfDetail": "LOT"})}, "Open Positions (the option Summary)"),
        ({"cash": cash({**CASH, "levelOfDetail": "SUMMARY"})}, "Cash Transactions (the option Detail)"),
    ],
)
def test_an_option_that_is_not_selected_is_named(sections: dict[str, str], lacks: str) -> None:
    assert lacks in setup_problem(of_one_account(everything(**sections)))


@pytest.mark.parametrize("date", ["01/31/2026", "31-JAN-26", "260131"])
def test_a_date_format_that_cannot_be_told_apart_is_named(date: str) -> None:
    assert "yyyyMMdd" in setup_problem(of_one_account(everything(), toDate=date))


def test_a_query_of_confirmations_is_named() -> None:
    body = document(account(confirms(CONFIRM)), kind="TCF")
    assert "make an Activity query" in setup_problem(body)


def test_a_query_that_consolidates_accounts_is_named() -> None:
    # given rows of another account in a statement
    body = of_one_account(everything(trades=trades({**STOCK, **OTHER})))
    assert "consolidates accounts" in setup_problem(body)


def test_a_history_window_is_held_to_the_query_too() -> None:
    with pytest.raises(UserActionNeededError, match="Trades"):
        synced(of_one_account(everything(skip="trades")), ACCOUNT, section_name="history")


# --- the accounts ---------------------------------------------------------------------------------------------------


def test_i5_a_known_account_without_a_statement_is_missing_and_fails_no_other() -> None:
    said = synced(GOOD, ACCOUNT, "U7654321")
    assert said.missing_sections == ["statement of account ...4321"]
    assert len(said.executions) == 1


def test_an_account_that_the_query_covers_anew_is_found() -> None:
    body = document(account(everything()), account(everything().replace(ACCOUNT, "U7654321"), **OTHER))
    said = synced(body, ACCOUNT)
    assert [info.broker_account_id for info in said.accounts] == [ACCOUNT, "U7654321"]
    assert said.missing_sections == []


def test_i7_an_answer_of_other_accounts_only_is_refused() -> None:
    with pytest.raises(UserActionNeededError) as refused:
        synced(GOOD, "U9999999", "U9999998")
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT
    assert not re.search(r"U\d{6}", refused.value.detail)


def test_the_segment_of_an_account_is_not_missing_when_it_is_quiet() -> None:
    assert synced(GOOD, ACCOUNT, f"{ACCOUNT}F").missing_sections == []


def test_i5_an_answer_without_any_account_is_not_believed() -> None:
    with pytest.raises(NeedsReviewError) as doubted:
        synced(document(), ACCOUNT)
    assert doubted.value.code is ErrorCode.EMPTY_WHERE_HISTORY
    assert "covers no account" in setup_problem(document())


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ({"toDate": None}, "toDate"),
        ({"fromDate": ""}, "fromDate"),
        ({"accountId": ""}, "accountId"),
        ({"accountId": None}, "accountId"),
    ],
)
def test_i10_a_statement_without_account_or_last_day_is_no_statement(head: dict[str, str | None], field: str) -> None:
    with pytest.raises(BrokerChangedError, match=field):
        synced(of_one_account(everything(), **head))


# --- what is taken of which page ------------------------------------------------------------------------------------


def test_an_overview_is_read_for_its_figures_alone() -> None:
    # given an overview with a trade, one that can't be read among them
    body = of_one_account(everything(trades=trades(STOCK, {**STOCK, "transactionID": "5", "quantity": "0"})))
    # when
    said = synced(body, section_name="overview")
    # then its trades are left to their own window
    assert (said.executions, said.cash_events, said.unmapped) == ([], [], [])
    assert (len(said.accounts), len(said.balances), len(said.positions)) == (1, 1, 1)


def test_a_history_is_read_for_its_trades_and_cash_alone() -> None:
    # given a window of the past, one figure of it unreadable, without an account that is younger
    equity = section("EquitySummaryInBase", "EquitySummaryByReportDateInBase", [{**EQUITY, "total": "NaN"}])
    # when
    said = synced(of_one_account(everything(equity=equity)), ACCOUNT, "U7654321", section_name="history")
    # then
    assert (len(said.executions), len(said.cash_events)) == (1, 1)
    assert (said.balances, said.positions, said.unmapped, said.missing_sections) == ([], [], [], [])
