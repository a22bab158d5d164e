"""Real answers, where they are at hand: every activity comes out once, and what is no account's data is named."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.errors import BrokerChangedError
from tests.extras import samples

NOT_ACCOUNT_DATA = ("an order", "the account's configuration", "the answer to a request that")


@pytest.fixture
def files() -> Sequence[Path]:
    return sorted(samples("alpaca").glob("*.json"))


def test_every_real_answer_is_read_without_loss_or_refused_by_name(files: Sequence[Path]) -> None:
    read, refused = 0, {}
    for file in files:
        # given a recorded answer
        body = file.read_bytes()
        value = json.loads(body, parse_float=Decimal)
        rows = value if isinstance(value, list) else [value]
        # when it is read
        try:
            said = provider.normalise([provider.read_saved(file.name, body)], [])
        except BrokerChangedError as error:
            refused[file.name] = error.safe_message
            continue
        # then every row of it comes out, under its id, and nothing else
        read += 1
        assert (said.unmapped, said.missing_sections) == ([], []), file.name
        ids = [row["id"] for row in rows if "activity_type" in row]
        entries = [*said.executions, *said.cash_events]
        assert sorted(one.source_id for one in entries) == sorted(ids), file.name
        held = [row["symbol"] for row in rows if "avg_entry_price" in row]
        assert [one.symbol for section in said.positions for one in section.positions] == held, file.name
        assert len(said.balances) == sum("account_number" in row for row in rows), file.name
    # or the message says what else it is
    assert [text for text in refused.values() if not any(name in text for name in NOT_ACCOUNT_DATA)] == []
    assert read + len(refused) == len(files)
    assert read > len(files) / 3


def test_real_fills_are_exact(files: Sequence[Path]) -> None:
    for file in files:
        rows = json.loads(file.read_text())
        fills = {
            row["id"]: row
            for row in (rows if isinstance(rows, list) else [rows])
            if isinstance(row, dict) and row.get("activity_type") == "FILL"
        }
        if not fills:
            continue
        for one in provider.normalise([provider.read_saved(file.name, file.read_bytes())], []).executions:
            row = fills.pop(one.source_trade_id)
            assert (str(one.quantity), str(one.price)) == (row["qty"], row["price"])
            assert (one.executed_at.raw, one.order_id) == (row["transaction_time"], row["order_id"])
        assert fills == {}
