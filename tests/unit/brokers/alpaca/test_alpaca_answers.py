"""Which answer a body is, whose, and what an account holds; neither Alpaca's nor this account's is named."""

import json
from decimal import Decimal

import pytest

from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from brokersync.domain.trades import Side
from tests.unit.brokers.alpaca.rows import ACCOUNT, ALPACA_ID, FIXTURES, fill, fixture, other, page, position, saved

OTHER = "PA39999OTHER"


@pytest.mark.parametrize(
    ("name", "section"),
    [("account.json", "account"), ("activities.json", "activities"), ("positions.json", "positions")],
)
def test_a_saved_answer_is_told_by_its_content(name: str, section: str) -> None:
    found = saved(name)
    assert found.section == section
    assert found.body == (FIXTURES / name).read_bytes()


@pytest.mark.parametrize(("row", "section"), [(fill(), "activities"), (position(), "positions")])
def test_a_single_row_is_a_saved_answer_too(row: dict[str, object], section: str) -> None:
    found = provider.read_saved("one.json", json.dumps(row).encode())
    said = provider.normalise([found], [])
    assert found.section == section
    assert len(said.executions) + sum(len(one.positions) for one in said.positions) == 1


def test_saved_answers_of_one_account_are_told_whose_they_are() -> None:
    # given an account's answers, of which only one names it
    pages = [saved("activities.json"), saved("positions.json"), saved("account.json")]
    said = provider.normalise(pages, [])
    # then
    assert {one.broker_account_id for one in (*said.executions, *said.cash_events, *said.positions)} == {ACCOUNT}


def test_an_accounts_figures_are_its_own() -> None:
    said = provider.normalise([fixture("account.json", "account")], [ACCOUNT])
    (balance,) = said.balances
    assert (balance.balance, balance.equity, balance.margin) == (
        Decimal("-1520.35"),
        Decimal("20480.1234"),
        Decimal("13000.2367"),
    )
    assert (balance.free_margin, balance.margin_level) == (None, None)
    assert [(one.broker_account_id, one.currency) for one in said.accounts] == [(ACCOUNT, "USD")]


def test_positions_are_named_as_fills_are_and_short_ones_are_sold() -> None:
    (section,) = provider.normalise([fixture("positions.json", "positions")], [ACCOUNT]).positions
    held = {one.symbol: (one.side, one.volume, one.profit, one.currency) for one in section.positions}
    assert held == {
        "AAPL": (Side.BUY, Decimal("100.5"), Decimal("80.4"), "USD"),
        "F": (Side.SELL, Decimal(160), Decimal(-16), "USD"),
        "BTC/USD": (Side.BUY, Decimal("0.049875"), Decimal("2.24"), "USD"),
        "AAPL240621C00190000": (Side.BUY, Decimal(1), None, "USD"),
    }


def test_an_account_without_positions_is_flat() -> None:
    (section,) = provider.normalise([page([], "positions")], [ACCOUNT]).positions
    assert (section.broker_account_id, section.positions) == (ACCOUNT, ())


@pytest.mark.parametrize(
    "row", [position(qty="many"), position(symbol=""), "a text", position(current_price="?")], ids=str
)
def test_i5_a_list_of_positions_with_a_gap_is_no_list(row: object) -> None:
    said = provider.normalise([page([position(), row], "positions")], [ACCOUNT])
    assert (said.positions, said.missing_sections) == ([], ["positions"])
    assert said.unmapped[0].where.startswith("position ")


@pytest.mark.parametrize("section", ["activities", "positions"])
def test_i7_another_accounts_page_is_refused(section: str) -> None:
    with pytest.raises(UserActionNeededError) as refused:
        provider.normalise([page([], section, account=OTHER)], [ACCOUNT])
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT
    assert OTHER not in str(refused.value)


def test_i7_another_accounts_figures_and_rows_are_refused() -> None:
    # given an account page of another account, and a row that names another's id
    body = json.loads((FIXTURES / "account.json").read_text()) | {"account_number": OTHER}
    for wrong in (page(body, "account"), page([fill(account_id="ffffffff-0000-4000-8000-000000000000")])):
        with pytest.raises(UserActionNeededError) as refused:
            provider.normalise([wrong], [ACCOUNT])
        assert refused.value.code is ErrorCode.WRONG_ACCOUNT
    # but its own id is its own
    assert len(provider.normalise([page([fill(account_id=ALPACA_ID)])], [ACCOUNT]).executions) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "is empty"),
        (b"<html>", "is HTML or XML"),
        (b'[{"id": "1"', "is cut off"),
        (b'{"code": 40110000, "message": "request is not authorized."}', "is an error answer of Alpaca: 40110000"),
        (b'{"symbols": []}', "its keys: symbols"),
        (b'["a"]', "row 1 is a text, not an object"),
        (b'"a"', "is a text, not an object"),
        (b'[{"activity_type": "FILL", "qty": NaN}]', "has NaN"),
        (b'[{"client_order_id": "1"}]', "an order: executions come from"),
        (b'{"no_shorting": false}', "the account's configuration"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_is_no_answer_about_an_account_is_called_by_its_name(body: bytes, problem: str) -> None:
    with pytest.raises(BrokerChangedError, match="saved") as raised:
        provider.read_saved("saved.json", body)
    assert problem in raised.value.safe_message


@pytest.mark.parametrize(
    ("section", "body", "problem"),
    [
        ("account", [], "account is a list, not an object"),
        ("account", {"account_number": "1", "currency": "USD"}, "account created_at: Field required"),
        ("account", {"account_number": "1", "currency": "USD", "created_at": "2024"}, "created_at: '2024' is not"),
        ("account", position(), "Alpaca answered positions where account was asked for"),
        ("activities", fill(), "activities is an object, not a list"),
        ("activities", [position()], "Alpaca answered positions where activities was asked for"),
        ("positions", [other("CSD")], "Alpaca answered activities where positions was asked for"),
        ("positions", {"code": 50010000, "message": "internal"}, "is an error answer of Alpaca: 50010000 internal"),
    ],
)
def test_an_answer_of_another_form_is_named(section: str, body: object, problem: str) -> None:
    with pytest.raises(BrokerChangedError) as raised:
        provider.normalise([page(body, section)], [])
    assert problem in raised.value.safe_message


def test_a_huge_answer_is_read_whole() -> None:
    rows = [fill(id=f"20240510100104650::{number}") for number in range(20_000)]
    assert len(provider.normalise([page(rows)], [ACCOUNT]).executions) == 20_000
