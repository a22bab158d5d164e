"""Many workers, and every message many times: each trade is stored once, each tick is run once (I2, I3, I4)."""

import random
import time
from collections.abc import Mapping, Sequence

import pytest

from brokersync.aws.ledger import DynamoLedger
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.runs import Outcome
from local.simulators.kit import Happening
from tests.chaos.arena import INTERVAL, Arena
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet
from tests.chaos.scenes import Staged, connect, problems

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
        assert not [one for report in reports for one in report.failed]
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


def test_i2_i9_a_statement_read_by_eight_workers_is_stored_once_and_corrected_once(
    arena: Arena, eight_workers: Fleet, scenes: Mapping[str, Staged], tell: Tell
) -> None:
    rng = random.Random(2)
    begun = time.monotonic()
    # given a login whose statements are prepared, and re-read for a week
    staged = scenes["ibkr_flex"]
    trader = connect(arena, staged)
    ended: list[str] = []
    told: dict[Happening, Sequence[str]] = {}
    for happening in (None, Happening.CANCEL, Happening.LATE_ROW, Happening.TRADE):
        # when a day brings a first load, a correction, a late booking or trades, and every message arrives five times
        if happening is not None:
            told[happening] = staged.happen(happening)
        job = arena.owed_job(trader) or arena.due_job(trader)
        while job is not None:
            reports = eight_workers.deliver(copies([job], rng), rng, arena.clock.ahead, largest=2)
            outcomes = [outcome for report in reports for outcome in report.outcomes]
            assert len(outcomes) == 1
            assert not [one for report in reports for one in report.failed]
            ended += outcomes
            job = arena.owed_job(trader)
        # then trades, cash and balances are the broker's, each entry once
        assert not list(problems(arena, staged, trader))
    # and what was cancelled has the version before it, and one after
    ledger = DynamoLedger(arena.stack.session)
    accounts = arena.feed(trader).accounts.values()
    (cancelled,) = told[Happening.CANCEL]
    (versions,) = [found for account_id in accounts if (found := ledger.versions(account_id, cancelled))]
    assert [version.version for version in versions] == [1, 2]
    assert [bool(version.cancelled_by) for version in versions] == [False, True]
    runs = arena.runs(trader)
    assert [run.outcome.value for run in runs] == ended
    tell(
        f"statements five times to eight: {len(runs)} runs of {COPIES * len(runs)} deliveries, "
        f"{sum(run.stats.corrections for run in runs)} corrections, each once ({time.monotonic() - begun:.1f} s)"
    )
