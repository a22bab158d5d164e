"""One run's HTTP with everything it is wired to."""

from dataclasses import dataclass, replace

from brokersync.brokers.oanda.manifest import MANIFEST as BY_ADDRESS
from brokersync.domain.manifests import LimitScope
from brokersync.domain.runs import RunStats
from brokersync.ports.brokers import BrokerHttp
from tests.fakes import FakeClock, FakeDeadline, FakePermits

BY_CREDENTIAL = replace(BY_ADDRESS, limit_scope=LimitScope.CREDENTIAL)


@dataclass
class Run:
    http: BrokerHttp
    stats: RunStats
    clock: FakeClock
    permits: FakePermits
    deadline: FakeDeadline
