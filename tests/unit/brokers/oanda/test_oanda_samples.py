"""Real answers, where they are at hand: every leg of every fill comes out once, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokersync.brokers.oanda.provider import provider

SAMPLES = Path(__file__).parents[5] / "shared" / "samples" / "oanda"
FILES = sorted(SAMPLES.glob("*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"no samples in {SAMPLES}")


def _everywhere(value: object, kind: str) -> Iterator[dict[str, object]]:
    """Every transaction of a type, wherever it is in the JSON."""
    if isinstance(value, dict):
        if value.get("type") == kind:
            yield value
        for item in value.values():
            yield from _everywhere(item, kind)
    elif isinstance(value, list):
        for item in value:
            yield from _everywhere(item, kind)


def _legs(fill: dict[str, object]) -> Iterator[str]:
    for name, kind in (("tradesClosed", "close"), ("tradeReduced", "reduce"), ("tradeOpened", "open")):
        found = fill.get(name, [])
        for leg in found if isinstance(found, list) else [found]:
            yield f"{fill['id']}:{leg['tradeID']}:{kind}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_leg_of_a_real_answer_comes_out_once(path: Path) -> None:
    # given a recorded answer
    body = path.read_bytes()
    expected = sorted(leg for fill in _everywhere(json.loads(body), "ORDER_FILL") for leg in _legs(fill))
    # when it is read
    said = provider.normalise([provider.read_saved(path.name, body)], [])
    # then nothing is lost, merged, invented or not understood
    assert sorted(one.source_trade_id for one in said.executions) == expected
    assert said.unmapped == []
    assert said.missing_sections == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_real_daily_financing_comes_out_to_the_last_digit(path: Path) -> None:
    # given
    body = path.read_bytes()
    financing = sum(len(day["positionFinancings"]) for day in _everywhere(json.loads(body), "DAILY_FINANCING"))  # type: ignore[arg-type]
    # when
    said = provider.normalise([provider.read_saved(path.name, body)], [])
    # then
    assert sum(event.description == "Daily financing" for event in said.cash_events) == financing


def test_all_real_answers_together_hold_every_fill_once() -> None:
    # given every file at once, some of which overlap
    bodies = [path.read_bytes() for path in FILES]
    fills = {
        (fill["accountID"], fill["id"]): fill for body in bodies for fill in _everywhere(json.loads(body), "ORDER_FILL")
    }
    expected = sorted(leg for fill in fills.values() for leg in _legs(fill))
    # when
    said = provider.normalise([provider.read_saved("saved", body) for body in bodies], [])
    # then
    assert sorted(one.source_trade_id for one in said.executions) == expected
