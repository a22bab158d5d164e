"""An account is the same whichever connection shows it."""

from datetime import date

import pytest

from brokersync.brokers.snaptrade.identity import Cursor, is_of, numbers_of
from brokersync.brokers.snaptrade.models import Account


def account(**fields: object) -> Account:
    usual = {"id": "917c8734", "brokerage_authorization": "87b24961", "number": "Q6542138443"}
    return Account.model_validate({**usual, **fields})


def test_the_institutions_own_id_names_an_account() -> None:
    # given an account under two connections
    one, other = account(institution_account_id="54953432"), account(id="x", institution_account_id="54953432")
    # then it has one number
    assert numbers_of(one, "ROBINHOOD")[0] == numbers_of(other, "ROBINHOOD")[0] == "ROBINHOOD:54953432"
    # and another at another institution
    assert numbers_of(one, "SCHWAB")[0] == "SCHWAB:54953432"


def test_where_the_institution_tells_none_the_account_number_does() -> None:
    assert numbers_of(account(institution_account_id=None), "ROBINHOOD")[0] == "ROBINHOOD:Q6542138443"


@pytest.mark.parametrize("number", ["****8443", "XXXX8443", "xx8443", "", "...8443", "12"])
def test_a_masked_number_names_nothing(number: str) -> None:
    assert numbers_of(account(number=number), "ROBINHOOD") == ["ROBINHOOD:917c8734"]


def test_an_account_stays_known_when_its_institution_begins_to_tell_its_id() -> None:
    assert is_of(account(institution_account_id="54953432"), "ROBINHOOD:Q6542138443")
    assert not is_of(account(institution_account_id="54953432"), "ROBINHOOD:54953433")


@pytest.mark.parametrize("text", ["2026-05-11/917c8734", "/917c8734", "2026-05-11/", "/"])
def test_a_cursor_is_read_as_it_was_written(text: str) -> None:
    assert str(Cursor.parse(text)) == text


def test_a_new_feed_has_no_cursor() -> None:
    assert Cursor.parse("") == Cursor(served=None, account_id="")
    assert Cursor.parse("2026-05-11/1").served == date(2026, 5, 11)
