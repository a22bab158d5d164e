"""Everything at once, from a seed: messages lost, doubled and late, brokers failing, workers frozen, traders asking.

Whatever the day was like, some quiet minutes later the books are in order.
"""

import random
import time
from collections.abc import Sequence

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome
from brokersync.domain.status import AccountStatus, derive
from local.simulators.faults import Fault
from tests.chaos.arena import INTERVAL, Arena, OandaTrader
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet, Worker

pytestmark = pytest.mark.stack

FEEDS = 6
ROUNDS = 8
QUIET_ROUNDS = 5  # the last retry of a failed sync waits for 15 minutes
MOST_CALLS = 15

FAULTS = (
    Fault(status=503, retry_after=120),
    Fault(status=429, retry_after=30),
    Fault(status=401, body='{"errorMessage": "a hiccup"}'),
    Fault(path="/sinceid", body="<html>maintenance</html>"),
    Fault(path="/summary", body='{"accuont": {}}'),
    Fault(reset=True),
)


class Day:
    """One seeded day of some traders."""

    def __init__(self, arena: Arena, fleet: Fleet, seed: int) -> None:
        self.arena, self.rng = arena, random.Random(seed)
        self.traders: Sequence[OandaTrader] = arena.connect(FEEDS)
        self.frozen: list[Worker] = []
        self._fleet, self._freezer = Fleet(fleet.workers[2:]), fleet.workers[:2]
        self._late: list[Delivery] = []
        self.deliveries = self.lost = 0

    def bad_round(self) -> None:
        """An interval in which everything can go wrong."""
        rng = self.rng
        self.arena.control.faults.clear()  # two refusals in a row are no hiccup
        for trader in self.traders:
            if rng.random() < 0.6:
                self.arena.world.trade(trader.spec.account, count=rng.randint(1, 3))
            if rng.random() < 0.5:
                self.arena.control.faults.add(rng.choice(FAULTS).model_copy(update={"token": trader.spec.token}))
        jobs = self.arena.tick_after(INTERVAL, self.traders)
        for trader in rng.sample(list(self.traders), 2):
            if self.arena.feed(trader).runnable:
                self.arena.ask(trader)
        jobs += self.arena.take_messages(self.traders)
        now, self._late = self._late, []
        for job in jobs:
            match rng.random():
                case fate if fate < 0.25:
                    self.lost += 1
                case fate if fate < 0.5:
                    self._late.append(Delivery(job, received=2))
                case fate if fate < 0.75:
                    now += [Delivery(job), Delivery(job, received=2)]
                case _:
                    now.append(Delivery(job))
        rng.shuffle(now)
        self._freeze_some(now)
        self._deliver(now)

    def quiet_round(self) -> None:
        """An interval in which every message comes, those that were late too."""
        self._thaw()
        jobs = [Delivery(job) for job in self.arena.tick_after(INTERVAL, self.traders)]
        self._deliver([*jobs, *self._late])
        self._late = []

    def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries += len(deliveries)
        for report in self._fleet.deliver(deliveries, self.rng, self.arena.clock.ahead):
            # those that have to come back do so later, or never
            self._late += [Delivery(one.job, received=2) for one in report.failed if self.rng.random() < 0.5]

    def _freeze_some(self, deliveries: list[Delivery]) -> None:
        if self.rng.random() < 0.5:
            self._thaw()
        for worker in self._freezer:
            if worker not in self.frozen and deliveries and self.rng.random() < 0.5:
                delivery = deliveries.pop()
                if worker.freeze(delivery, self.rng.randrange(MOST_CALLS), self.arena.clock.ahead):
                    self.frozen.append(worker)

    def _thaw(self) -> None:
        while self.frozen:
            self.frozen.pop().thaw(self.arena.clock.ahead)


@pytest.mark.parametrize("seed", [1, 2])
def test_i1_to_i11_after_a_bad_day_and_some_quiet_minutes_the_books_are_in_order(
    arena: Arena, eight_workers: Fleet, tell: Tell, seed: int
) -> None:
    begun = time.monotonic()
    # given a day on which everything goes wrong
    day = Day(arena, eight_workers, seed)
    for _ in range(ROUNDS):
        day.bad_round()
    # when brokers answer and messages come for some minutes
    arena.control.faults.clear()
    for _ in range(QUIET_ROUNDS):
        day.quiet_round()
    # then all that the brokers hold is stored, each entry once, and nothing is left undone
    assert not [problem for trader in day.traders for problem in arena.problems(trader)]
    # and everybody is told so
    told = {derive(arena.feed(trader), arena.clock.now()).status for trader in day.traders}
    assert told == {AccountStatus.SYNCED}
    # and no run row claims more than there is
    runs = [run for trader in day.traders for run in arena.runs(trader)]
    entries = sum(len(arena.entries(trader)) for trader in day.traders)
    assert sum(run.stats.inserted for run in runs) <= entries
    assert all(run.outcome is Outcome.FAILED for run in runs if run.error_code is ErrorCode.WORKER_LOST)
    lost = sum(run.error_code is ErrorCode.WORKER_LOST for run in runs)
    failed = sum(run.outcome is not Outcome.SUCCEEDED for run in runs)
    tell(
        f"a bad day (seed {seed}): {day.deliveries} deliveries, {day.lost} lost, {len(runs)} runs, {failed} not well,"
        f" {lost} workers lost; {entries} entries in order ({time.monotonic() - begun:.1f} s)"
    )
