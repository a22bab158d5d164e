"""A job that fails through our fault or a change at the broker: one message of the streak becomes a dead letter."""

from datetime import UTC, datetime

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import POISON_RECEIVES
from brokersync.domain.runs import Outcome, RequestedBy
from local.simulators.faults import Fault
from tests.chaos.arena import INTERVAL, Arena, OandaTrader
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet, Report

pytestmark = pytest.mark.stack

REDELIVERY_MINUTES = 6.1  # the queue's visibility timeout, and a little


def first_sync(arena: Arena, trader: OandaTrader) -> SyncJob:
    """The message that connecting sent."""
    wanted = arena.feed(trader).wanted
    assert wanted is not None
    return SyncJob(
        job_id=wanted.job_id, feed_id=trader.feed_id, requested_by=RequestedBy.CONNECT, requested_at=datetime.now(UTC)
    )


def scheduled(arena: Arena, trader: OandaTrader) -> SyncJob:
    """The message of a tick."""
    arena.pass_minutes(INTERVAL)
    return arena.due_job(trader)


def asked_for(arena: Arena, trader: OandaTrader) -> SyncJob:
    """The message of a trader's request, with auto-sync off: nothing else will ever wake the feed."""
    job_id = arena.ask(trader).job_id
    arena.lose_messages()
    return SyncJob(
        job_id=job_id, feed_id=trader.feed_id, requested_by=RequestedBy.MANUAL, requested_at=arena.clock.now()
    )


@pytest.mark.parametrize("message", [first_sync, scheduled, asked_for])
def test_i10_one_message_of_a_failure_streak_becomes_a_dead_letter_and_redriving_it_mends_the_feed(
    arena: Arena, eight_workers: Fleet, tell: Tell, message
) -> None:
    # given an account whose broker has changed its answers for good
    (trader,) = arena.connect(1)
    if message is not first_sync:
        eight_workers.workers[0].deliver([Delivery(arena.due_job(trader))], arena.clock.ahead)
        arena.world.trade(trader.spec.account)
    if message is asked_for:
        arena.switch_auto_sync_off(trader)
    arena.control.faults.add(Fault(path="/summary", token=trader.spec.token, body='{"accuont": {}}', times=None))
    job = message(arena, trader)

    def deliver(one: SyncJob, received: int) -> Report:
        return eight_workers.workers[0].deliver([Delivery(one, received)], arena.clock.ahead)

    # when its message is delivered as often as the queue does, while the schedule goes on
    came_back, ticks_back = 0, []
    for received in range(1, POISON_RECEIVES + 1):
        came_back += bool(deliver(job, received).failed)
        ticks_back += [bool(deliver(tick, 1).failed) for tick in arena.tick_after(INTERVAL, [trader])]
        arena.pass_minutes(REDELIVERY_MINUTES - INTERVAL)
    # then it comes back each time, so it is a dead letter now; those of the ticks between are consumed
    assert came_back == POISON_RECEIVES
    assert ticks_back
    assert not any(ticks_back)
    feed = arena.feed(trader)
    assert (feed.outcome, feed.error_code) == (Outcome.FAILED, ErrorCode.UNEXPECTED_ANSWER)
    # when the broker answers as before, and the dead letter is redriven
    arena.control.faults.clear()
    # then the feed is synced by it
    assert deliver(job, 1).outcomes == ["succeeded"]
    assert not list(arena.problems(trader))
    # and redriving it once more does nothing
    assert deliver(job, 1).outcomes == []
    tell(f"poison ({message.__name__}): dead after {came_back} receives, {len(ticks_back)} ticks consumed, mended")
