"""Every point at which a worker can die, and every answer that can get lost: the end is the same (I2, I3, I4)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue

import pytest

from local.simulators.oanda_http import make_app as make_oanda
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.serving import serve_in_thread
from local.stack.laptop import laptop
from tests.crash.faults import Fault, When
from tests.crash.laboratory import EndState, Laboratory, Scenario

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]

WORKERS = 2
OANDA = AccountSpec(account="101-004-0000001-001", token="crash-oanda", executions=10, days=3)
OANDA_SCENARIO = Scenario(
    broker="oanda", environment="practice", credentials={"token": OANDA.token}, accounts=(OANDA.account,)
)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    oanda, _ = make_oanda(World([OANDA]))
    with (
        serve_in_thread(oanda) as at_oanda,
        laptop({"oanda:practice": f"{at_oanda.base_url}/v3"}) as running,
    ):
        yield Laboratory(running)


def every_point(undisturbed: EndState, scenario: Scenario) -> list[Scenario]:
    """The scenario once for each call of each delivery and each way to be hit."""
    return [
        replace(scenario, delivery=delivery, fault=Fault(call, when))
        for delivery, calls in enumerate(undisturbed.calls)
        for call in range(len(calls))
        for when in When
    ]


def play_all(laboratory: Laboratory, scenarios: list[Scenario]) -> list[EndState]:
    """Play the scenarios, a few side by side: they share nothing but the machine."""
    free: SimpleQueue[object] = SimpleQueue()

    def one(scenario: Scenario) -> EndState:
        worker = free.get()
        try:
            return laboratory.play(scenario, worker)  # type: ignore[arg-type]
        finally:
            free.put(worker)

    with laboratory.worker() as first, laboratory.worker() as second, ThreadPoolExecutor(WORKERS) as pool:
        free.put(first)
        free.put(second)
        return list(pool.map(one, scenarios))


def untrue_rows(end: EndState, undisturbed: EndState) -> list[str]:
    """Run rows that claim what wasn't so."""
    problems = []
    truth = [row["outcome"] for row in undisturbed.run_rows]
    told = [row["outcome"] for row in end.run_rows if row.get("error_code") != "worker_lost"]
    # A run that was done again after its row was written is told twice, next to itself; nothing else may differ.
    without_repeats = [one for number, one in enumerate(told) if number == 0 or told[number - 1] != one]
    expected = [one for number, one in enumerate(truth) if number == 0 or truth[number - 1] != one]
    if without_repeats != expected:
        problems.append(f"outcomes {told}, undisturbed {truth}")
    for row in end.run_rows:
        if row.get("error_code") == "worker_lost" and row["outcome"] != "failed":
            problems.append(f"a lost worker's run is told as {row['outcome']}")
    inserted = sum(int(row.get("stats", {}).get("inserted", {}).get("N", 0)) for row in end.run_rows)
    if inserted > len(end.trades) + len(end.cash_events):
        problems.append(f"rows claim {inserted} inserted entries, there are {len(end.trades) + len(end.cash_events)}")
    return problems


@pytest.mark.parametrize("scenario", [OANDA_SCENARIO], ids=lambda scenario: scenario.broker)
def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, scenario: Scenario, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given the end of a sync that nothing disturbed
    with laboratory.worker() as worker:
        undisturbed = laboratory.play(scenario, worker)
    assert undisturbed.status == ("succeeded", "None")
    assert len(undisturbed.trades) >= 10
    assert (undisturbed.lease_free, undisturbed.nothing_owed) == (True, True)
    # When it is played once for every call: ended before it, ended after it, and with its answer lost
    scenarios = every_point(undisturbed, scenario)
    ends = play_all(laboratory, scenarios)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    wrong = [
        f"{where(scenario, undisturbed)}: {problem}"
        for scenario, end in zip(scenarios, ends, strict=True)
        for problem in [*differences(end, undisturbed), *untrue_rows(end, undisturbed)]
    ]
    report(capsys, scenario.broker, undisturbed, scenarios, ends)
    assert not wrong, "\n".join(wrong)


def differences(end: EndState, undisturbed: EndState) -> list[str]:
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


def where(scenario: Scenario, undisturbed: EndState) -> str:
    """The point that was hit, in words."""
    assert scenario.fault is not None
    name = undisturbed.calls[scenario.delivery][scenario.fault.call]
    return f"{scenario.fault.when} call {scenario.fault.call} ({name}) of delivery {scenario.delivery + 1}"


def report(
    capsys: pytest.CaptureFixture[str],
    broker: str,
    undisturbed: EndState,
    scenarios: list[Scenario],
    ends: list[EndState],
) -> None:
    """Print how many points there were: none is skipped."""
    calls = Counter(name.split()[0] for calls in undisturbed.calls for name in calls)
    hits = Counter(scenario.fault.when.value for scenario in scenarios if scenario.fault)
    deliveries = sum(len(end.calls) for end in ends)
    with capsys.disabled():
        print(
            f"\n{broker}: {calls['aws']} calls to AWS and {calls['broker']} to the broker in"
            f" {len(undisturbed.calls)} deliveries; {len(scenarios)} points played ({dict(hits)}),"
            f" {deliveries} deliveries, {len(undisturbed.trades)} trades each"
        )


