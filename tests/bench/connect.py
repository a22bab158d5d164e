"""Connects one trader to a broker on the benchmark's stack, as `brokersync connect` does.

Run as a process with the sync function's environment: reads a JSON object from stdin, prints the new feed as one.
"""

import json
import sys
from datetime import datetime

from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.connections import DynamoConnectionWriter
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.session import AwsSession
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.plans import Plan
from brokersync.runtime import RandomIds
from brokersync.services.connect_broker import ConnectBroker, NewConnection
from brokersync.settings import SyncSettings, load


class _At:
    """A clock that stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    settings, catalog = load(SyncSettings), BrokerCatalog()
    session = AwsSession(table_prefix=settings.table_prefix)
    service = ConnectBroker(
        connections=DynamoConnectionWriter(session, settings.kms_key_id, manifests=catalog),
        feeds=DynamoFeeds(session),
        accounts=DynamoAccounts(session),
        queue=SqsSyncQueue(session, settings.sync_queue_url, settings.backfill_queue_url),
        clock=_At(datetime.fromisoformat(asked["now"])),
        ids=RandomIds(),
    )
    (feed,) = service.run(
        NewConnection(
            user_id="user-of-the-benchmark",
            plan=Plan.ELITE,
            manifest=catalog.manifest(asked["broker"]),
            environment=asked["environment"],
            credentials=asked["credentials"],
            broker_account_ids=asked["accounts"],
        )
    )
    print(json.dumps({"feed_id": feed.feed_id, "job_id": feed.wanted.job_id if feed.wanted else ""}))


if __name__ == "__main__":
    main()
