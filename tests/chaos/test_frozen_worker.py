"""A worker that stands still past its lease, at any of its calls, and wakes: it brings back nothing old (I3, I4)."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from brokersync.aws.connections import KEPT
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import LEASE_SECONDS
from brokersync.domain.runs import Outcome
from local.simulators.faults import Fault
from tests.chaos.arena import Arena, OandaTrader
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet

pytestmark = pytest.mark.stack

MOST_CALLS = 60  # more than any run here makes
SCENE_MINUTES = KEPT.total_seconds() / 60 + 1  # each scene reads its credentials anew: all make the same calls

# What the worker sees that will be frozen; whoever follows it sees an account in good order.
SEEN: dict[str, list[Fault]] = {
    "news": [],
    "a refused credential": [Fault(path="/summary", status=401, times=2, body='{"errorMessage": "no"}')],
    "no JSON": [Fault(path="/sinceid", status=200, body="<html>maintenance</html>")],
}


OWN_END = {
    "news": (Outcome.SUCCEEDED, None),
    "a refused credential": (Outcome.FAILED, ErrorCode.CREDENTIALS_REJECTED),
    "no JSON": (Outcome.FAILED, ErrorCode.UNEXPECTED_ANSWER),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A worker was frozen before a call of that name. `overtaken`: another one did the job; `lost`: it was told so."""

    before: str
    overtaken: bool
    lost: bool


@pytest.mark.parametrize("seen", SEEN)
def test_i3_i4_a_worker_that_wakes_after_its_lease_brings_back_nothing_old(
    arena: Arena, eight_workers: Fleet, tell: Tell, seen: str
) -> None:
    begun = time.monotonic()
    # given an account whose first sync is done
    trader = synced(arena, eight_workers)
    scenes = []
    for call in range(MOST_CALLS):
        # when a worker is frozen before one call after the other, until the next one has done its job, and wakes
        scene = play(arena, eight_workers, trader, seen, call)
        if scene is None:
            break
        scenes.append(scene)
        # then the account is as the broker has it, or waits for the trader, whose credential the broker refused
        if arena.feed(trader).runnable:
            assert not list(arena.problems(trader)), f"frozen before call {call}: {scene.before}"
        else:
            assert not scene.overtaken
            trader = synced(arena, eight_workers)
    overtaken = [scene for scene in scenes if scene.overtaken]
    assert len(scenes) < MOST_CALLS
    assert {"UpdateItem", "PutItem", "PUT object", "broker summary"} <= {scene.before for scene in overtaken}
    assert sum(scene.lost for scene in overtaken) >= 4
    tell(
        f"frozen past the lease, having seen {seen}: before each of {len(scenes)} calls, {len(overtaken)} times"
        f" overtaken, {sum(scene.lost for scene in scenes)} runs told as lost ({time.monotonic() - begun:.1f} s)"
    )


def synced(arena: Arena, fleet: Fleet) -> OandaTrader:
    """A new trader, up to date."""
    (trader,) = arena.connect(1)
    report = fleet.workers[0].deliver([Delivery(arena.due_job(trader))], arena.clock.ahead)
    assert report.outcomes == ["succeeded"]
    return trader


def play(arena: Arena, fleet: Fleet, trader: OandaTrader, seen: str, call: int) -> Scene | None:
    """One scene; None when the worker ended before it made so many calls."""
    slow, quick = fleet.workers[0], fleet.workers[1]
    arena.pass_minutes(SCENE_MINUTES)
    arena.world.trade(trader.spec.account, count=2)
    arena.control.faults.add(*(fault.model_copy(update={"token": trader.spec.token}) for fault in SEEN[seen]))
    rows = len(arena.runs(trader))
    job = arena.due_job(trader)
    before = slow.freeze(Delivery(job), call, arena.clock.ahead)
    arena.control.faults.clear()
    if not before:
        return None
    # the account goes on, and whoever comes after the lease sees more
    arena.world.trade(trader.spec.account)
    arena.pass_minutes((LEASE_SECONDS + 5) / 60)
    overtaken = bool(quick.deliver([Delivery(job, received=2)], arena.clock.ahead).outcomes)
    held, told = arena.items(trader), arena.runs(trader)[rows:]
    slow.thaw(arena.clock.ahead)
    if not overtaken:
        # it had done its job before it was frozen: what came later is the next tick's
        arena.pass_minutes(1)
        quick.deliver([Delivery(arena.due_job(trader))], arena.clock.ahead)
        return Scene(before, overtaken=False, lost=False)
    now = arena.items(trader)
    changed = {table for table, items in now.items() if items != held[table]}
    # one that had not asked the broker yet asks now: figures newer than those stored are welcome, whoever brings them
    assert changed <= {"portfolios"}, f"frozen before {before}: {changed} changed when it woke"
    assert [as_of(row) for row in now["portfolios"]] >= [as_of(row) for row in held["portfolios"]]
    assert arena.runs(trader)[rows:] == told
    *earlier, last = told
    assert last.outcome is Outcome.SUCCEEDED
    ends = [(run.outcome, run.error_code) for run in earlier]
    assert ends in ([], [(Outcome.FAILED, ErrorCode.WORKER_LOST)], [OWN_END[seen]]), f"frozen before {before}"
    return Scene(before, overtaken=True, lost=bool(ends) and ends[0][1] is ErrorCode.WORKER_LOST)


def as_of(row: dict[str, Any]) -> tuple[int, int]:
    """The times of a stored portfolio's sections."""
    return int(row["balance"]["M"]["as_of"]["M"]["ns"]["N"]), int(row["positions"]["M"]["as_of"]["M"]["ns"]["N"])
