"""Histories that are loaded once more: a backfill from the broker, a replay from what is stored. Nothing is doubled."""

from datetime import timedelta

from brokersync.domain.loads import LoadKind, LoadRequest
from local.simulators.kit import Happening, Past
from tests.contract.brokers.conftest import Connect
from tests.contract.brokers.connected import Connected

LONG_AGO = timedelta(days=30 * 365)


def ask(trader: Connected, kind: LoadKind, **range_: object) -> LoadRequest:
    """Somebody asks for a load."""
    request = LoadRequest(kind=kind, job_id=trader.ids.new("job"), **range_)
    assert trader.feeds.request_load(trader.feed_id, request)
    return request


def test_i2_a_backfill_over_what_is_there_stores_nothing_twice(kit, connect: Connect) -> None:
    # given a trader whose whole history is there, and whose account then moved on
    trader = connect(Past.SHORT)
    trader.succeed()
    trader.happen(Happening.TRADE)
    trader.succeed()
    stored = trader.stored()
    # when all of it is asked for again
    ask(trader, LoadKind.BACKFILL, start=trader.clock.now() - LONG_AGO)
    again = trader.succeed()
    # then it is read again, every entry is there once and as it was, and the load is over
    assert again.requests > 0
    assert trader.stored() == stored
    assert trader.untrue() == []
    assert (trader.feed.load, trader.feed.load_request) == (None, None)
    # and the sync after it goes on as ever
    trader.happen(Happening.TRADE)
    trader.succeed()
    assert trader.untrue() == []


def test_a_backfill_that_ends_where_the_history_was_gives_the_cursor_back(kit, connect: Connect) -> None:
    # given a trader whose history is there
    trader = connect(Past.SHORT)
    trader.succeed()
    trader.succeed()
    stored = trader.stored()
    # when a load is asked for, and taken back before any run has begun it
    ask(trader, LoadKind.BACKFILL, start=trader.clock.now() - LONG_AGO)
    trader.feeds.cancel_load(trader.feed_id)
    trader.succeed()
    # then nothing came of it
    assert trader.stored() == stored
    assert trader.untrue() == []
    assert trader.feed.load is None


def test_i1_a_replay_of_all_that_is_kept_changes_nothing_and_asks_nobody(kit, connect: Connect) -> None:
    # given a trader whose account was synced several times, with corrections and cancels where the broker has them
    trader = connect(Past.SHORT)
    trader.succeed()
    for happening in (Happening.TRADE, Happening.EQUAL_FILLS, Happening.CORRECTION, Happening.CANCEL):
        if happening in trader.scene.happenings:
            trader.happen(happening)
            trader.succeed()
    stored, asked = trader.stored(), len(trader.scene.control.requests)
    # when the present code reads all that is kept
    ask(trader, LoadKind.REPLAY)
    trader.want()
    replayed = trader.run_once()
    # then the broker was not asked, and every entry is as it was, in the same version
    assert len(trader.scene.control.requests) == asked
    assert (replayed.run.stats.inserted, replayed.run.stats.corrections) == (0, 0)
    assert trader.stored() == stored
    # and the sync that follows is an ordinary one
    trader.succeed()
    assert trader.untrue() == []
