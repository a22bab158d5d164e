"""A worker that stands still with an old statement in its hands, and wakes when newer ones were read (I3, I4, I9)."""

import time
from collections.abc import Mapping

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import LEASE_SECONDS
from local.simulators.kit import Happening
from tests.chaos.arena import Arena, Trader
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet
from tests.chaos.scenes import Staged, connect, problems

pytestmark = pytest.mark.stack

MOST_CALLS = 60  # more than any run here makes


def test_i3_i4_i9_a_worker_that_wakes_with_an_old_statement_brings_nothing_of_it_back(
    arena: Arena, eight_workers: Fleet, scenes: Mapping[str, Staged], tell: Tell
) -> None:
    begun = time.monotonic()
    # given a login that is up to date, on a day whose statement has one correction after the other
    staged = scenes["ibkr_flex"]
    trader = connect(arena, staged)
    catch_up(arena, eight_workers, trader)
    points: list[str] = []
    with staged.clock.day_goes_on():
        # when a worker is frozen before one call after the other of the run that reads a statement
        while point := play(arena, eight_workers, staged, trader, len(points)):
            points.append(point)
            # then figures, trades and their versions are the broker's
            assert not list(problems(arena, staged, trader)), f"frozen before call {len(points) - 1} ({point})"
            assert len(points) < MOST_CALLS
    assert {"broker GetStatement", "PUT object", "TransactWriteItems", "PutItem"} <= set(points)
    lost = [run for run in arena.runs(trader) if run.error_code is ErrorCode.WORKER_LOST]
    assert len(lost) >= len(points) // 2
    tell(
        f"frozen with a statement in hand: before each of {len(points)} calls, {len(lost)} runs told as lost,"
        f" nothing old came back ({time.monotonic() - begun:.1f} s)"
    )


def play(arena: Arena, fleet: Fleet, staged: Staged, trader: Trader, call: int) -> str:
    """One scene; returns the call before which the worker stood still, nothing when it made fewer calls."""
    slow, quick = fleet.workers[:2]
    staged.happen(Happening.CANCEL)
    job = arena.due_job(trader)
    for _ in range(2):  # it is asked for, and not ready at the first poll
        assert quick.deliver([Delivery(job)], arena.clock.ahead).outcomes == ["deferred"]
        job = arena.owed_job(trader) or job
    before = slow.freeze(Delivery(job), call, arena.clock.ahead)
    # when the lease is over, with one more correction, another worker reads the statement
    arena.pass_minutes((LEASE_SECONDS + 5) / 60)
    staged.happen(Happening.CANCEL)
    overtaking = quick.deliver([Delivery(job, received=2)], arena.clock.ahead)
    if not overtaking.outcomes:  # the job was done before the worker was frozen
        catch_up(arena, fleet, trader)
    if not before:
        return ""
    held, runs = arena.items(trader), arena.runs(trader)
    slow.thaw(arena.clock.ahead)
    now = arena.items(trader)
    changed = {table for table, items in now.items() if items != held[table]}
    # one that had not asked yet asks now: figures as new as those stored are welcome, whoever brings them
    assert changed <= {"portfolios"}, f"frozen before call {call} ({before}): {changed} changed when it woke"
    assert arena.runs(trader) == runs
    return before


def catch_up(arena: Arena, fleet: Fleet, trader: Trader) -> None:
    """Run what is owed, then a scheduled sync, until nothing is owed any more."""
    worker = fleet.workers[2]
    scheduled = False
    while (job := arena.owed_job(trader)) is not None or not scheduled:
        if job is None:
            arena.pass_minutes(1)
            job, scheduled = arena.due_job(trader), True
        worker.deliver([Delivery(job)], arena.clock.ahead)
