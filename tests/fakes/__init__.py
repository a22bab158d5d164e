"""In-memory ports, faithful to the adapters: tests/contract runs the same tests over both."""

from tests.fakes.feeds import FakeFeeds
from tests.fakes.outside import (
    FakeBus,
    FakeConnections,
    FakeErasing,
    FakePermits,
    FakeScheduler,
    FakeSnapshots,
    FakeSyncQueue,
    FakeUsers,
)
from tests.fakes.stored import FakeAccounts, FakeKnownTrades, FakeLedger, FakePortfolios, FakeRuns
from tests.fakes.time_and_chance import FakeClock, FakeDeadline, FakeIds

__all__ = [
    "FakeAccounts",
    "FakeBus",
    "FakeClock",
    "FakeConnections",
    "FakeDeadline",
    "FakeErasing",
    "FakeFeeds",
    "FakeIds",
    "FakeKnownTrades",
    "FakeLedger",
    "FakePermits",
    "FakePortfolios",
    "FakeRuns",
    "FakeScheduler",
    "FakeSnapshots",
    "FakeSyncQueue",
    "FakeUsers",
]
