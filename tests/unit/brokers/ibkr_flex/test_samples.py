"""Real payloads, where they are at hand: every execution row is accounted for, none merged, none invented."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.errors import BrokerChangedError

SAMPLES = Path(__file__).parents[5] / "shared" / "samples" / "ibkr_flex"
FILES = sorted(SAMPLES.glob("*.xml"))
STATEMENTS = [file for file in FILES if not file.name.startswith("envelope")]
ENVELOPES = [file for file in FILES if file.name.startswith("envelope")]

pytestmark = pytest.mark.skipif(not FILES, reason="../shared/samples/ibkr_flex is not here")


def execution_rows(body: bytes) -> list[ET.Element]:
    """By another parser, and by the attribute alone; where it is not selected, by the element."""
    rows = list(ET.fromstring(body).iter())  # noqa: S314 (files of ours)
    return [
        row
        for row in rows
        if row.get("levelOfDetail", "EXECUTION" if row.tag in {"Trade", "TradeConfirm"} else "") == "EXECUTION"
    ]


@pytest.mark.parametrize("file", STATEMENTS, ids=lambda file: file.name)
def test_i2_every_execution_row_of_a_real_statement_is_accounted_for(file: Path) -> None:
    # given
    body = file.read_bytes()
    rows = execution_rows(body)
    # when
    said = provider.normalise([provider.read_saved(file.name, body)], [])
    # then each row is a trade, or said to be none
    assert len(said.executions) + len(said.unmapped) == len(rows)
    assert len({(trade.broker_account_id, trade.source_trade_id) for trade in said.executions}) == len(said.executions)
    # and the quantities are the rows' own
    told = Counter(abs(float(row.get("quantity", "0").replace(",", ""))) for row in rows if row.tag != "Lot")
    assert Counter(float(trade.quantity) for trade in said.executions) == told


@pytest.mark.parametrize("file", ENVELOPES, ids=lambda file: file.name)
def test_i10_a_real_envelope_is_named_with_its_code(file: Path) -> None:
    code = file.stem.rpartition("_")[2]
    with pytest.raises(BrokerChangedError) as refused:
        provider.read_saved(file.name, file.read_bytes())
    assert code in refused.value.detail or "reference code" in refused.value.detail


def test_i9_the_real_cancel_names_its_original() -> None:
    file = SAMPLES / "goforce64_activity_subset.xml"
    said = provider.normalise([provider.read_saved(file.name, file.read_bytes())], [])
    (cancel,) = [trade for trade in said.executions if trade.cancels_trade_ref]
    assert cancel.cancels_trade_id == "10651107881"
