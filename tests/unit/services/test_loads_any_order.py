"""Loads, deaths, cancels, failures, ticks in any order: coverage never claims a day that is not there (I5)."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.runs import Outcome
from tests.unit.services.histories import History, a_world, day, loaded, work_off
from tests.unit.services.world import World

DAYS = 60

STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(-DAYS - 5, -1), st.none() | st.integers(-DAYS, 0)),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("tick"), st.sampled_from([20, 40, 60, 600])),
    st.tuples(st.just("die"), st.integers(-DAYS, -1)),
    st.tuples(st.just("fail"), st.integers(-DAYS, -1)),
    st.tuples(st.just("replay")),
)


def stored_days(world: World) -> set[int]:
    return {-int(name[1:]) for name in world.trades()}


def assert_truthful(world: World) -> None:
    """Every day that is said to be complete is there, and nothing is there twice."""
    covered = world.feed.coverage.of("acc_1")
    if covered.start is not None and covered.end is not None:
        first, last = (covered.start - day(0)).days, min((covered.end - day(0)).days, 0)
        assert set(range(max(first, -DAYS), last)) <= stored_days(world)
    assert all(stored.version == 1 for stored in world.ledger.newest("acc_1", limit=999))


def play(world: World, history: History, step: tuple) -> None:
    """One step; the feed's time moves on so that leases of the dead expire and ticks are due."""
    match step:
        case ("ask", start, end):
            if end is not None and end <= start:
                return
            known = world.feed.coverage.start
            until = max(filter(None, (day(end), known))) if end is not None else None
            request = LoadRequest(kind=LoadKind.BACKFILL, job_id=world.ids.new("job"), start=day(start), end=until)
            world.feeds.request_load("acc_1", request)
        case ("replay",):
            world.feeds.request_load("acc_1", LoadRequest(kind=LoadKind.REPLAY, job_id=world.ids.new("job")))
        case ("cancel",):
            world.feeds.cancel_load("acc_1")
        case ("tick", seconds):
            world.clock.advance(minutes=15)
            world.sync(seconds=seconds)
        case ("die", at):
            history.dies_at = at
            world.clock.advance(minutes=15)
            with suppress(SystemExit):
                world.sync(seconds=600)
            history.dies_at = None
        case ("fail", at):
            history.fails_at = at
            world.clock.advance(minutes=15)
            world.sync(seconds=600)
            history.fails_at = None


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, max_size=12), first=st.sampled_from([None, -10, -30]))
def test_i5_whatever_happens_to_loads_coverage_is_true_and_the_feed_comes_to_its_end(
    steps: list[tuple], first: int | None
) -> None:
    # given a feed of which nothing is there, or the last days
    world, history = a_world(DAYS) if first is None else loaded(DAYS, first)
    # when loads are asked for, cancelled, interrupted and broken in any order
    for step in steps:
        play(world, history, step)
        # then what is said to be complete is complete, at every moment
        assert_truthful(world)
    # and when nothing disturbs it any more, it comes to its end
    world.clock.advance(minutes=20)
    work_off(world, seconds=600)
    world.next_tick()
    work_off(world, seconds=600)
    assert_truthful(world)
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.SUCCEEDED, "0")
    assert (world.feed.load, world.feed.load_request) == (None, None)
