"""A broker with a long history, and feeds of which all of it, the last days or nothing is there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.pages import FetchStep
from brokersync.ports.brokers import FetchContext
from tests.unit.services.world import Checkpoint, ScriptedBroker, World, a_manifest, a_page

DAY = timedelta(days=1)
TODAY = datetime(2026, 3, 2, tzinfo=UTC)
SECONDS = 10  # that each chunk takes


def day(number: int) -> datetime:
    """Days count backwards from today: day(-30) is a month ago."""
    return TODAY + number * DAY


class History:
    """A broker with one trade a day since the beginning of its history; a chunk is ten days, the cursor its end.

    `fails_at`: the day of which it can't answer. `dies_at`: the worker dies when it gets there. `asked` are the days
    from which each chunk was asked for.
    """

    def __init__(self, days: int) -> None:
        self.days = days
        self.asked: list[int] = []
        self.fails_at: int | None = None
        self.dies_at: int | None = None
        self.before_chunk: dict[int, object] = {}

    def script(self, context: FetchContext) -> Iterator[FetchStep]:
        start = context.history_start
        first = -self.days if start is None else max(-self.days, (start - TODAY).days)
        at = int(context.cursor) if context.cursor else first
        while at < 0:
            if at in self.before_chunk:
                self.before_chunk.pop(at)()  # type: ignore[operator]
            if self.fails_at is not None and at >= self.fails_at:
                raise RetryLaterError(ErrorCode.TIMEOUT, "The broker was too slow.")
            if self.dies_at is not None and at >= self.dies_at:
                raise SystemExit
            self.asked.append(at)
            end = min(at + 10, 0)
            self.world.clock.advance(seconds=SECONDS)
            yield a_page(*({"id": f"t{-one}"} for one in range(at, end)), at=self.world.clock.now(), chunk=at)
            yield Checkpoint(
                cursor=str(end),
                covered_from=day(at) if not context.cursor else None,
                covered_to=day(end),
            )
            at = end
        yield a_page(at=self.world.clock.now(), section="positions", n=len(self.asked))
        yield Checkpoint(cursor="0", covered_to=self.world.clock.now(), last=True)


def a_world(days: int) -> tuple[World, History]:
    history = History(days)
    world = World(ScriptedBroker(a_manifest(), history.script))
    history.world = world
    return world, history


def work_off(world: World, *, seconds: float = 60, runs: int = 50) -> int:
    """Run what is owed until nothing is; how many runs that took."""
    done = 0
    while world.feed.wanted is not None or done == 0:
        done += 1
        assert done <= runs, "it never ends"
        wanted = world.feed.wanted
        if wanted is not None and wanted.not_before > world.clock.now():
            world.clock.advance(seconds=(wanted.not_before - world.clock.now()).total_seconds())
        world.sync(seconds=seconds)
    return done


def loaded(days: int, start: int) -> tuple[World, History]:
    """A world whose last days are there, from day `start` on."""
    world, history = a_world(days)
    world.broker.script = lambda context: history.script(replace(context, history_start=day(start)))
    work_off(world, seconds=600)
    world.broker.script = history.script
    history.asked.clear()
    return world, history


def request(world: World, start: int, end: int | None = None) -> LoadRequest:
    asked = LoadRequest(
        kind=LoadKind.BACKFILL, job_id="job_load", start=day(start), end=day(end) if end is not None else None
    )
    assert world.feeds.request_load("acc_1", asked)
    return asked
