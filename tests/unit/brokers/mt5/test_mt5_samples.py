"""Real answers, where they are at hand: every deal and position comes out once, and other files are refused clearly."""

import json
from pathlib import Path

import pytest

from brokersync.brokers.mt5.provider import provider
from brokersync.domain.errors import BrokerChangedError

SAMPLES = Path(__file__).parents[5] / "shared" / "samples" / "mt5"
FILES = sorted(SAMPLES.glob("*.json"))
NO_ACCOUNT_DATA = {
    "bridge_answer_shapes",  # several answers in one file: read one by one below
    "psyb0t_error",
    "psyb0t_history_order",
    "psyb0t_order",
    "psyb0t_ping",
    "psyb0t_terminal",
    "psyb0t_trade_result",
}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no samples in {SAMPLES}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_answer_is_read_without_loss_or_refused_by_name(path: Path) -> None:
    # given
    body = path.read_bytes()
    if path.stem in NO_ACCOUNT_DATA:
        # when / then
        with pytest.raises(BrokerChangedError, match=path.name):
            provider.read_saved(path.name, body)
        return
    value = json.loads(body)
    rows = value if isinstance(value, list) else [value]
    # when
    said = provider.normalise([provider.read_saved(path.name, body)], [])
    # then each row is one entry, position or account
    positions = [one for section in said.positions for one in section.positions]
    assert len(said.executions) + len(said.cash_events) + len(positions) + len(said.accounts) == len(rows)
    assert said.unmapped == []
    assert said.missing_sections == []
    tickets = {str(row["ticket"]) for row in rows if "entry" in row}
    assert {one.source_id for one in (*said.executions, *said.cash_events)} == tickets


@pytest.mark.parametrize("name", ["info", "positions_empty", "history_empty"])
def test_envelopes_met_in_the_wild_are_read(name: str) -> None:
    # given one of the answers that a file of several holds
    body = json.dumps(json.loads((SAMPLES / "bridge_answer_shapes.json").read_bytes())[name]).encode()
    # when
    said = provider.normalise([provider.read_saved(name, body)], [])
    # then
    assert said.unmapped == []
    if name == "info":
        ((account,), (balance,)) = said.accounts, said.balances
        assert (account.broker_account_id, str(balance.balance)) == ("52557820", "941.54")


@pytest.mark.parametrize("name", ["error_http_200", "error_http_503"])
def test_errors_met_in_the_wild_are_no_data(name: str) -> None:
    body = json.dumps(json.loads((SAMPLES / "bridge_answer_shapes.json").read_bytes())[name]).encode()
    with pytest.raises(BrokerChangedError, match="is an error that a bridge told"):
        provider.read_saved(name, body)
