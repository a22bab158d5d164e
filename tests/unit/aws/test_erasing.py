"""Erasing a removed connection: everything goes, page by page, and the receipt counts each page once."""

import gzip
import json
from dataclasses import replace

import pytest

from brokersync.aws import erasing
from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.connections import DynamoConnectionRecords, DynamoConnectionWriter
from brokersync.aws.erasing import DynamoErasing
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.known_trades import DynamoKnownTrades
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.runs import DynamoRuns
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import FeedPurpose
from brokersync.domain.known import KnownFilter
from brokersync.domain.money import Decimal
from brokersync.domain.trades import corrected
from brokersync.ports.connections import Connection, ErasureReceipt
from tests.contract import made
from tests.contract.test_ports_connecting import account
from tests.contract.test_ports_stored import balance, run
from tests.fakes import FakeClock, FakeDeadline
from tests.unit.aws.tables.made import MODELS

BUCKET = "snapshots-of-the-stack"
TABLES = ("feeds", "accounts", "trades", "cash_events", "portfolios", "sync_runs", "known_trades")


@pytest.fixture
def session(aws):
    for model in MODELS:
        aws.table(model).create_table()
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    writer = DynamoConnectionWriter(aws, key, manifests=BrokerCatalog())
    for name in ("con_1", "con_2"):
        writer.create(
            Connection(
                connection_id=name, user_id="user_1", broker="oanda", environment="practice", version=1, fingerprint=""
            ),
            {"token": "t"},
        )
    writer.disconnect("con_1")
    writer.open_receipt("con_1")
    writer.open_receipt("con_1")
    for number in (1, 2):
        fill(aws, f"acc_{number}", f"con_{number}")
    return aws


def fill(aws, account_id, connection_id):
    """An account with everything: five trades, one of them corrected, a cash event, a portfolio, a run, snapshots."""
    feeds, ledger = DynamoFeeds(aws), DynamoLedger(aws)
    feeds.create(made.feed(account_id, connection_id=connection_id))
    DynamoAccounts(aws).ensure(account(account_id, connection_id=connection_id))
    got = feeds.acquire(account_id, token="t", run_id="run_1", job=made.job(), now=made.NOW)
    entries = [made.new(made.execution(str(n)), account_id) for n in range(5)] + [
        made.new(made.cash_event(), account_id)
    ]
    ledger.insert(got.lease, entries, "5")
    stored = ledger.get_trade(account_id, "0")
    changed = replace(stored.entry, price=Decimal("2"))
    ledger.add_version(got.lease, stored, corrected(stored, changed, stored.origin))
    DynamoKnownTrades(aws).save(got.lease, KnownFilter.from_bytes(b"").adding([("k", entries[0].content_hash)]))
    DynamoPortfolios(aws).put(account_id, "run_1", balance=balance())
    DynamoRuns(aws).put(replace(run(), feed_id=account_id, snapshot_keys=()), 30)
    feeds.finish(got.lease, made.finish(), got.feed)
    for retention in ("short", "long"):
        for _ in range(2):  # two versions
            aws.client("s3").put_object(
                Bucket=BUCKET, Key=f"snapshots/{retention}/{account_id}/run_1/0000.json.gz", Body=gzip.compress(b"{}")
            )
    aws.client("s3").delete_object(Bucket=BUCKET, Key=f"snapshots/short/{account_id}/run_1/0000.json.gz")


@pytest.fixture
def lease(session):
    feeds = DynamoFeeds(session)
    feeds.create(made.feed("feed_erase", connection_id="con_1", accounts={}, purpose=FeedPurpose.ERASE))
    return feeds.acquire("feed_erase", token="e", run_id="run_e", job=made.job(), now=made.NOW).lease


@pytest.fixture
def deadline():
    return FakeDeadline(FakeClock())


def left(aws, text):
    """In which tables, or under which keys of the bucket, something still is."""
    client = aws.client("dynamodb")
    found = [
        name for name in TABLES if text in json.dumps(client.scan(TableName=f"test-{name}")["Items"], default=repr)
    ]
    objects = aws.client("s3").list_object_versions(Bucket=BUCKET)
    versions = [*objects.get("Versions", []), *objects.get("DeleteMarkers", [])]
    return found + [one["Key"] for one in versions if text in one["Key"]]


def erase(eraser, lease, deadline):
    return eraser.account(lease, "con_1", "acc_1", deadline) and eraser.feed(lease, "con_1", "acc_1", deadline)


@pytest.mark.parametrize("page", [1, 3, 98])
def test_everything_goes_and_is_counted_and_nothing_of_others(session, lease, deadline, monkeypatch, page):
    # given two accounts with everything, and pages of some size
    monkeypatch.setattr(erasing, "MAX_ROWS", page)
    before = left(session, "acc_2")
    # when one is erased
    eraser = DynamoErasing(session, BUCKET)
    assert erase(eraser, lease, deadline)
    eraser.end(lease, "con_1", made.NOW)
    # then nothing of it is left, old versions included
    assert left(session, "acc_1") == []
    # and the receipt has counted it
    counts = {
        "trades": 6,
        "cash_events": 1,
        "portfolios": 1,
        "accounts": 1,
        "snapshots": 5,
        "sync_runs": 1,
        "known_trades": 1,
        "feeds": 1,
    }
    record = DynamoConnectionRecords(session).get("con_1")
    assert record.receipt == ErasureReceipt(counts=counts, finished_at=made.NOW)
    # and the other account has all it had
    assert left(session, "acc_2") == before


def test_what_was_interrupted_is_gone_on_with_and_counted_once(session, lease, deadline, monkeypatch):
    # given an erasure whose time runs out after two pages
    monkeypatch.setattr(erasing, "MAX_ROWS", 2)

    class Short:
        calls = 0

        def seconds_left(self):
            self.calls += 1
            return 60.0 if self.calls <= 2 else 1.0

    eraser = DynamoErasing(session, BUCKET)
    assert not erase(eraser, lease, Short())
    assert DynamoConnectionRecords(session).get("con_1").receipt.counts == {"trades": 4}
    # when it goes on
    assert erase(eraser, lease, deadline)
    # then each row is counted once
    assert DynamoConnectionRecords(session).get("con_1").receipt.counts["trades"] == 6
    # and doing all of it again counts nothing more
    assert erase(eraser, lease, deadline)
    assert DynamoConnectionRecords(session).get("con_1").receipt.counts["trades"] == 6


def test_i4_a_worker_that_wakes_late_erases_and_counts_nothing(session, lease, deadline):
    # given an erasure that another worker has taken over
    DynamoFeeds(session).acquire("feed_erase", token="x", run_id="r", job=made.job(), now=made.after(minutes=5))
    # when the first one goes on
    with pytest.raises(LeaseLostError):
        DynamoErasing(session, BUCKET).account(lease, "con_1", "acc_1", deadline)
    # then nothing happened
    assert "trades" in left(session, "acc_1")
    assert DynamoConnectionRecords(session).get("con_1").receipt.counts == {}


def test_a_receipt_needs_a_connection(session):
    key = session.client("kms").create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(KeyError):
        DynamoConnectionWriter(session, key, manifests=BrokerCatalog()).open_receipt("con_9")
