"""Plays a scenario once for every point at which it can be hit, and compares the ends."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from queue import SimpleQueue
from subprocess import Popen

from tests.crash.faults import Fault, When
from tests.crash.laboratory import EndState, Laboratory, Scenario

WORKERS = 2


def hold(laboratory: Laboratory, scenario: Scenario, tell: Callable[[str], None]) -> list[str]:
    """What differs from the end of an undisturbed sync, and at which point; empty when nothing does.

    Every call of every delivery is hit in each way: none is skipped. `tell` gets the counts.
    """
    with ExitStack() as workers:
        free: SimpleQueue[Popen[str]] = SimpleQueue()
        for _ in range(WORKERS):
            free.put(workers.enter_context(laboratory.worker(scenario)))
        (undisturbed,) = _play_all(laboratory, [scenario], free)
        assert undisturbed.status == ("succeeded", "None"), undisturbed.run_rows
        assert len(undisturbed.trades) >= 10
        assert (undisturbed.lease_free, undisturbed.nothing_owed) == (True, True)
        scenarios = [
            replace(scenario, delivery=delivery, fault=Fault(call, when))
            for delivery, calls in enumerate(undisturbed.calls)
            for call in range(len(calls))
            for when in When
        ]
        ends = _play_all(laboratory, scenarios, free)
    tell(_counts(scenario.broker, undisturbed, scenarios, ends))
    return [
        f"{_where(one, undisturbed)}: {problem}"
        for one, end in zip(scenarios, ends, strict=True)
        for problem in [*_differences(end, undisturbed), *_untrue_rows(end, undisturbed)]
    ]


def _play_all(laboratory: Laboratory, scenarios: list[Scenario], free: SimpleQueue[Popen[str]]) -> list[EndState]:
    """Play the scenarios, one per free worker side by side: they share nothing but the machine."""

    def one(scenario: Scenario) -> EndState:
        worker = free.get()
        try:
            return laboratory.play(scenario, worker)
        finally:
            free.put(worker)

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, scenarios))


def _differences(end: EndState, undisturbed: EndState) -> list[str]:
    """What is not as it would have been."""
    mine, theirs = end.compared(), undisturbed.compared()
    return [
        f"{name} differs: {_only(mine[name], theirs[name])} instead of {_only(theirs[name], mine[name])}"
        for name in mine
        if mine[name] != theirs[name]
    ]


def _only(mine: object, theirs: object) -> object:
    """What of a list isn't in the other one, else the value."""
    if isinstance(mine, list) and isinstance(theirs, list):
        return [one for one in mine if one not in theirs][:3]
    return mine


def _untrue_rows(end: EndState, undisturbed: EndState) -> list[str]:
    """Run rows that claim what wasn't so."""
    problems = []
    told = [row["outcome"] for row in end.run_rows if row.get("error_code") != "worker_lost"]
    truth = [row["outcome"] for row in undisturbed.run_rows]
    # A run that was done again after its row was written is told twice, next to itself; nothing else may differ.
    if _without_repeats(told) != _without_repeats(truth):
        problems.append(f"outcomes {told}, undisturbed {truth}")
    lost = {row["outcome"] for row in end.run_rows if row.get("error_code") == "worker_lost"}
    if lost - {"failed"}:
        problems.append(f"a lost worker's run is told as {lost}")
    inserted = sum(int(row.get("stats", {}).get("inserted", {}).get("N", 0)) for row in end.run_rows)
    if inserted > len(end.trades) + len(end.cash_events):
        problems.append(f"rows claim {inserted} inserted entries, there are {len(end.trades) + len(end.cash_events)}")
    return problems


def _without_repeats(outcomes: list[str]) -> list[str]:
    return [one for number, one in enumerate(outcomes) if number == 0 or outcomes[number - 1] != one]


def _where(scenario: Scenario, undisturbed: EndState) -> str:
    """The point that was hit, in words."""
    assert scenario.fault is not None
    name = undisturbed.calls[scenario.delivery][scenario.fault.call]
    return f"{scenario.fault.when} call {scenario.fault.call} ({name}) of delivery {scenario.delivery + 1}"


def _counts(broker: str, undisturbed: EndState, scenarios: list[Scenario], ends: list[EndState]) -> str:
    calls = Counter(name.split()[0] for calls in undisturbed.calls for name in calls)
    hits = Counter(scenario.fault.when.value for scenario in scenarios if scenario.fault)
    return (
        f"{broker}: {calls['aws']} calls to AWS and {calls['broker']} to the broker in {len(undisturbed.calls)}"
        f" deliveries; {len(scenarios)} points played ({', '.join(f'{hits[when]} {when.value}' for when in When)}),"
        f" {sum(len(end.calls) for end in ends)} deliveries, {len(undisturbed.trades)} trades each"
    )
