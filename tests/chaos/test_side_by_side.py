"""Many workers, and every message many times: each trade is stored once, each tick is run once (I2, I3, I4)."""

import random
import time

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.runs import Outcome
from tests.chaos.arena import INTERVAL, Arena
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet

pytestmark = pytest.mark.stack

FEEDS = 12
COPIES = 5


def copies(jobs: list[SyncJob], rng: random.Random) -> list[Delivery]:
    """Every job five times, in any order, the later ones as redeliveries."""
    deliveries = [Delivery(job, received) for job in jobs for received in range(1, COPIES + 1)]
    rng.shuffle(deliveries)
    return deliveries


def test_i2_i4_every_message_five_times_to_eight_workers_is_one_run_and_each_trade_once(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    rng = random.Random(1)
    begun = time.monotonic()
    # given connected accounts, of which some hold more than a transaction's worth of entries
    traders = [*arena.connect(FEEDS - 2, executions=25), *arena.connect(2, executions=400)]
    deliveries = 0
    for _ in range(2):
        # when an interval's ticks come, and every message arrives five times
        jobs = arena.tick_after(INTERVAL, traders)
        assert {job.feed_id for job in jobs} == {trader.feed_id for trader in traders}
        assert len(jobs) == FEEDS
        copied = copies(jobs, rng)
        deliveries += len(copied)
        reports = eight_workers.deliver(copied, rng, arena.clock.ahead)
        # then nothing has to come back, and each feed was run once
        assert not [number for report in reports for number in report.failed]
        assert sorted(outcome for report in reports for outcome in report.outcomes) == ["succeeded"] * FEEDS
        # and trades, cash, cursor and balance are the broker's, each entry once
        assert not [problem for trader in traders for problem in arena.problems(trader)]
        # and then they trade on
        for trader in traders:
            arena.world.trade(trader.spec.account, count=3)
    runs = [run for trader in traders for run in arena.runs(trader)]
    entries = sum(len(arena.entries(trader)) for trader in traders)
    assert [run.outcome for run in runs] == [Outcome.SUCCEEDED] * (2 * FEEDS)
    assert sum(run.stats.inserted for run in runs) == entries
    tell(
        f"five times to eight: {deliveries} deliveries of {2 * FEEDS} messages, {len(runs)} runs, {entries:,} entries"
        f" each once ({time.monotonic() - begun:.1f} s)"
    )
