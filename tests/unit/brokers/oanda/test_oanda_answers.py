"""Which answer a body is, whose, and what happens when it is neither OANDA's nor this account's."""

import json

import pytest

from brokersync.brokers.oanda.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from tests.unit.brokers.oanda.rows import ACCOUNT, FIXTURES, fill, fixture, leg, page, saved

OTHER = "101-004-9999999-001"


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("summary.json", "account"),
        ("account.json", "account"),
        ("open_trades.json", "trades"),
        ("open_positions.json", "positions"),
        ("transactions.json", "transactions"),
        ("transaction_pages.json", "transactionPages"),
        ("changes.json", "changes"),
        ("stream.jsonl", "transactionStream"),
    ],
)
def test_a_saved_answer_is_told_by_its_content(name: str, section: str) -> None:
    # when
    found = saved(name)
    # then its bytes are kept as they are
    assert found.section == section
    assert found.body == (FIXTURES / name).read_bytes()
    provider.normalise([found], [])


def test_a_stream_has_its_fills_and_heartbeats_are_skipped() -> None:
    said = provider.normalise([saved("stream.jsonl")], [])
    assert [one.source_trade_id for one in said.executions] == ["23:23:open"]
    assert not said.unmapped


def test_one_line_of_a_stream_is_a_stream() -> None:
    line = (FIXTURES / "stream.jsonl").read_bytes().splitlines()[2]
    assert len(provider.normalise([provider.read_saved("line", line)], []).executions) == 1


def test_an_answer_wrapped_with_its_request_is_unwrapped() -> None:
    # given a saved answer beside its request
    answer = json.loads((FIXTURES / "transactions.json").read_text())
    wrapped = {
        "_url": f"v3/accounts/{ACCOUNT}/transactions/idrange",
        "_request": {"params": {"from": 10, "to": 21}},
        "response": answer,
    }
    # when
    found = provider.read_saved("wrapped.json", json.dumps(wrapped).encode())
    # then the request is known and nothing of the answer is lost
    assert (found.path, found.params) == (f"v3/accounts/{ACCOUNT}/transactions/idrange", {"from": "10", "to": "21"})
    bare = provider.normalise([fixture("transactions.json", "transactions")], [])
    assert [one.source_trade_id for one in provider.normalise([found], []).executions] == [
        one.source_trade_id for one in bare.executions
    ]


def test_answers_to_orders_have_their_fills() -> None:
    # given an answer to a market order, with what it created, filled and closed
    answer = {
        "orderCreateTransaction": {"type": "MARKET_ORDER", "id": "49", "time": "2024-05-10T08:00:00Z"},
        "longOrderFillTransaction": fill(tradeOpened=leg("50", "100", price="1.1")),
        "relatedTransactionIDs": ["49", "50"],
        "lastTransactionID": "50",
    }
    # when
    said = provider.normalise([provider.read_saved("order.json", json.dumps(answer).encode())], [])
    # then
    assert [one.source_trade_id for one in said.executions] == ["50:50:open"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "file.json is empty"),
        (b"<FlexQueryResponse/>", "file.json is HTML or XML, not JSON"),
        (b'{"transactions": [', "file.json is cut off"),
        (b'"text"', "file.json is a text, not an object"),
        (b"[1, 2]", "file.json is a list, but not of a stream's transactions"),
        (b'{"candles": []}', "file.json is not an OANDA v20 answer about an account; its keys: candles"),
        (b"{}", "its keys: none"),
        (b'{"transactions": {}}', "file.json: transactions is an object, not a list"),
        (b'{"account": []}', "file.json: account is a list, not an object"),
        (b'{"type": "ORDER_FILL"}\n{"type": ', "file.json, line 2 is cut off"),
        (b'{"type": "HEARTBEAT"}\n{"a": NaN}', "file.json, line 2 has NaN"),
    ],
)
def test_i10_a_file_that_is_no_answer_of_oanda_gets_one_clear_message(body: bytes, problem: str) -> None:
    with pytest.raises(BrokerChangedError) as raised:
        provider.normalise([provider.read_saved("file.json", body)], [])
    assert problem in raised.value.safe_message


def test_a_saved_refusal_is_told_as_what_it_is() -> None:
    with pytest.raises(BrokerChangedError, match="error answer of OANDA: Insufficient authorization"):
        saved("error.json")


@pytest.mark.parametrize(
    ("name", "section"),
    [("summary.json", "summary"), ("transactions.json", "transactions"), ("account.json", "account")],
)
def test_another_accounts_data_is_refused(name: str, section: str) -> None:
    # given a page whose content belongs to another account than its address
    body = (FIXTURES / name).read_bytes().replace(ACCOUNT.encode(), OTHER.encode())
    # when
    with pytest.raises(UserActionNeededError) as raised:
        provider.normalise([page(body, section)], [ACCOUNT])
    # then, without the whole number in the message
    assert raised.value.code is ErrorCode.WRONG_ACCOUNT
    assert OTHER not in str(raised.value)


def test_pages_of_another_account_are_refused_though_they_name_nobody() -> None:
    trades = page((FIXTURES / "open_trades.json").read_bytes(), "openTrades", account=OTHER)
    with pytest.raises(UserActionNeededError):
        provider.normalise([trades], [ACCOUNT])


def test_without_accounts_every_account_comes_out() -> None:
    # given transactions of two accounts in saved files
    other = (FIXTURES / "transactions.json").read_bytes().replace(ACCOUNT.encode(), OTHER.encode())
    # when
    said = provider.normalise([saved("transactions.json"), provider.read_saved("other", other)], [])
    # then none of them is merged with the other's, though their ids are the same
    assert {one.broker_account_id for one in said.executions} == {ACCOUNT, OTHER}
    assert len(said.executions) == 10


@pytest.mark.parametrize(
    ("name", "section"),
    [("summary.json", "openTrades"), ("open_trades.json", "transactions"), ("changes.json", "summary")],
)
def test_an_answer_to_another_question_is_refused(name: str, section: str) -> None:
    with pytest.raises(BrokerChangedError, match=f"where {section} was asked for"):
        provider.normalise([fixture(name, section)], [ACCOUNT])


def test_a_page_means_the_same_however_it_is_divided() -> None:
    # given all transactions in one page, and in a page each
    whole = json.loads((FIXTURES / "transactions.json").read_text())
    apart = [page({**whole, "transactions": [one]}) for one in whole["transactions"]]
    # when
    together = provider.normalise([page(whole)], [ACCOUNT])
    divided = [provider.normalise([one], [ACCOUNT]) for one in apart]
    # then
    assert [one for said in divided for one in said.executions] == together.executions
    assert [one for said in divided for one in said.cash_events] == together.cash_events


def test_a_huge_page_is_read_row_by_row() -> None:
    # given ten thousand fills in one answer
    rows = [fill(id=str(number), tradeOpened=leg(str(number), "100", price="1.1")) for number in range(1, 10_001)]
    # when / then
    said = provider.normalise([page({"transactions": rows, "lastTransactionID": "10000"})], [ACCOUNT])
    assert len({one.source_trade_id for one in said.executions}) == 10_000
