"""Whole documents: what is no statement is refused with what it is and where it breaks."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokersync.brokers.ibkr_flex.document import read_document
from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.errors import BrokerChangedError, SyncError
from tests.unit.brokers.ibkr_flex.made import (
    STOCK,
    account,
    document,
    element,
    everything,
    of_one_account,
    page,
    saved,
    synced,
    trades,
)

GOOD = of_one_account(everything())
ENVELOPE = (
    b"<FlexStatementResponse timestamp='28 August, 2012 10:37 AM EDT'>"
    b"<Status>Fail</Status><ErrorCode>1012</ErrorCode><ErrorMessage>Token has expired.</ErrorMessage>"
    b"</FlexStatementResponse>"
)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE FlexQueryResponse [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    b"<FlexQueryResponse>&b;</FlexQueryResponse>"
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"not xml at all", "not XML"),
        (b'{"error": "maintenance"}', "not XML"),
        (b"<!DOCTYPE html><html><body>down</body></html>", "an HTML page"),
        (b"<html><body>down</body></html>", "an HTML page"),
        (b"<Answer><Trades/></Answer>", "the root element <Answer>"),
        (ENVELOPE, "Fail 1012: Token has expired."),
        (BOMB, "document type declaration"),
        (b"\x00\x01\x02", "not XML"),
    ],
    ids=["empty", "blank", "text", "json", "html", "plain html", "wrong root", "envelope", "entities", "binary"],
)
def test_i10_a_file_that_is_no_statement_is_named_for_what_it_is(body: bytes, problem: str) -> None:
    # when it is given as a saved file, or came where a statement should be
    with pytest.raises(BrokerChangedError) as refused:
        provider.read_saved("file.xml", body)
    with pytest.raises(BrokerChangedError) as unexpected:
        provider.normalise([page(body)], [])
    # then both say what it is, in one line
    assert problem in refused.value.detail
    assert refused.value.detail.startswith("file.xml: ")
    assert problem in unexpected.value.detail
    assert "\n" not in refused.value.detail


@pytest.mark.parametrize("cut", [-1, -20, -200, 700])
def test_i10_a_statement_that_breaks_off_is_refused_as_a_whole_with_the_place(cut: int) -> None:
    with pytest.raises(BrokerChangedError, match=r"XML: .* at line 1, column \d+, of \d+ bytes"):
        saved(GOOD[:cut])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(min_value=0, max_value=len(GOOD) - 1), st.binary(min_size=1, max_size=3))
def test_i10_damaged_bytes_end_in_an_error_of_ours_or_in_rows(place: int, junk: bytes) -> None:
    # given a statement with some bytes overwritten
    damaged = GOOD[:place] + junk + GOOD[place + len(junk) :]
    # when it is read, then whatever is wrong has a class
    try:
        said = synced(damaged)
    except SyncError:
        return
    assert len(said.executions) + len(said.unmapped) <= 3


def test_i10_entities_inside_a_statement_are_refused() -> None:
    with_doctype = b'<!DOCTYPE FlexQueryResponse [<!ENTITY a "x">]>' + GOOD
    for read in (lambda: saved(with_doctype), lambda: synced(with_doctype), lambda: read_document(with_doctype)):
        with pytest.raises(BrokerChangedError, match="document type declaration"):
            read()


def test_texts_are_read_as_xml_writes_them() -> None:
    # given characters that XML escapes, single quotes, and an encoding of its own
    row = element("Trade", {**STOCK, "symbol": "A&B<C>\"D'"}).replace('"100"', "'100'")
    body = document(account(f"<Trades>{row}</Trades>"))
    latin = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + body.replace(b"AAPL", "ÄÖ".encode("latin-1"))
    # then
    assert [trade.symbol for trade in saved(b"\xef\xbb\xbf" + body).executions] == ["A&B<C>\"D'"]
    assert len(saved(latin).executions) == 1


def test_unknown_elements_and_attributes_are_ignored() -> None:
    # given what IBKR may add tomorrow
    news = element("Futurism", {"levelOfDetail": "NEW", "quantity": "1"})
    row = {**STOCK, "aNewAttribute": "1"}
    said = saved(of_one_account(f"{news}<NewSection>{news}</NewSection>{trades(row)}"))
    assert (len(said.executions), said.unmapped) == (1, [])


@pytest.mark.parametrize("head", [{"period": None}, {"period": ""}, {"whenGenerated": None}, {"fromDate": None}])
def test_what_ibkr_leaves_out_of_a_statements_head_is_not_needed(head: dict[str, str | None]) -> None:
    said = saved(of_one_account(everything(), **head))
    assert (len(said.executions), len(said.positions), said.unmapped) == (1, 1, [])


def test_a_count_of_statements_that_is_wrong_is_not_needed() -> None:
    assert len(saved(document(account(everything()), count=3)).executions) == 1


def test_a_part_of_a_statement_can_be_read_too() -> None:
    # given sections that somebody saved without what was around them
    said = saved(f"<copied>{everything()}</copied>".encode())
    # then the rows name their account, and the figures their day
    assert [trade.broker_account_id for trade in said.executions] == ["U1234567"]
    assert [(one.as_of.raw, len(one.positions)) for one in said.positions] == [("20260131", 1)]
    # and a row that names none is not given to anybody
    orphan = element("Trade", {**STOCK, "accountId": None})
    assert [row.reason.partition(":")[0] for row in saved(f"<copied>{orphan}</copied>".encode()).unmapped] == [
        "accountId"
    ]


def test_the_statements_account_is_that_of_rows_that_name_none() -> None:
    said = saved(of_one_account(trades({**STOCK, "accountId": None})))
    assert [trade.broker_account_id for trade in said.executions] == ["U1234567"]


def test_replay_is_pure() -> None:
    assert synced(GOOD) == synced(GOOD)


def test_i1_pages_that_led_to_a_statement_say_nothing() -> None:
    # given what a run saw on its way: envelopes, and an answer that was none
    pages = [page(ENVELOPE, "send_request"), page(ENVELOPE, "get_statement"), page(b"<html/>", "unexpected")]
    # when
    said = provider.normalise(pages, ["U1234567"])
    # then
    assert (said.executions, said.missing_sections) == ([], [])
