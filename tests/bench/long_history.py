"""A history of 100,000 trades, loaded by the real function: in how many invocations, and in how much memory.

By itself: `python -m tests.bench.long_history`.
"""

import json
import sys
from dataclasses import dataclass
from typing import Final

from tests.bench.brokers import oanda
from tests.bench.deliveries import connect_job, event, runs_in
from tests.bench.package import Package, packaged
from tests.bench.processes import Child, lambda_environment, module
from tests.bench.scenarios import BenchError
from tests.bench.stack import data_stack

TRADES: Final = 100_000
DAYS: Final = 1_000
MAX_INVOCATIONS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LongLoad:
    """What it took. `rss` is the process's peak in bytes (ru_maxrss), `cpu` in seconds, over all `invocations`."""

    trades: int
    entries: int
    invocations: int
    rss: int
    cpu: float


def long_load(package: Package) -> LongLoad:
    """Load all of it by one process, whose peak counts, in invocations of a minute. Raises BenchError."""
    trades = entries = invocations = 0
    cpu = 0.0
    with oanda(executions=TRADES, days=DAYS) as broker, data_stack(broker.endpoints) as stack:
        environment = lambda_environment(stack.settings, stack.emulator.endpoint)
        with Child(module("tests.bench.connect"), environment) as child:
            feed = json.loads(child.tell(broker.connection))
        job = connect_job(feed["feed_id"], feed["job_id"], broker.begins)
        with package.worker(environment) as worker:
            worker.do("start")
            outcome = "deferred"
            while outcome == "deferred":
                if invocations == MAX_INVOCATIONS:
                    raise BenchError(f"{invocations} invocations have loaded {trades} of {TRADES} trades")
                invocations += 1
                done = worker.do("sync", event=event(job))
                cpu += done["cpu"]
                (run,) = runs_in(done["log"])
                trades, entries = trades + run.trades, entries + run.stats["inserted"]
                outcome = run.outcome
    if (outcome, trades) != ("succeeded", TRADES):
        raise BenchError(f"the load ended as {outcome} with {trades} of {TRADES} trades")
    return LongLoad(trades=trades, entries=entries, invocations=invocations, rss=done["rss"], cpu=cpu)


def figures_of(load: LongLoad) -> dict[str, float]:
    """The figures of the load."""
    return {
        "long_load_rss_MB": load.rss / 1e6,
        "long_load_invocations": load.invocations,
        "long_load_cpu_seconds": load.cpu,
        "long_load_entries": load.entries,
    }


def told(load: LongLoad) -> str:
    """The load in a line."""
    return (
        f"{load.trades} trades ({load.entries} entries) in {load.invocations} invocations, {load.cpu:.0f} CPU seconds, "
        f"peak resident memory {load.rss / 1e6:.0f} MB"
    )


def main() -> int:
    with packaged(print) as package:
        print(told(long_load(package)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
