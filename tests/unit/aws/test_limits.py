"""The ledger of limits as a table: compare and set, a small item, and nobody asks without it (I6)."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from brokersync.aws.limits import DynamoLimitLedger
from brokersync.aws.tables.limits import LimitItem
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.limiter import MOST_USES, Uses, Window
from brokersync.ports.limits import LimitEntry
from brokersync.services.shared_limits import SharedLimits
from tests.bench.sizes import item_size
from tests.fakes.limits import FakeLimitLedger
from tests.fakes.time_and_chance import START

LISTS = (Window(80, 60),)
ENTRY = LimitEntry(turn="one", log=(Uses(START, 3), Uses(START + timedelta(microseconds=1), 5)))
OTHER = LimitEntry(turn="two", log=(Uses(START + timedelta(minutes=1), 1),))


@pytest.fixture(params=["table", "memory"])
def ledger(request, aws):
    """The ledger, and the one in memory that other tests believe in."""
    if request.param == "memory":
        return FakeLimitLedger()
    aws.table(LimitItem).create_table()
    return DynamoLimitLedger(aws)


def test_what_is_written_is_read_to_the_microsecond(ledger):
    assert ledger.read("k") is None
    assert ledger.start("k", ENTRY, idle_since=START) is None
    assert ledger.read("k") == ENTRY


def test_i6_a_key_is_changed_only_by_who_knows_its_turn(ledger):
    # given an entry that somebody replaced
    ledger.start("k", ENTRY, idle_since=START)
    assert ledger.replace("k", OTHER, turn="one") is None
    # when another one who knows the first replaces it, then it is refused and sees the second
    assert ledger.replace("k", ENTRY, turn="one") == OTHER
    assert ledger.read("k") == OTHER


def test_i6_only_an_idle_key_is_started_anew(ledger):
    # given a key that was used until a time
    ledger.start("k", OTHER, idle_since=START)
    last = OTHER.log[0].until
    # when it is started by who thinks it idle, then only if it is
    assert ledger.start("k", ENTRY, idle_since=last - timedelta(microseconds=1)) == OTHER
    assert ledger.start("k", ENTRY, idle_since=last) is None
    assert ledger.read("k") == ENTRY


def test_a_key_that_was_removed_is_told_as_empty(ledger):
    assert ledger.replace("gone", ENTRY, turn="one") == LimitEntry(turn="", log=())


def test_the_longest_log_is_one_write_unit(aws):
    # given a log of as many entries as it ever has, under a long key
    table = aws.table(LimitItem)
    table.create_table()
    key = "some_broker:" + "f" * 64
    log = tuple(Uses(START + timedelta(seconds=number), 100) for number in range(MOST_USES))
    DynamoLimitLedger(aws).start(key, LimitEntry(turn="0" * 16, log=log), idle_since=START)
    # then what the table bills for is one unit
    raw = aws.client("dynamodb").get_item(TableName=table.Meta.table_name, Key={"limit_key": {"S": key}})["Item"]
    assert item_size(raw) <= 1024


def test_the_item_expires_after_its_last_use(aws):
    # given a key in use
    aws.table(LimitItem).create_table()
    DynamoLimitLedger(aws).start("k", OTHER, idle_since=START)
    # then its item is of use longer than its windows, and is removed by the table's TTL later
    expires = datetime.fromtimestamp(aws.table(LimitItem).find("k").expires_at, UTC)
    assert START + timedelta(days=1) < expires < START + timedelta(days=4)


def test_i6_without_a_table_nobody_gets_a_permit(aws):
    # given a table that is not there
    for ask in (SharedLimits(DynamoLimitLedger(aws)).take, SharedLimits(DynamoLimitLedger(aws)).status):
        with pytest.raises(RetryLaterError) as caught:
            ask("k", LISTS, START)
        assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE


def test_i6_without_a_way_to_the_table_nobody_gets_a_permit(aws):
    # given a table that can't be reached
    def fail(**_):
        raise EndpointConnectionError(endpoint_url="dynamodb")

    aws.table(LimitItem).create_table()
    permits = SharedLimits(DynamoLimitLedger(aws))
    for operation in ("UpdateItem", "GetItem"):
        aws.client("dynamodb").meta.events.register(f"before-call.dynamodb.{operation}", fail)
    # then the ledger fails closed
    for ask in (permits.take, permits.status):
        with pytest.raises(RetryLaterError) as caught:
            ask("k", LISTS, START)
        assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE


def test_an_update_that_is_sent_twice_because_its_answer_was_lost_counts_once(aws):
    # given an update that took effect, whose answer was lost: botocore sends it again
    aws.table(LimitItem).create_table()
    ledger, again = DynamoLimitLedger(aws), DynamoLimitLedger(aws)
    assert ledger.start("k", ENTRY, idle_since=START) is None
    # then the second one finds itself
    assert again.start("k", ENTRY, idle_since=START - timedelta(days=1)) is None
    ledger.replace("k", OTHER, turn="one")
    assert again.replace("k", OTHER, turn="one") is None
