"""Answers that are broken, or no data: what each is told to be, and where the problem is."""

import json

import pytest

from brokersync.brokers.tradovate import refusals
from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from tests.unit.brokers.tradovate.rows import FIXTURES, LOOKED_UP, RECEIVED, fill, page


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "fills is empty"),
        (b"<html><body>Maintenance</body></html>", "fills is HTML or XML, not JSON"),
        (b'[{"id": 1, "orderId"', "fills is cut off"),
        (b'{"fills": []}', "fills is an object, not a list"),
        (b"null", "fills is null, not a list"),
        (b'[{"id": 1, "price": NaN}]', "which is not a number in 'price'"),
        (b'[{"id": 1, "id": 2}]', "has the key 'id' twice"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (json.dumps([{"id": 1, "netPos": 2}]).encode(), "answered positions where fills were asked for"),
    ],
)
def test_a_broken_answer_says_what_and_where(body: bytes, problem: str) -> None:
    with pytest.raises(BrokerChangedError, match=problem):
        provider.normalise([page("fills", body)], ())


@pytest.mark.parametrize("depth", [1, 500])
def test_a_deep_answer_is_told_and_nothing_breaks(depth: int) -> None:
    with pytest.raises(BrokerChangedError):
        provider.normalise([page("fills", b"[" * depth * 1000)], ())


def test_a_huge_list_is_read_whole() -> None:
    # given ten thousand fills of one order
    rows = [fill(id=number) for number in range(1, 10_001)]
    pages = [page(section, usual) for section, usual in LOOKED_UP.items()]
    # then none is lost
    said = provider.normalise([*pages, page("fills", rows)], ())
    assert len({one.source_trade_id for one in said.executions}) == 10_000


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_page_without_data_says_nothing(status: int) -> None:
    # given lists, one of which was withheld: what is told of it is told by the fetch
    pages = [page(section, usual) for section, usual in LOOKED_UP.items()]
    said = provider.normalise([*pages, page("fills", b"Access is denied", status=status)], ())
    assert said.executions == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Incorrect username or password. Please try again, noting that passwords are case-sensitive.", "REJECTED"),
        ("Invalid credentials", "REJECTED"),
        ("The app is not registered", "REJECTED"),
        ("Access is denied", "REJECTED"),
        ("Your password has expired", "EXPIRED"),
        ("User is locked", "SETUP"),
        ("Too many attempts", "LATER"),
        ("Please try again later.", "LATER"),
        ("Invalid or missed parameters", "UNKNOWN"),
        ("Internal Server Trouble", "UNKNOWN"),
    ],
)
def test_a_refused_sign_in_is_classified_by_its_words(text: str, code: str) -> None:
    # given what Tradovate may say
    error = refusals.of_sign_in(text, RECEIVED)
    # then unknown words are never taken for a revoked credential, nor for a reason to try again
    expected = {
        "REJECTED": (UserActionNeededError, ErrorCode.CREDENTIALS_REJECTED),
        "EXPIRED": (UserActionNeededError, ErrorCode.CONSENT_EXPIRED),
        "SETUP": (UserActionNeededError, ErrorCode.SETUP_INCOMPLETE),
        "LATER": (RetryLaterError, ErrorCode.RATE_LIMITED),
        "UNKNOWN": (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER),
    }
    assert (type(error), error.code) == expected[code]
    assert text in error.detail
    assert text not in error.safe_message


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"p-ticket": "t"}, "doesn't say how long"),
        ({"p-ticket": "t", "p-time": "soon"}, "doesn't say how long"),
        ({"p-ticket": "t", "p-time": -1}, "below 0"),
        ({"p-ticket": "", "p-time": 5}, "has no ticket"),
        ({"p-ticket": 7, "p-time": 5}, "has no ticket"),
    ],
)
def test_a_penalty_that_cant_be_waited_out_is_told(body: dict[str, object], problem: str) -> None:
    with pytest.raises(BrokerChangedError, match=problem):
        refusals.refusal_in(json.dumps(body).encode(), "fills")


def test_a_captcha_needs_no_ticket() -> None:
    refusal = refusals.refusal_in(b'{"p-captcha": true}', "fills")
    assert refusal is not None
    assert refusal.penalty is not None
    assert refusal.penalty.captcha


@pytest.mark.parametrize("body", [b"[]", b'{"errorText": null}', b'{"errorText": "", "netLiq": 1}', b"{", b"{}"])
def test_what_has_no_refusal_is_none(body: bytes) -> None:
    assert refusals.refusal_in(body, "snapshot") is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("refused.json", "a refusal: Invalid or missed parameters"),
        ("penalty.json", "a penalty ticket"),
    ],
)
def test_a_saved_refusal_is_named(name: str, problem: str) -> None:
    with pytest.raises(BrokerChangedError, match=problem):
        provider.read_saved(name, (FIXTURES / name).read_bytes())


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"accessToken": "secret-token"}', "the answer to a sign-in"),
        (b'{"foo": 1, "bar": []}', "its keys: bar, foo"),
        (b'[{"foo": 1}]', "a list of nothing that tells of an account"),
        (b"17", "is a number, not an object"),
    ],
)
def test_a_saved_file_of_something_else_is_told_what_it_is(body: bytes, problem: str) -> None:
    with pytest.raises(BrokerChangedError, match=problem) as refused:
        provider.read_saved("a file", body)
    assert "secret-token" not in f"{refused.value}{refused.value.detail}"


@pytest.mark.parametrize("name", ["accounts", "orders", "positions", "fills", "fill_fees", "fill_pairs", "cash_log"])
def test_a_saved_list_is_recognised_by_its_rows(name: str) -> None:
    assert provider.read_saved("a file", (FIXTURES / f"{name}.json").read_bytes()).section == name


def test_an_empty_saved_list_is_what_its_name_says() -> None:
    assert provider.read_saved("recorded_positions_01.json", b"[]").section == "positions"
    assert provider.read_saved("a file", b"[]").section == "fills"
