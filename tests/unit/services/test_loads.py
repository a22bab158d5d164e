"""Long loads of history: in chunks, over many runs, resumable after a death, visible, cancellable (I3, I4, I11)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, SyncError
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.pages import ComeBack, FetchStep, RawPage
from brokersync.domain.runs import Outcome
from brokersync.ports.brokers import FetchContext
from tests.unit.services.histories import SECONDS, a_world, day, loaded, request, work_off
from tests.unit.services.world import Checkpoint, ScriptedBroker, World, a_manifest, a_page


def test_a_first_sync_takes_as_many_runs_as_it_needs_and_shows_how_far_it_is() -> None:
    # given 100 days of history, of which an invocation loads two chunks
    world, history = a_world(100)
    # when the first run has ended
    world.sync(seconds=40)
    # then what is stored is told: chunks, trades, and the day that is reached
    load = world.feed.load
    assert load is not None
    assert (load.kind, load.chunks, load.trades, load.reached) == (LoadKind.FIRST, 2, 20, day(-80))
    assert (world.feed.cursor, world.feed.coverage.of("acc_1").start) == ("-80", day(-100))
    # when the rest has run, then each chunk was asked for once, and the load is over
    assert work_off(world, seconds=40) == 5
    assert history.asked == list(range(-100, 0, 10))
    assert (len(world.trades()), world.feed.load, world.feed.outcome) == (100, None, Outcome.SUCCEEDED)
    assert world.feed.coverage.of("acc_1").start == day(-100)


def test_i4_a_load_goes_on_at_its_chunk_after_a_worker_died_in_the_middle() -> None:
    # given a worker that dies in the sixth chunk of a first sync
    world, history = a_world(100)
    history.dies_at = -50
    with pytest.raises(SystemExit):
        world.sync(seconds=600)
    # then what it had stored is written down, though it never finished: cursor, coverage and progress
    assert (world.feed.cursor, world.feed.coverage.start, world.feed.coverage.end) == ("-50", day(-100), day(-50))
    assert (world.feed.load.chunks, world.feed.load.trades) == (5, 50)
    # when another worker takes over, then it asks for the rest alone, and nothing is missing
    history.dies_at = None
    world.clock.advance(seconds=400)
    work_off(world, seconds=600)
    assert history.asked == list(range(-100, 0, 10))
    assert (len(world.trades()), world.feed.outcome) == (100, Outcome.SUCCEEDED)


def test_a_backfill_loads_what_is_missing_and_then_goes_on_from_where_the_feed_was() -> None:
    # given an account whose last 30 days are there
    world, history = loaded(200, -30)
    cursor = world.feed.cursor
    # when 90 days are asked for, up to what is there
    request(world, -90, -30)
    world.clock.advance(minutes=15)
    runs = work_off(world, seconds=40)
    # then only the missing chunks were asked for, over several runs; the cursor is back, and the coverage has grown
    assert history.asked == [-90, -80, -70, -60, -50, -40]
    assert runs > 2
    assert (world.feed.cursor, world.feed.load, world.feed.load_request) == (cursor, None, None)
    assert (world.feed.coverage.start, len(world.trades())) == (day(-90), 90)
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i5_a_backfill_that_has_not_reached_what_is_there_covers_nothing_yet() -> None:
    world, _ = loaded(200, -30)
    request(world, -90, -30)
    world.clock.advance(minutes=15)
    # when only the first two of its chunks are loaded, then what lies between is not claimed
    world.sync(seconds=40)
    assert world.feed.load.chunks == 2
    assert world.feed.coverage.start == day(-30)
    # and the load says how far it is
    assert (world.feed.load.covered_from, world.feed.load.reached) == (day(-90), day(-70))


def test_a_backfill_without_an_end_loads_until_now_and_is_itself_the_sync() -> None:
    world, history = loaded(60, -30)
    request(world, -50)
    world.clock.advance(minutes=15)
    work_off(world, seconds=600)
    assert (history.asked, world.feed.cursor) == ([-50, -40, -30, -20, -10], "0")
    assert (world.feed.load, world.feed.load_request, world.feed.coverage.start) == (None, None, day(-50))
    assert len(world.trades()) == 50


def test_i2_loading_what_is_there_already_stores_nothing_twice() -> None:
    world, _ = loaded(60, -30)
    request(world, -30)
    world.clock.advance(minutes=15)
    work_off(world, seconds=600)
    assert len(world.trades()) == 30
    assert all(stored.version == 1 for stored in world.ledger.newest("acc_1", limit=99))


def test_a_cancelled_backfill_stops_at_its_next_chunk_and_keeps_what_it_brought() -> None:
    world, history = loaded(200, -30)
    cursor = world.feed.cursor
    request(world, -90, -30)
    world.clock.advance(minutes=15)
    # given a trader who takes it back while the third chunk is loaded
    history.before_chunk[-70] = lambda: world.feeds.cancel_load("acc_1")
    report = world.sync(seconds=600)
    # then that chunk is stored, no other is asked for, and the feed is where it was
    assert report is not None
    assert history.asked == [-90, -80, -70]
    assert "cancelled" in report.run.safe_message
    assert (world.feed.cursor, world.feed.load, world.feed.coverage.start) == (cursor, None, day(-30))
    assert len(world.trades()) == 60
    # and the next run is an ordinary sync
    work_off(world)
    assert (world.feed.outcome, history.asked[-1]) == (Outcome.SUCCEEDED, -70)


def test_a_backfill_that_is_cancelled_between_two_runs_is_not_gone_on_with() -> None:
    world, history = loaded(200, -30)
    cursor = world.feed.cursor
    request(world, -90, -30)
    world.clock.advance(minutes=15)
    world.sync(seconds=40)
    world.feeds.cancel_load("acc_1")
    work_off(world)
    assert (history.asked, world.feed.cursor, world.feed.load) == ([-90, -80], cursor, None)
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i7_a_backfill_that_keeps_failing_is_given_up_and_the_sync_goes_on() -> None:
    # given a broker that can't answer for the days before the last 50
    world, history = loaded(200, -30)
    cursor = world.feed.cursor
    request(world, -90, -30)
    history.fails_at = -70
    world.clock.advance(minutes=15)
    # when all tries are used up
    work_off(world, seconds=600)
    # then the feed is back where it was, what came is kept, and the load is not asked for any more
    assert (world.feed.cursor, world.feed.load, world.feed.load_request) == (cursor, None, None)
    assert (world.feed.outcome, len(world.trades())) == (Outcome.FAILED, 50)
    # and the next scheduled sync succeeds
    history.fails_at = None
    world.next_tick()
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_a_state_of_the_sync_is_not_handed_to_the_load() -> None:
    # given a broker that was preparing an answer when older history was asked for
    states: list[object] = []

    def script(context: FetchContext) -> Iterator[FetchStep]:
        states.append((context.cursor, dict(context.state)))
        if context.cursor == "9" and not context.state:
            yield ComeBack(at=world.clock.now(), state={"reference": "77"}, safe_message="Preparing.")
            return
        yield a_page(at=world.clock.now(), n=len(states))
        yield Checkpoint(cursor="9", last=True)

    world = World(ScriptedBroker(a_manifest(), script))
    world.sync()
    world.next_tick()
    world.feeds.request_load("acc_1", LoadRequest(kind=LoadKind.BACKFILL, job_id="job_load"))
    world.sync()
    # then the load begins at the beginning, without the reference of the other conversation
    assert states == [("", {}), ("9", {}), ("", {})]


@pytest.mark.parametrize("error", [RetryLaterError(ErrorCode.TIMEOUT, "Slow."), BrokerChangedError("What is this?")])
def test_a_state_of_the_sync_is_forgotten_by_a_load_whose_first_run_fails(error: SyncError) -> None:
    # given a broker that was preparing an answer, and a load whose first run fails
    states: list[object] = []

    def script(context: FetchContext) -> Iterator[FetchStep]:
        states.append((context.cursor, dict(context.state)))
        if len(states) == 2:
            yield ComeBack(at=world.clock.now(), state={"reference": "77"}, safe_message="Preparing.")
            return
        if len(states) == 3:
            raise error
        yield a_page(at=world.clock.now(), n=len(states))
        yield Checkpoint(cursor="9", last=True)

    world = World(ScriptedBroker(a_manifest(), script))
    world.sync()
    world.next_tick()
    world.feeds.request_load("acc_1", LoadRequest(kind=LoadKind.BACKFILL, job_id="job_load"))
    world.sync()
    # when it is tried again, then the reference is still not handed to it
    work_off(world)
    assert states[2:4] == [("", {}), ("", {})]


def test_i3_a_load_that_is_held_back_is_not_asked_for_over_and_over() -> None:
    # given a history of five chunks of ten seconds, the second of which lacks a section each time
    def script(context: FetchContext) -> Iterator[FetchStep]:
        for number in range(int(context.cursor or 0) + 1, 6):
            world.clock.advance(seconds=SECONDS)
            missing = {"missing": ["positions"]} if number == 2 else {}
            yield a_page({"id": str(number)}, at=world.clock.now(), n=number, **missing)
            yield Checkpoint(cursor=str(number), last=number == 5)

    world = World(ScriptedBroker(a_manifest(), script))
    # when an invocation ends before the history does
    world.sync(seconds=40)
    # then the next tick goes on, at the chunk that was not whole
    assert (world.feed.wanted, world.feed.cursor, world.feed.outcome) == (None, "1", Outcome.PARTIAL)


def test_a_backfill_that_is_held_back_gives_the_cursor_back() -> None:
    world, history = loaded(60, -30)
    cursor = world.feed.cursor

    def lacking(context: FetchContext) -> Iterator[FetchStep]:
        for step in history.script(context):
            if isinstance(step, RawPage):
                yield replace(step, body=step.body.replace(b"{", b'{"missing": ["x"], ', 1))
            else:
                yield step

    world.broker.script = lacking
    request(world, -50)
    world.clock.advance(minutes=15)
    work_off(world, seconds=600)
    assert (world.feed.cursor, world.feed.load, world.feed.load_request) == (cursor, None, None)
    assert (world.feed.outcome, len(world.trades())) == (Outcome.PARTIAL, 50)
