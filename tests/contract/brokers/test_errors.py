"""Every error that a broker's documentation names, and every one that any server can make."""

from datetime import timedelta

from brokersync.domain.errors import NEXT_STEPS, ErrorCode
from brokersync.domain.runs import Outcome
from local.simulators.faults import Fault
from local.simulators.kit import ErrorCase, Happening, Intent, Past
from tests.contract.brokers.conftest import Connect
from tests.contract.brokers.connected import Connected, Synced


def test_i10_an_error_is_told_for_what_it_is_and_healed_when_it_ends(kit, case: ErrorCase, connect: Connect) -> None:
    # given a broker that answers with this error
    trader = connect(Past.SHORT)
    if case.later:
        trader.succeed()
        trader.happen(Happening.TRADE)
    trader.scene.control.faults.add(*case.faults)
    # when the feed is synced
    synced = _until_hit(trader) if case.intent is Intent.WAITS else trader.sync(past_faults=False)
    # then the trader is told what it is, what follows is right, and nothing that is stored is wrong
    assert any(logged.faulty for logged in trader.scene.control.requests), "the fault hit no request"
    assert synced.last.error_code == case.code, f"{synced.last.error_code}: {synced.last.safe_message}"
    _FOLLOWS[case.intent](trader, synced)
    assert trader.untrue(complete=False) == []
    if case.code is not None:
        assert trader.feed.safe_message
        assert NEXT_STEPS[case.code]
    # and once the broker is well again, a sync brings everything
    trader.scene.control.faults.clear()
    trader.clock.advance(timedelta(hours=1))
    trader.reconnect(trader.credentials)
    trader.succeed()
    assert trader.untrue() == []


def test_i10_a_broker_that_never_answers_is_a_timeout(kit, connect: Connect) -> None:
    # given a broker that takes longer than we wait
    trader = connect(Past.SHORT, timeout_seconds=0.15)
    trader.scene.control.faults.add(Fault(delay=0.5, times=None))
    # when the feed is synced
    synced = trader.sync(past_faults=False)
    # then it is tried again later
    assert synced.last.error_code is ErrorCode.TIMEOUT
    _retries(trader, synced)
    trader.scene.control.faults.clear()


def _until_hit(trader: Connected) -> Synced:
    """Runs through the one that met the fault."""
    reports = []
    while not any(logged.faulty for logged in trader.scene.control.requests):
        reports.append(trader.run_once())
    return Synced(reports=reports, requests=0, writes=())


def _heals(trader: Connected, synced: Synced) -> None:
    assert synced.last.outcome is Outcome.SUCCEEDED
    assert trader.feed.wanted is None
    assert trader.untrue() == []


def _waits(trader: Connected, synced: Synced) -> None:
    assert synced.last.outcome is Outcome.DEFERRED
    assert trader.feed.failure_count == 0
    assert trader.feed.wanted is not None
    assert trader.feed.wanted.not_before > trader.clock.now()


def _retries(trader: Connected, synced: Synced) -> None:
    assert synced.last.outcome in {Outcome.FAILED, Outcome.DEFERRED}
    assert not synced.redeliver
    assert trader.feed.runnable
    assert trader.feed.wanted is not None
    assert trader.feed.wanted.not_before > trader.clock.now()


def _asks_trader(trader: Connected, synced: Synced) -> None:
    assert synced.last.outcome is Outcome.FAILED
    assert not synced.redeliver
    assert trader.feed.wanted is None
    # A set-up is mended at the broker, out of our sight: the schedule goes on.
    mended_there = synced.last.error_code is ErrorCode.SETUP_INCOMPLETE
    assert trader.feed.runnable == mended_there
    assert (trader.feed.connection_id in trader.connections.reconnects) != mended_there


def _alarms(trader: Connected, synced: Synced) -> None:
    assert synced.last.outcome is Outcome.FAILED
    assert synced.redeliver, "the message has to come back, and at last to lie among the dead letters"
    assert trader.feed.runnable
    assert synced.snapshot_keys, "the answer that broke the contract is not kept"


_FOLLOWS = {
    Intent.HEALS: _heals,
    Intent.WAITS: _waits,
    Intent.RETRIES: _retries,
    Intent.ASKS_TRADER: _asks_trader,
    Intent.ALARMS: _alarms,
}
