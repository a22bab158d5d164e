"""The proof of the fleet's limiter: sixteen workers, ten thousand permits, and the figures that came out (I6).

Each worker is a process with its own memory of the key and threads that want to send. It waits for a slot that is near,
and comes back when told a later one, as functions/sync does. Time is simulated, event by event; what travels takes time
and arrives late by chance. More is wanted than is allowed, in patterns that hypothesis makes up.
"""

import heapq
import random
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from brokersync.domain.limiter import GUARD, RESERVE_AHEAD, Window
from brokersync.services.shared_limits import SharedLimits
from tests.fakes.limits import FakeLimitLedger
from tests.fakes.time_and_chance import START

WORKERS, PERMITS = 16, 10_000

KEYS = {
    "1/s and 10/min of a credential (1 and 8 used)": (Window(1, 1), Window(8, 60)),
    "200/min of a credential (160 used)": (Window(160, 60),),
    "250/min of a client (200 used)": (Window(200, 60),),
}


@dataclass(frozen=True)
class Pattern:
    """How work arrives at a worker: so many requests at a time, at intervals in steps of the limit's own pace."""

    clumps: tuple[int, ...]
    gaps: tuple[float, ...]


patterns = st.lists(
    st.builds(
        Pattern,
        clumps=st.lists(st.integers(1, 40), min_size=1, max_size=5).map(tuple),
        gaps=st.lists(st.floats(0.1, 2), min_size=1, max_size=5).map(tuple),
    ),
    min_size=1,
    max_size=WORKERS,
)


@dataclass
class Figures:
    """What a simulation measured."""

    sent: list[datetime] = field(default_factory=list)
    told: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    def most_in(self, window: Window) -> int:
        """The most requests that arrived in any of the window's spans."""
        times = sorted(self.sent)
        return max(bisect_left(times, time + window.length) - at for at, time in enumerate(times))

    def used(self, window: Window) -> float:
        """What was sent from first to last, as a part of what the window allows in that time."""
        return len(self.sent) / (window.most * ((max(self.sent) - min(self.sent)) / window.length))


def simulate(windows: tuple[Window, ...], makers: list[Pattern], seed: int) -> Figures:
    """Let sixteen workers send until ten thousand permits are used."""
    chance, order, figures = random.Random(seed), count(), Figures()
    ledger = FakeLimitLedger()
    workers = [SharedLimits(ledger, sleep=lambda _: None) for _ in range(WORKERS)]
    pace = max(window.length / window.most for window in windows)
    waiting = [0] * WORKERS  # requests that wait in a worker
    busy = [False] * WORKERS  # whether its next look at the ledger is planned
    events: list[tuple[datetime, int, str, int, int]] = []

    def plan(at: datetime, kind: str, worker: int, number: int = 0) -> None:
        heapq.heappush(events, (at, next(order), kind, worker, number))

    for worker in range(WORKERS):
        plan(START + pace * chance.random(), "arrive", worker)
    while len(figures.sent) < PERMITS:
        now, _, kind, worker, number = heapq.heappop(events)
        if kind == "arrive":
            pattern = makers[worker % len(makers)]
            clump = pattern.clumps[number % len(pattern.clumps)]
            waiting[worker] += clump
            # On average each worker wants a tenth of what is allowed: together half as much again as there is.
            gap = pattern.gaps[number % len(pattern.gaps)] * len(pattern.gaps) / sum(pattern.gaps)
            plan(now + pace * clump * 10 * gap, "arrive", worker, number + 1)
            if not busy[worker]:
                busy[worker] = True
                plan(now, "ask", worker)
        elif waiting[worker]:
            slot = workers[worker].take("k", windows, now)
            if slot - now > RESERVE_AHEAD:
                figures.told += 1
                plan(slot, "ask", worker)
            else:
                waiting[worker] -= 1
                figures.sent.append(slot + GUARD * chance.choice([0, 0.1, 0.5, 1]))
                plan(slot, "ask", worker)
        else:
            busy[worker] = False
    figures.calls = ledger.calls
    return figures


@pytest.mark.parametrize("key", KEYS)
def test_i6_sixteen_workers_keep_the_limit_use_it_and_write_little(key, capsys):
    windows, runs = KEYS[key], []

    # A failing example is told as it is: making it smaller would take minutes.
    @settings(max_examples=5, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow])
    @given(patterns, st.integers(0, 2**16))
    def prove(makers, seed):
        # given sixteen workers that want more than is allowed
        figures = simulate(windows, makers, seed)
        # then no window of any length was ever over
        for window in windows:
            assert figures.most_in(window) <= window.most
        # and what is allowed was used, with few writes
        assert figures.used(windows[-1]) >= 0.9
        assert figures.calls["write"] / len(figures.sent) <= 0.3
        runs.append(figures)

    prove()
    with capsys.disabled():
        print(f"\n{key}: {summary(windows, runs)}")


def summary(windows: tuple[Window, ...], runs: list[Figures]) -> str:
    """The figures of all runs in a line."""
    most = ", ".join(f"{max(one.most_in(window) for one in runs)} in {window.seconds:g} s" for window in windows)
    used = min(one.used(windows[-1]) for one in runs)
    writes = [one.calls["write"] / PERMITS for one in runs]
    reads = [one.calls["read"] / PERMITS for one in runs]
    return (
        f"{len(runs)} patterns of {PERMITS} permits by {WORKERS} workers: at most {most}; at least {used:.1%} used; "
        f"{min(writes):.2f} to {max(writes):.2f} writes and {min(reads):.2f} to {max(reads):.2f} reads per permit"
    )
