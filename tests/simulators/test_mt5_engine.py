"""The engine and an MT5 bridge whose terminal loads its history late: partial until the deals explain the balance."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import httpx
import pytest

from brokersync.brokers.mt5.completeness import DOUBTED_FOR
from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome, SectionState
from local.simulators.kit import KitClock, Past, kit_of
from tests.contract.brokers.connected import Connected
from tests.contract.brokers.recording import logs


@pytest.fixture
def trader() -> Iterator[Connected]:
    """A trader who has just connected."""
    kit, clock = kit_of("mt5"), KitClock()
    with ExitStack() as stack:
        scene = stack.enter_context(kit.start(clock, Past.SHORT))
        connected = Connected(kit, scene, clock, stack.enter_context(logs()))
        stack.callback(connected.close)
        yield connected


def terminal(trader: Connected, *, unloaded: int) -> None:
    """From now on the terminal lacks so many of the oldest deals."""
    body = {"account": trader.numbers[0], "unloaded": unloaded}
    assert httpx.post(f"{trader.scene.base_url}/_sim/terminal", json=body).status_code == 200


def test_i5_late_history_is_partial_and_heals_by_itself(trader: Connected) -> None:
    # given a terminal that has not loaded all
    terminal(trader, unloaded=40)
    # when the account is synced for the first time, and again
    first = trader.sync()
    again = trader.sync()
    # then what came is stored, and the trader is told that something is missing
    for synced in (first, again):
        assert (synced.last.outcome, synced.last.error_code) == (Outcome.PARTIAL, ErrorCode.UNEXPECTED_ANSWER)
        assert synced.last.sections["history"] is SectionState.MISSING
        assert "history" in synced.last.safe_message
    assert first.total("inserted") > 0
    assert again.total("inserted") == 0
    assert trader.untrue(complete=False) == []
    # and once the terminal has loaded it, the ledger is whole
    terminal(trader, unloaded=0)
    trader.succeed()
    assert trader.untrue() == []


def test_i5_what_never_comes_holds_the_account_up_for_a_day_only(trader: Connected) -> None:
    # given a terminal that never loads the oldest deals
    terminal(trader, unloaded=5)
    assert trader.sync().last.outcome is Outcome.PARTIAL
    # when a day has passed
    trader.clock.advance(DOUBTED_FOR + timedelta(minutes=1))
    trader.succeed()
    # then the account goes on, and what does come later is still checked
    trader.happen(next(iter(trader.scene.happenings)))
    trader.succeed()
    assert trader.untrue(complete=False) == []
