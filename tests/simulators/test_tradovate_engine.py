"""The engine and Tradovate: sessions that roll, penalties, and what is told to the trader."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome
from local.simulators.faults import Fault
from local.simulators.kit import Happening, KitClock, Past, kit_of
from tests.contract.brokers.connected import Connected
from tests.contract.brokers.recording import logs

CLOSED = datetime.fromisoformat("2026-05-12T16:10:00-05:00")
NEXT = datetime.fromisoformat("2026-05-12T17:01:00-05:00")


@pytest.fixture
def trader() -> Iterator[Connected]:
    """A trader who has just connected, on a Tuesday morning."""
    kit, clock = kit_of("tradovate"), KitClock()
    with ExitStack() as stack:
        scene = stack.enter_context(kit.start(clock, Past.SHORT))
        connected = Connected(kit, scene, clock, stack.enter_context(logs()))
        stack.callback(connected.close)
        yield connected


def test_i9_what_is_stored_stays_when_its_session_is_gone(trader: Connected) -> None:
    # given a login that was synced
    trader.succeed()
    before = trader.stored()
    # when its session is over, and the next one has begun
    trader.clock.wait_until(NEXT)
    trader.succeed()
    # then the lists are empty, and the ledger is whole
    assert trader.stored() == before
    assert trader.untrue() == []
    # and what the new session brings comes to it
    trader.happen(Happening.TRADE)
    trader.succeed()
    assert trader.untrue() == []


def test_i5_lists_that_are_emptied_after_the_close_alarm_nobody(trader: Connected) -> None:
    # given a login that was synced, and lists that Tradovate empties in the hour of archiving
    trader.succeed()
    trader.clock.wait_until(CLOSED)
    trader.happen(Happening.FORGETS)
    # when it is synced
    trader.succeed()
    # then nobody has to look, and nothing was taken away
    assert trader.untrue() == []


def test_a_penalty_defers_and_the_next_run_gets_through(trader: Connected) -> None:
    # given a list that Tradovate penalises, in earnest
    door = trader.scene.base_url.removesuffix("/v1")
    penalty = {"path": "/fill/list", "seconds": 50}
    assert httpx.post(f"{door}/_sim/penalise", json=penalty).status_code == 200
    # when the login is synced
    synced = trader.sync()
    # then the first run only waits, and the next one brings everything
    assert [report.run.outcome for report in synced.reports] == [Outcome.DEFERRED, Outcome.SUCCEEDED]
    assert synced.reports[0].run.error_code is ErrorCode.WORK_IN_PROGRESS
    waited = synced.last.started_at - synced.reports[0].run.started_at
    assert timedelta(seconds=50) <= waited < timedelta(seconds=60)
    assert trader.feed.failure_count == 0
    assert trader.untrue() == []


def test_i5_trades_are_stored_though_the_figures_fail_and_the_run_says_so(trader: Connected) -> None:
    # given a snapshot that can't be had
    trader.scene.control.faults.add(Fault(path="/getcashbalancesnapshot", status=503, times=None))
    # when the login is synced
    synced = trader.sync(past_faults=False)
    # then the run has failed, every trade is there, and the sync comes back by itself
    assert (synced.last.outcome, synced.last.error_code) == (Outcome.FAILED, ErrorCode.BROKER_UNAVAILABLE)
    assert trader.untrue(complete=False) == []
    assert {number: len(entries) for number, entries in trader.stored().items()} == {
        number: len(trader.scene.truth()[number].entries) for number in trader.numbers
    }
    assert trader.feed.wanted is not None
    # and the figures follow
    trader.scene.control.faults.clear()
    trader.succeed()
    assert trader.untrue() == []


def test_i1_a_cost_that_is_told_late_keeps_its_fill_with_it(trader: Connected) -> None:
    # given a synced login, and a cost that is told after its fill
    trader.succeed()
    trader.clock.advance(timedelta(minutes=1))
    door = trader.scene.base_url.removesuffix("/v1")
    late = httpx.post(f"{door}/_sim/late_cost", json={"account": trader.numbers[0]})
    (charged,) = late.json()["ids"]
    # when it is synced
    synced = trader.succeed()
    # then the fill has another version
    assert synced.total("corrections") == 1
    assert trader.entry(charged).version == 2
    assert trader.untrue() == []
    # and what this run kept says it without the runs before, though the list of fills is the same as then
    said = trader.provider.normalise(trader.pages(synced.last), tuple(trader.feed.accounts))
    (again,) = [one for one in said.executions if one.source_trade_id == charged]
    assert again == trader.entry(charged).entry
    # and the next sync finds nothing new
    assert trader.succeed().snapshot_keys == []
