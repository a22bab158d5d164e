"""The fleet's limits with real concurrency: MiniStack's updates are atomic, as AWS's are; moto's are not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from brokersync.aws.limits import DynamoLimitLedger
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.limits import LimitItem
from brokersync.domain.limiter import RESERVE_AHEAD
from brokersync.domain.manifests import LimitWindow
from brokersync.services.shared_limits import SharedLimits
from local.stack.emulator import Emulator
from tests.fakes.time_and_chance import START

pytestmark = pytest.mark.stack

STATEMENTS = tuple(limit.window for limit in (LimitWindow(count=1, seconds=1), LimitWindow(count=10, seconds=60)))


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], AwsSession]]:
    """Makes the session of one more process, over one table of limits."""
    with Emulator() as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        AwsSession(table_prefix="fleet-").table(LimitItem).create_table(wait=True)
        yield lambda: AwsSession(table_prefix="fleet-")


def test_i6_processes_that_ask_at_the_same_time_stay_under_the_limit_together(
    fleet: Callable[[], AwsSession],
) -> None:
    # given ten processes that ask at once
    processes = [SharedLimits(DynamoLimitLedger(fleet())) for _ in range(10)]
    with ThreadPoolExecutor(10) as threads:
        slots = list(threads.map(lambda one: one.take("k", STATEMENTS, START), processes))
    # then each slot that was reserved is another one
    seconds = sorted((slot - START).total_seconds() for slot in slots)
    near = [second for second in seconds if second <= RESERVE_AHEAD.total_seconds()]
    assert near == [0.0, 1.5, 3.0, 4.5]
    # and the others are told the next one
    assert set(seconds) - set(near) == {6.0}
