"""Writes that meet another transaction: tried again for a while, without taking effect twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from moto.core.botocore_stubber import MockRawResponse

from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.session import CONFLICT_TRIES, AwsSession
from brokersync.aws.tables.trades import TradeItem
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import Lease
from brokersync.ports.feeds import Acquired
from brokersync.ports.storage import Inserted
from tests.contract import made
from tests.contract.test_ports_ledger import first_version


def refuse(session: AwsSession, answer: Callable[[int], dict | None]) -> list[dict]:
    """Answer writes with an error instead of passing them on; None passes on. Returns the writes as they come."""
    seen: list[dict] = []

    def intercept(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        if operation not in {"UpdateItem", "TransactWriteItems"}:
            return None
        seen.append(json.loads(request.body))
        error = answer(len(seen))
        if error is None:
            return None
        request.headers["X-Amz-Target"], request.body = (
            "DynamoDB_20120810.ListTables",
            b"{}",
        )  # moto answers all the same
        return AWSResponse(request.url, 400, {}, MockRawResponse(json.dumps(error).encode()))

    session.client("dynamodb").meta.events.register_first("before-send.dynamodb", intercept)
    return seen


def cancelled(*reasons: dict) -> dict:
    return {"__type": "x#TransactionCanceledException", "message": "cancelled", "CancellationReasons": list(reasons)}


NONE, CONFLICT = {"Code": "None"}, {"Code": "TransactionConflict", "Message": "conflict"}
LOST = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}


@pytest.fixture
def lease(tables: AwsSession) -> Lease:
    feeds = DynamoFeeds(tables)
    feeds.create(made.feed())
    got = feeds.acquire("acc_1", token="t", run_id="r", job=made.job(), now=made.NOW)
    assert isinstance(got, Acquired)
    return got.lease


def test_an_update_waits_for_another_transaction(tables: AwsSession, lease: Lease):
    # given a feed that a transaction is writing to
    conflict = {"__type": "x#TransactionConflictException", "message": "Transaction is ongoing for the item"}
    seen = refuse(tables, lambda number: conflict if number <= 2 else None)
    # when the cursor is moved
    DynamoFeeds(tables).advance(lease, "9", Coverage(), None)
    # then it is moved once the transaction is over
    assert len(seen) == 3
    assert DynamoFeeds(tables).get("acc_1").cursor == "9"


def test_a_transaction_that_meets_another_goes_again_with_its_token(tables: AwsSession, lease: Lease):
    # given a feed that somebody else is writing to
    seen = refuse(tables, lambda number: cancelled(NONE, CONFLICT) if number == 1 else None)
    # when a trade is inserted
    result = DynamoLedger(tables).insert(lease, [made.new(made.execution())], None)
    # then it is, by the same transaction
    assert result.inserted == 1
    assert seen[0] == seen[1]
    assert seen[0]["ClientRequestToken"]


def test_a_conflict_that_does_not_end_is_an_error(tables: AwsSession, lease: Lease, monkeypatch: pytest.MonkeyPatch):
    # given a feed that is never free
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    seen = refuse(tables, lambda number: cancelled(NONE, CONFLICT))
    # when a trade is inserted
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        DynamoLedger(tables).insert(lease, [made.new(made.execution())], None)
    # then it was tried a bounded number of times
    assert len(seen) == CONFLICT_TRIES


def test_i2_what_exists_is_left_out_though_the_rest_met_a_conflict(tables: AwsSession, lease: Lease):
    # given a stored trade, and a new one whose insertion meets a conflict at the same time
    ledger = DynamoLedger(tables)
    known, fresh = made.new(made.execution("7")), made.new(made.execution("9"))
    ledger.insert(lease, [known], None)
    item = TradeItem.current(first_version(known))
    refuse(tables, lambda number: cancelled(LOST | {"Item": item}, CONFLICT, NONE) if number == 1 else None)
    # when both are inserted
    result = ledger.insert(lease, [known, fresh], "9")
    # then the new one is stored, the other one told, and the cursor moved
    assert result == Inserted(inserted=1, existing=[(known, first_version(known))])
    assert DynamoFeeds(tables).get("acc_1").cursor == "9"


def test_i4_a_lost_lease_is_told_before_anything_else(tables: AwsSession, lease: Lease):
    # given a stored trade, and a worker whose lease is lost
    ledger = DynamoLedger(tables)
    known = made.new(made.execution("7"))
    ledger.insert(lease, [known], None)
    # when it inserts the trade again with another one
    with pytest.raises(LeaseLostError):
        ledger.insert(replace(lease, epoch=99), [known, made.new(made.execution("8"))], None)
    # then nothing was stored
    assert ledger.get_trade("acc_1", "8") is None


def test_i2_large_entries_are_split_by_size(tables: AwsSession, lease: Lease):
    # given entries that together are larger than a transaction may be
    entries = [made.new(made.cash_event(str(number), description="x" * 390_000)) for number in range(11)]
    seen = refuse(tables, lambda number: None)
    # when they are inserted
    result = DynamoLedger(tables).insert(lease, entries, "9")
    # then no transaction comes near the 4 MB, and all are there
    assert result.inserted == 11
    assert [len(write["TransactItems"]) for write in seen] == [11, 2]
    assert all(len(json.dumps(write)) < 4 * 1024**2 for write in seen)


def test_a_trade_is_a_number_to_dynamodb_and_has_a_time_key_only_while_it_is_current(tables: AwsSession, lease: Lease):
    # given a stored trade
    new = made.new(made.execution("7", price=Decimal("1.084315")))
    DynamoLedger(tables).insert(lease, [new], None)
    # then its row has exact numbers, and the key that sorts it by time
    row = TradeItem.current(first_version(new))
    assert row["execution"]["M"]["price"] == {"N": "1.084315"}
    assert row["time_key"] == {"S": f"{new.entry.occurred_at.ns:020d}#7"}
    assert row["source_trade_id"] == {"S": "7"}
    # and the row that keeps it after a correction has none
    old = TradeItem.replaced(first_version(new))
    assert "time_key" not in old
    assert old["source_trade_id"] == {"S": "7#v0001"}
