"""Which answer a body is, whose it is, and what an account holds; what can't be read is named."""

import json
from decimal import Decimal

import pytest

from brokersync.brokers.snaptrade.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from brokersync.domain.trades import Side
from tests.unit.brokers.snaptrade.rows import FIXTURES, NUMBER, activities, activity, page, saved


def fixture(name: str) -> object:
    return json.loads((FIXTURES / name).read_text())


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("account.json", "account"),
        ("connection.json", "connection"),
        ("activities.json", "activities"),
        ("balances.json", "balances"),
        ("positions.json", "positions"),
    ],
)
def test_a_saved_answer_is_told_by_its_content(name: str, section: str) -> None:
    assert saved(name).section == section


def test_an_account_is_known_by_its_institution() -> None:
    # given the account as it is fetched, and as it is saved
    fetched = provider.normalise([page("account", fixture("account.json"))], [NUMBER])
    found = provider.normalise([saved("account.json")], [])
    # then both are the same account
    for said in (fetched, found):
        (info,) = said.accounts
        assert (info.broker_account_id, info.currency, info.name) == (NUMBER, "USD", "Robinhood Individual")


def test_figures_are_of_the_accounts_currency_and_of_the_time_when_they_were_loaded() -> None:
    (balance,) = provider.normalise([page("balances", fixture("balances.json"))], [NUMBER]).balances
    assert (balance.balance, balance.equity, balance.currency) == (Decimal("20110.07"), Decimal("25363.23"), "USD")
    assert balance.as_of.raw == "2026-05-19 11:42:46.561408+00:00"


def test_cash_that_is_not_told_is_unknown_and_not_zero() -> None:
    (balance,) = provider.normalise([page("balances", [])], [NUMBER]).balances
    assert (balance.balance, balance.equity) == (None, Decimal("25363.23"))


def test_positions_are_signed_by_their_side_and_options_have_no_open_price() -> None:
    (section,) = provider.normalise([page("positions", fixture("positions.json"))], [NUMBER]).positions
    held = {one.symbol: (one.side, one.volume, one.open_price, one.current_price) for one in section.positions}
    assert held == {
        "VAB.TO": (Side.BUY, Decimal(200), Decimal("23.405"), Decimal("23.41")),
        "AAPL": (Side.SELL, Decimal("4.4477"), None, Decimal("191.3")),
        "AAPL260619C00205000": (Side.BUY, Decimal(1), None, Decimal("2.4")),
    }
    assert section.as_of.raw == "2026-05-19T11:42:46Z"


def test_an_account_without_positions_is_flat() -> None:
    (section,) = provider.normalise([page("positions", {"results": [], "data_freshness": None})], [NUMBER]).positions
    assert section.positions == ()


def test_positions_with_a_row_that_cant_be_read_are_missing() -> None:
    # given positions of which one has no units
    body = fixture("positions.json")
    body["results"][1]["units"] = None  # type: ignore[index]
    said = provider.normalise([page("positions", body)], [NUMBER])
    # then a list with a gap is no list
    assert (said.positions, said.missing_sections) == ([], ["positions"])
    assert [(one.where, "units" in one.reason) for one in said.unmapped] == [("position 2", True)]


@pytest.mark.parametrize("section", ["activities", "balances", "positions"])
def test_i7_another_accounts_page_is_refused(section: str) -> None:
    with pytest.raises(UserActionNeededError) as refused:
        provider.normalise([page(section, fixture(f"{section}.json"))], ["ROBINHOOD:99999999"])
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT


def test_i7_an_answer_about_another_account_is_refused() -> None:
    other = fixture("account.json") | {"institution_account_id": "1", "number": "Q1", "id": "1"}  # type: ignore[operator]
    with pytest.raises(UserActionNeededError) as refused:
        provider.normalise([page("account", other)], [NUMBER])
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT


def test_an_account_that_is_gone_says_nothing() -> None:
    # given the answer about an account that was connected anew, and the one after it
    gone = page("account", {"default_detail": "The requested resource does not exist."}, status=404)
    said = provider.normalise([gone, activities(activity())], [NUMBER])
    # then only that one counts
    assert (said.accounts, len(said.executions)) == ([], 1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"<html>", "HTML or XML"),
        (b'{"data": [', "cut off"),
        (b'{"data": 7, "pagination": {}}', "data is a number, not a list"),
        (b'{"data": [NaN]}', "NaN"),
        (b'{"data": [{"id": "1", "id": "2"}]}', "'id' twice"),
        (b'{"data": ["x"]}', "row 1 is a text, not an object"),
        (b'{"data": [{"a": 1}]}', "its keys: a"),
        (b"7", "is a number, not an object"),
        (b'{"detail": "Encountered an unexpected exception."}', "an error answer or a message"),
        (b'{"results": []}', "answered positions where activities was asked for"),
    ],
)
def test_a_page_that_is_no_answer_is_refused_saying_what_and_where(body: bytes, said: str) -> None:
    with pytest.raises(BrokerChangedError) as refused:
        provider.normalise([page("activities", body)], [NUMBER])
    assert said in refused.value.safe_message


@pytest.mark.parametrize("section", ["account", "balances", "positions"])
def test_every_section_refuses_what_is_not_its_own(section: str) -> None:
    with pytest.raises(BrokerChangedError) as refused:
        provider.normalise([page(section, fixture("activities.json"))], [NUMBER])
    assert f"where {section} was asked for" in refused.value.safe_message
