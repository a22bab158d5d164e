"""What makes things happen is the same at every simulator: the demo lets all of its traders trade at once."""

from collections.abc import Iterator, Sequence

import httpx
import pytest

from local.demo.brokers import demo_brokers
from local.demo.cast import DemoBroker

TELL_OF_TODAY = {"alpaca", "mt5", "oanda", "tradovate"}
"""Who shows a trade at once; IBKR and SnapTrade tell it after the day has ended."""


@pytest.fixture(scope="module")
def brokers() -> Iterator[Sequence[DemoBroker]]:
    with demo_brokers() as running:
        yield running


def test_a_trade_that_names_no_account_is_every_accounts(brokers: Sequence[DemoBroker]) -> None:
    # Given the brokers of the demo that tell of today
    chosen = [broker for broker in brokers if broker.key.partition(":")[0] in TELL_OF_TODAY]
    assert len(chosen) == len(TELL_OF_TODAY)
    for broker in chosen:
        before = {number: len(account.executions) for number, account in broker.truth().items()}
        # When everybody trades
        httpx.post(f"{broker.server.base_url}/_sim/trade").raise_for_status()
        # Then every account has another execution
        after = {number: len(account.executions) for number, account in broker.truth().items()}
        assert all(after[number] > before[number] for number in before), broker.key


@pytest.mark.parametrize("body", ['{"account": "nobody"}', '{"count": 0}', '{"times": 3}', "[]", "{"])
def test_what_makes_no_sense_is_refused_in_words(brokers: Sequence[DemoBroker], body: str) -> None:
    for broker in brokers:
        if broker.key.startswith("ibkr_flex"):
            continue  # its accounts live by the calendar
        answer = httpx.post(f"{broker.server.base_url}/_sim/trade", content=body)
        assert (answer.status_code, bool(answer.text)) == (422, True), broker.key
