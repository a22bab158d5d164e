"""The specification's example answers, where they are at hand: each is read without loss, or refused by name."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from brokersync.brokers.snaptrade.provider import provider
from brokersync.domain.errors import BrokerChangedError
from tests.extras import samples

REFUSED = (
    "an order",
    "orders",
    "the holdings of the retired endpoint",
    "the account's worth day by day",
    "an error answer",
    "Field required",  # a part of an account
)


@pytest.fixture
def files() -> Sequence[Path]:
    return sorted(samples("snaptrade").glob("*.json"))


def test_every_example_is_read_without_loss_or_refused_by_name(files: Sequence[Path]) -> None:
    read, refused = 0, {}
    for file in files:
        # given an example
        body = file.read_bytes()
        value = json.loads(body, parse_float=Decimal)
        # when it is read
        try:
            said = provider.normalise([provider.read_saved(file.name, body)], [])
        except BrokerChangedError as error:
            refused[file.name] = error.safe_message
            continue
        # then everything in it comes out, and nothing is left over
        read += 1
        assert (said.unmapped, said.missing_sections) == ([], []), file.name
        top = value if isinstance(value, dict) else {}
        ids = [row["id"] for row in top.get("data", [])]
        assert [one.source_id for one in (*said.executions, *said.cash_events)] == ids, file.name
        held = [row["instrument"]["symbol"] for row in top.get("results", [])]
        assert [one.symbol for section in said.positions for one in section.positions] == held, file.name
        rows = value if isinstance(value, list) else [value]
        assert len(said.accounts) == sum("sync_status" in row for row in rows), file.name
        assert len(said.balances) == sum("cash" in row for row in rows), file.name
    # or the message says what else it is
    assert [text for text in refused.values() if not any(name in text for name in REFUSED)] == []
    assert read + len(refused) == len(files)
    assert read > len(files) / 6  # half of the examples are errors, a quarter are orders


def test_the_examples_of_activities_balances_and_positions_are_exact(files: Sequence[Path]) -> None:
    for file in files:
        if file.name == "AccountInformation_getAccountActivities_200.json":
            (found,) = provider.normalise([provider.read_saved(file.name, file.read_bytes())], []).executions
            assert (found.quantity, found.price, found.symbol) == (
                Decimal("5.2"),
                Decimal("0.4"),
                "AAPL261218C00240000",
            )
        if file.name == "AccountInformation_getUserAccountBalance_200.json":
            (balance,) = provider.normalise([provider.read_saved(file.name, file.read_bytes())], []).balances
            assert (balance.balance, balance.currency) == (Decimal("300.71"), "USD")
        if file.name == "AccountInformation_getAllAccountPositions_200.json":
            (section,) = provider.normalise([provider.read_saved(file.name, file.read_bytes())], []).positions
            assert [(one.volume, one.open_price) for one in section.positions] == [(Decimal("10.5"), Decimal("118.2"))]
