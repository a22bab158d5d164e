"""Permits, snapshots and secrets: what holds for every request of every broker."""

from collections.abc import Mapping

from brokersync.domain.runs import Outcome
from brokersync.domain.trades import content_hash
from local.simulators.faults import Fault
from local.simulators.kit import Happening, Login, Past
from tests.contract.brokers.conftest import Connect
from tests.contract.brokers.connected import Connected


def test_i6_every_attempt_takes_a_permit(kit, connect: Connect) -> None:
    # given a broker that fails now and then
    trader = connect(Past.SHORT)
    trader.scene.control.faults.add(Fault(status=503, body="", nth=2, times=2))
    # when it is synced, retries included, and synced again after news
    synced = trader.succeed()
    trader.happen(Happening.TRADE)
    trader.succeed()
    # then there were as many permits as requests, and the run counted them
    assert synced.total("retries") == 2
    assert synced.total("requests") == synced.requests
    assert trader.permits.granted == len(trader.scene.control.requests)
    # and the broker never had to ask for less
    assert 429 not in {logged.status for logged in trader.scene.control.requests}


def test_i1_snapshots_replay_to_the_same_entries(kit, connect: Connect) -> None:
    # given a feed that was synced several times, with news between
    trader = connect(Past.SHORT)
    trader.succeed()
    for happening in (Happening.TRADE, Happening.EQUAL_FILLS, Happening.CORRECTION, Happening.CANCEL):
        if happening in trader.scene.happenings:
            trader.happen(happening)
            trader.succeed()
    # when every kept answer is read again from its envelope, run by run
    replayed = _replay(trader)
    # then they say what is stored, to the digit
    stored = {
        source_id: content_hash(one.entry) for entries in trader.stored().values() for source_id, one in entries.items()
    }
    assert replayed == stored


def test_i7_no_secret_comes_out(kit, connect: Connect) -> None:
    # given syncs that succeed, fail in every way, and crash
    trader = connect(Past.SHORT)
    faults = (
        Fault(status=401, body="{}", times=None),
        Fault(status=500, body="", times=None),
        Fault(status=418, body="", times=None),
        Fault(reset=True, times=None),
        Fault(status=200, body="<html>", times=None),
    )
    trader.succeed()
    for fault in faults:
        trader.scene.control.faults.add(fault)
        trader.sync(past_faults=False)
        trader.scene.control.faults.clear()
        trader.reconnect(trader.credentials)
    trader.succeed()
    refused = connect(Past.SHORT, login=Login.REJECTED)
    refused.sync()
    # when everything that was logged, stored and told is searched
    # then no secret of the trader is in it, nor one that the broker issued
    assert trader.logs.texts
    for one in (trader, refused):
        one.check_secrets()
    # and the broker's numbers are masked wherever a log tells them
    for number in trader.scene.accounts:
        assert [text for text in trader.logs.texts if number in text and "brokersync" in text.split()[0]] == []


def _replay(trader: Connected) -> Mapping[str, str]:
    """Content hashes by id, as all kept answers tell them; a later run's word stands."""
    said: dict[str, str] = {}
    runs = [run for run in trader.runs.newest(trader.feed_id, limit=1_000) if run.outcome is not Outcome.FAILED]
    for run in reversed(runs):
        normalised = trader.provider.normalise(trader.pages(run), tuple(trader.feed.accounts))
        for entry in (*normalised.executions, *normalised.cash_events):
            said[entry.source_id] = content_hash(entry)
    return said
