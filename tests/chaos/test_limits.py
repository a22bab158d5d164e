"""The fleet's limits with real concurrency: MiniStack's updates are atomic, as AWS's are; moto's are not."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from brokersync.aws.limits import DynamoLimitLedger
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.limits import LimitItem
from brokersync.brokers.alpaca.manifest import MANIFEST
from brokersync.brokers.http import HttpxBrokers
from brokersync.domain.errors import RetryLaterError
from brokersync.domain.limiter import RESERVE_AHEAD
from brokersync.domain.manifests import LimitWindow
from brokersync.domain.runs import RunStats
from brokersync.runtime import SystemClock
from brokersync.services.shared_limits import SharedLimits
from local.simulators.serving import serve_in_thread
from local.stack.emulator import Emulator
from tests.chaos.arena import Minute
from tests.chaos.conftest import Tell
from tests.chaos.punishing import Punishing
from tests.fakes.time_and_chance import START

pytestmark = pytest.mark.stack

WORKERS, SECONDS = 16, 12.0
STATEMENTS = (LimitWindow(count=1, seconds=1), LimitWindow(count=10, seconds=60))
LISTS = (LimitWindow(count=250, seconds=60),)

NewProcess = Callable[[], SharedLimits]


@pytest.fixture
def calls() -> Counter[str]:
    """What the fleet asks of DynamoDB."""
    return Counter()


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch, calls: Counter[str]) -> Iterator[NewProcess]:
    """Makes the limits of one more process, over one table."""
    with Emulator() as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        AwsSession(table_prefix="fleet-").table(LimitItem).create_table(wait=True)

        def make() -> SharedLimits:
            session = AwsSession(table_prefix="fleet-")
            events = session.client("dynamodb").meta.events
            events.register("before-call.dynamodb", lambda model, **_: calls.update([model.name]))
            return SharedLimits(DynamoLimitLedger(session))

        yield make


def test_i6_processes_that_ask_at_the_same_time_stay_under_the_limit_together(new_process: NewProcess) -> None:
    # given ten processes that ask at once
    windows = [limit.window for limit in STATEMENTS]
    processes = [new_process() for _ in range(10)]
    with ThreadPoolExecutor(10) as threads:
        slots = list(threads.map(lambda one: one.take("k", windows, START), processes))
    # then each slot that was reserved is another one
    seconds = sorted((slot - START).total_seconds() for slot in slots)
    near = [second for second in seconds if second <= RESERVE_AHEAD.total_seconds()]
    assert near == [0.0, 1.5, 3.0, 4.5]
    # and the others are told the next one
    assert set(seconds) - set(near) == {6.0}


@pytest.mark.parametrize("limits", [STATEMENTS, LISTS], ids=["1 in 1 s and 10 in 60 s", "250 in 60 s"])
def test_i6_a_broker_that_punishes_never_has_a_reason(
    limits: tuple[LimitWindow, ...], new_process: NewProcess, calls: Counter[str], tell: Tell
) -> None:
    # given sixteen workers that share a credential and want more than the broker allows, all the time
    broker = Punishing(limits)
    manifest = replace(MANIFEST, limits=limits)
    with serve_in_thread(broker.app) as server:
        ends = time.monotonic() + SECONDS

        def work(_: int) -> RunStats:
            stats, clock = RunStats(), SystemClock()
            with closing(HttpxBrokers(shared_permits=new_process(), clock=clock)) as brokers:
                http = brokers.for_run(manifest, "credential", Minute(), stats)
                while time.monotonic() < ends:
                    try:
                        http.get(f"{server.base_url}/ask/credential")
                    except RetryLaterError as told:
                        again = told.not_before or clock.now()  # a permit that came too late is taken again
                        wait = (again - clock.now()).total_seconds()
                        time.sleep(min(max(wait, 0.0), max(ends - time.monotonic(), 0.0)))
            return stats

        # when they work for some seconds
        with ThreadPoolExecutor(WORKERS) as threads:
            stats = list(threads.map(work, range(WORKERS)))
    # then none of them was ever refused, and no window held more than we allow ourselves
    sent = sum(one.requests for one in stats)
    assert broker.punished == 0
    for limit in limits:
        assert broker.most_in(limit.seconds) <= limit.configured
    # and they did get through, as fast as this machine serves sixteen at once
    assert sent == sum(map(len, broker.arrivals.values()))
    assert sent >= limits[-1].configured / 4
    writes, reads = calls["UpdateItem"], calls["GetItem"]
    most = ", ".join(f"{broker.most_in(limit.seconds)} of {limit.count} in {limit.seconds:g} s" for limit in limits)
    tell(f"{WORKERS} workers, {sent} requests, at most {most}, {writes} writes, {reads} reads, never punished")
