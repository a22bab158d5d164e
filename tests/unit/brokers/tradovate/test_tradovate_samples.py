"""Payloads of Tradovate, where they are at hand: every entity comes out, and what is no data is named."""

import json
from decimal import Decimal

import pytest

from brokersync.brokers.tradovate import refusals
from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode
from tests.extras import samples
from tests.unit.brokers.tradovate.rows import RECEIVED


def test_every_sample_is_read_without_loss_or_refused_by_name() -> None:
    read, refused = [], []
    for file in sorted(samples("tradovate").glob("*.json")):
        body = file.read_bytes()
        document = json.loads(body, parse_float=Decimal)
        # when it is read
        try:
            page = provider.read_saved(file.name, body)
        except BrokerChangedError as error:
            refused.append(error.safe_message)
            assert "p-ticket" in document
            continue
        said = provider.normalise([page], ())
        # then each entity of it comes out
        read.append(file.name)
        assert (said.unmapped, said.missing_sections) == ([], [])
        accounts = {str(row["id"]): row["name"] for row in document["account_list"]}
        assert {one.broker_account_id: one.name for one in said.accounts} == accounts
        (section,) = said.positions
        (held,) = section.positions
        (row,) = document["position_list"]
        assert (held.volume, held.open_price) == (row["netPos"], row["netPrice"])
        assert held.symbol == document["contract_find"]["name"]
    assert read
    assert [text for text in refused if "a penalty ticket" not in text] == []


def test_the_refusals_of_the_samples_are_classified() -> None:
    # given what Tradovate answers with HTTP 200 in the place of data
    (file,) = samples("tradovate").glob("shapes_*.json")
    document = json.loads(file.read_text())
    told = {name: refusals.refusal_of(document[name], name) for name in ("auth_failed_http_200", "error_http_200")}
    # then the one is for the trader to mend, the other for us
    codes = {name: refusals.of_sign_in(one.text, RECEIVED).code for name, one in told.items() if one}
    assert codes == {
        "auth_failed_http_200": ErrorCode.CREDENTIALS_REJECTED,
        "error_http_200": ErrorCode.UNEXPECTED_ANSWER,
    }


def test_the_penalty_of_the_samples_cant_be_waited_out() -> None:
    (file,) = samples("tradovate").glob("penalty_*.json")
    refusal = refusals.refusal_in(file.read_bytes(), "a list")
    assert refusal is not None
    assert refusal.penalty is not None
    assert refusal.penalty.captcha
    with pytest.raises(BrokerChangedError, match="penalty ticket"):
        provider.read_saved(file.name, file.read_bytes())
