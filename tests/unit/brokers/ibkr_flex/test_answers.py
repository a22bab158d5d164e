"""Envelopes and their codes, and the little that is read of a statement before it is parsed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from brokersync.brokers.ibkr_flex.answers import (
    Envelope,
    Served,
    is_statement,
    is_text_table,
    opened_on,
    read_envelope,
    served_days,
)
from brokersync.brokers.ibkr_flex.codes import CODES, error_of
from brokersync.brokers.ibkr_flex.manifest import MANIFEST
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)
from brokersync.domain.pages import masked_digest
from tests.unit.brokers.ibkr_flex.made import INFORMATION, account, document, element, everything, of_one_account

NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)


def envelope(inside: str, head: str = " timestamp='28 August, 2012 10:37 AM EDT'") -> bytes:
    return f"<FlexStatementResponse{head}>\n{inside}\n</FlexStatementResponse>".encode()


def test_a_success_is_read_with_its_reference_and_address() -> None:
    body = envelope("<Status>Success</Status><ReferenceCode> 123 </ReferenceCode><Url>https://h/G?a=1&amp;b=2</Url>")
    assert read_envelope(body) == Envelope(status="Success", reference="123", url="https://h/G?a=1&b=2")


@pytest.mark.parametrize("head", ["", ' timestamp="x"', " timestamp='x' new='1'"])
def test_a_warning_is_read_whatever_its_head(head: str) -> None:
    body = envelope("<Status>Warn</Status><ErrorCode>1019</ErrorCode><ErrorMessage>In progress.</ErrorMessage>", head)
    assert read_envelope(body) == Envelope(status="Warn", code="1019", message="In progress.")


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<FlexStatementResponse><Status>", b"<FlexQueryResponse/>"])
def test_what_is_no_whole_envelope_is_none(body: bytes) -> None:
    assert read_envelope(body) is None


def test_a_statement_is_told_by_its_root_element() -> None:
    assert is_statement(of_one_account(""))
    assert is_statement(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made -->\n" + document())
    assert not is_statement(b"<Other><FlexQueryResponse/></Other>")


# --- the codes ------------------------------------------------------------------------------------------------------

EXPECTED: dict[str, tuple[type[SyncError], ErrorCode]] = {
    "1001": (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
    "1003": (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
    "1004": (RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
    "1005": (RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
    "1006": (RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
    "1007": (RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
    "1008": (RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
    "1009": (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
    "1010": (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE),
    "1011": (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
    "1012": (UserActionNeededError, ErrorCode.CONSENT_EXPIRED),
    "1013": (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
    "1014": (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE),
    "1015": (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
    "1016": (UserActionNeededError, ErrorCode.ACCOUNT_CLOSED),
    "1017": (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
    "1018": (RetryLaterError, ErrorCode.RATE_LIMITED),
    "1019": (RetryLaterError, ErrorCode.WORK_IN_PROGRESS),
    "1020": (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE),
    "1021": (RetryLaterError, ErrorCode.BROKER_UNAVAILABLE),
}


def test_every_documented_code_has_a_meaning() -> None:
    assert CODES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("code", EXPECTED)
def test_i10_every_code_ends_in_its_class_with_the_brokers_words_for_the_operator(code: str) -> None:
    error = error_of(Envelope(status="Fail", code=code, message="Words of IBKR."), NOW)
    kind, expected = EXPECTED[code]
    assert (type(error), error.code) == (kind, expected)
    assert error.detail == f"IBKR answered Fail {code}: Words of IBKR."
    assert error.safe_message.endswith(".")


def test_a_limit_names_when_to_come_back() -> None:
    error = error_of(Envelope(status="Fail", code="1018"), NOW)
    assert isinstance(error, RetryLaterError)
    assert error.not_before == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Please try again later.", RetryLaterError),
        ("It will be ready shortly.", RetryLaterError),
        ("The moon is full.", BrokerChangedError),
        ("", BrokerChangedError),
    ],
)
def test_an_unknown_code_is_tried_again_only_if_its_text_says_so(message: str, kind: type[SyncError]) -> None:
    assert type(error_of(Envelope(status="Fail", code="1999", message=message), NOW)) is kind


# --- statements, unparsed -------------------------------------------------------------------------------------------


def test_i3_the_days_served_are_those_that_all_accounts_cover() -> None:
    # given two accounts, one in single quotes, of which one ends a day earlier
    first = account("", fromDate="20260101", toDate="20260130")
    second = account("", accountId="U2", fromDate="2026-01-05", toDate="2026-01-31").replace('"', "'")
    # then
    served = served_days(document(first, second))
    assert served == Served(first=date(2026, 1, 1), last=date(2026, 1, 30))


def test_i3_an_account_with_a_statement_per_day_covers_them_all() -> None:
    parts = [account("", fromDate=f"2026010{day}", toDate=f"2026010{day}") for day in (7, 5, 6)]
    assert served_days(document(*parts)) == Served(first=date(2026, 1, 5), last=date(2026, 1, 7))


@pytest.mark.parametrize("head", [{"toDate": "01/31/2026"}, {"toDate": None}, {"fromDate": ""}])
def test_days_that_cannot_be_read_are_not_guessed(head: dict[str, str | None]) -> None:
    assert served_days(of_one_account("", **head)) is None
    assert served_days(document()) is None


def test_the_first_opening_of_the_accounts_is_known_only_if_all_tell_it() -> None:
    def of(*dates: str | None) -> bytes:
        rows = [element("AccountInformation", {**INFORMATION, "dateOpened": told}) for told in dates]
        return document(*(account(row, accountId=f"U{number}") for number, row in enumerate(rows)))

    assert opened_on(of("20200115", "2019-03-01")) == date(2019, 3, 1)
    assert opened_on(of("20200115", "")) is None
    assert opened_on(of(None)) is None
    assert opened_on(document()) is None


def test_csv_is_recognised() -> None:
    assert is_text_table(b'"ClientAccountID","CurrencyPrimary"\n"U1","USD"\n')
    assert not is_text_table(of_one_account(""))


# --- what changes without news --------------------------------------------------------------------------------------


def test_statements_that_differ_in_when_they_were_made_are_equal() -> None:
    one = of_one_account(everything(), whenGenerated="20260201;120000")
    two = of_one_account(everything(), whenGenerated="20260201;160000").replace(b'"20260201;160000"', b"'20260201;16'")
    other = of_one_account(everything(), toDate="20260201")
    assert masked_digest(one, MANIFEST.volatile) == masked_digest(two, MANIFEST.volatile)
    assert masked_digest(one, MANIFEST.volatile) != masked_digest(other, MANIFEST.volatile)


def test_envelopes_that_differ_in_time_and_reference_are_equal() -> None:
    def success(reference: int, head: str) -> bytes:
        return envelope(f"<Status>Success</Status><ReferenceCode>{reference}</ReferenceCode>", head)

    one, two = success(1, " timestamp='28 August, 2012 10:37 AM EDT'"), success(22, ' timestamp="x"')
    assert masked_digest(one, MANIFEST.volatile) == masked_digest(two, MANIFEST.volatile)
