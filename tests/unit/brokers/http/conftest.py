"""A run's way to a broker over a real server, with a clock that the test moves."""

from contextlib import ExitStack, closing

import pytest

from brokersync.brokers.http import HttpxBrokers
from brokersync.domain.runs import RunStats
from tests.fakes import FakeClock, FakeDeadline, FakePermits
from tests.unit.brokers.http.run import BY_CREDENTIAL, Run
from tests.unit.brokers.http.scripted_server import ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer().running() as running:
        yield running


@pytest.fixture
def make_brokers():
    """HttpxBrokers, closed after the test."""
    with ExitStack() as made:
        yield lambda **wiring: made.enter_context(closing(HttpxBrokers(**wiring)))


@pytest.fixture
def run(make_brokers):
    clock, permits, stats = FakeClock(), FakePermits(), RunStats()
    deadline = FakeDeadline(clock)
    brokers = make_brokers(shared_permits=permits, clock=clock, max_bytes=2**20)
    return Run(brokers.for_run(BY_CREDENTIAL, "f1", deadline, stats), stats, clock, permits, deadline)
