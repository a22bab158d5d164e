"""The same ports twice: in memory, and in DynamoDB's emulation."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from moto import mock_aws

from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.known_trades import DynamoKnownTrades
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.scheduler import DynamoScheduler
from brokersync.aws.session import AwsSession
from brokersync.aws.users import DynamoUsers
from brokersync.domain.feeds import Feed
from brokersync.ports.feeds import Acquired
from tests.contract import made
from tests.fakes import (
    FakeAccounts,
    FakeFeeds,
    FakeKnownTrades,
    FakeLedger,
    FakePortfolios,
    FakeRuns,
    FakeScheduler,
    FakeUsers,
)
from tests.unit.aws.tables.made import MODELS


@dataclass(frozen=True, kw_only=True)
class World:
    """Every port with a table behind it."""

    feeds: DynamoFeeds | FakeFeeds
    ledger: DynamoLedger | FakeLedger
    known: DynamoKnownTrades | FakeKnownTrades
    portfolios: DynamoPortfolios | FakePortfolios
    runs: DynamoRuns | FakeRuns
    accounts: DynamoAccounts | FakeAccounts
    scheduler: DynamoScheduler | FakeScheduler
    users: DynamoUsers | FakeUsers

    def held(self, worker: str = "worker_1", **changes: object) -> Acquired:
        """A new feed, acquired by a worker."""
        self.feeds.create(made.feed(**changes))
        return self.acquire(worker)

    def acquire(self, worker: str = "worker_2", **changes: object) -> Acquired:
        """Acquire the feed; it must be possible."""
        arguments = {"feed_id": "acc_1", "run_id": f"run_of_{worker}", "job": made.job(), "now": made.NOW} | changes
        got = self.feeds.acquire(token=worker, **arguments)
        assert isinstance(got, Acquired), got
        return got

    def stored(self) -> Feed:
        """The feed as it is now."""
        found = self.feeds.get("acc_1")
        assert found is not None
        return found


def fake_world() -> World:
    feeds = FakeFeeds()
    return World(
        feeds=feeds,
        ledger=FakeLedger(feeds),
        known=FakeKnownTrades(),
        portfolios=FakePortfolios(),
        runs=FakeRuns(),
        accounts=FakeAccounts(),
        scheduler=FakeScheduler(),
        users=FakeUsers(),
    )


def dynamo_world() -> World:
    session = AwsSession(region="us-east-1", table_prefix="contract-")
    for model in MODELS:
        session.table(model).create_table(ignore_update_ttl_errors=False)
    return World(
        feeds=DynamoFeeds(session),
        ledger=DynamoLedger(session),
        known=DynamoKnownTrades(session),
        portfolios=DynamoPortfolios(session),
        runs=DynamoRuns(session),
        accounts=DynamoAccounts(session),
        scheduler=DynamoScheduler(session),
        users=DynamoUsers(session),
    )


@pytest.fixture(params=["fake", "dynamo"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
        return
    with mock_aws():
        yield dynamo_world()
