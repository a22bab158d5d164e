"""The fleet's ledger of requests: never over, one write per permit, and nobody asks without it (I6)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokersync.aws.limits import DynamoPermits
from brokersync.aws.tables.limits import LimitItem
from brokersync.brokers.permits import ProcessPermits
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.limiter import GUARD, RESERVE_AHEAD
from brokersync.domain.manifests import LimitWindow
from tests.fakes.time_and_chance import START

STATEMENTS = (LimitWindow(count=1, seconds=1), LimitWindow(count=10, seconds=60))
LISTS = (LimitWindow(count=100, seconds=60),)


@pytest.fixture
def ledger(aws):
    """Makes the ledger of one more process."""
    aws.table(LimitItem).create_table()
    return lambda: DynamoPermits(aws)


@pytest.fixture
def writes(aws):
    counts = Counter()
    aws.client("dynamodb").meta.events.register("before-call.dynamodb", lambda model, **_: counts.update([model.name]))
    return counts


def seconds(slot):
    return (slot - START).total_seconds()


def most_in(slots, window):
    return max(sum(1 for slot in slots if timedelta(0) <= slot - first < window) for first in slots)


def test_i6_the_first_permits_are_good_at_once_and_cost_one_write_each(ledger, writes):
    # given a key that nobody has used, and a window with a burst of 40
    permits = ledger()
    # when it is used half as often as the burst allows
    slots = [permits.take("k", LISTS, START) for _ in range(20)]
    # then nobody waits, and each permit was one update
    assert slots == [START] * 20
    assert writes == {"UpdateItem": 20}


def test_i6_permits_of_an_idle_key_cost_one_write_whoever_used_it_before(ledger, writes):
    # given a key that another process used a minute ago
    other = ledger()
    for _ in range(3):
        other.take("k", STATEMENTS, START)
    writes.clear()
    # when a process that has never seen it takes a permit
    later = START + timedelta(seconds=90)
    assert ledger().take("k", STATEMENTS, later) == later
    # then that is one update
    assert writes == {"UpdateItem": 1}


def test_i6_near_slots_are_reserved_one_after_the_other(ledger):
    permits = ledger()
    assert [seconds(permits.take("k", STATEMENTS, START)) for _ in range(4)] == [0.0, 1.5, 3.0, 4.5]


def test_i6_a_far_slot_is_told_without_using_it_up(ledger, writes):
    # given a key whose next slot is further away than anybody waits
    permits = ledger()
    for _ in range(4):
        permits.take("k", STATEMENTS, START)
    writes.clear()
    # when many ask for it
    told = {permits.take("k", STATEMENTS, START) for _ in range(5)}
    # then all are told the same, nothing was written, and at that time it is there
    (slot,) = told
    assert slot - START > RESERVE_AHEAD
    assert writes == {}
    assert permits.take("k", STATEMENTS, slot) == slot


def test_i6_keys_do_not_wait_for_each_other(ledger):
    permits = ledger()
    assert [permits.take(key, STATEMENTS, START) for key in ("a", "b", "c")] == [START] * 3


def test_a_broker_without_limits_needs_no_permit(ledger, writes):
    assert ledger().take("k", (), START) == START
    assert writes == {}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pauses=st.lists(st.sampled_from([0.0, 0.2, 1.4, 8.0, 70.0]), min_size=1, max_size=25),
    windows=st.sampled_from([STATEMENTS, LISTS]),
)
def test_i6_the_fleets_ledger_and_a_processs_give_the_same_slots(aws, pauses, windows):
    # given a ledger in the table and one in memory
    name = f"key {len(pauses)} {pauses} {windows}"
    if not aws.table(LimitItem).exists():
        aws.table(LimitItem).create_table()
    shared, own, now = DynamoPermits(aws), ProcessPermits(), START
    for pause in pauses:
        # when both are asked at the same times
        now += timedelta(seconds=pause)
        # then they tell the same
        assert shared.take(name, windows, now) == own.take(name, windows, now)


def test_i6_processes_that_take_turns_stay_under_the_limit_together(ledger):
    # given five processes, each with its own memory of the key
    fleet, now, sent = [ledger() for _ in range(5)], START, []
    # when they ask all the time, each waiting for its slot before it asks again
    for turn in range(60):
        slot = fleet[turn % 5].take("k", STATEMENTS, now)
        if slot - now <= RESERVE_AHEAD:
            sent.append(slot + GUARD * (turn % 2))  # some arrive late
        now += timedelta(seconds=1.1)
    # then together they keep both windows, and use them
    assert most_in(sent, timedelta(seconds=1)) == 1
    assert 4 <= most_in(sent, timedelta(seconds=60)) <= 8


def test_the_item_expires_after_its_last_window(aws, ledger):
    # given a key in use
    ledger().take("k", STATEMENTS, START)
    # then its item is of use longer than its windows, and is removed by the table's TTL later
    expires = datetime.fromtimestamp(aws.table(LimitItem).find("k").expires_at, UTC)
    assert START + timedelta(minutes=1) < expires < START + timedelta(days=2)


def test_i6_without_a_table_nobody_gets_a_permit(aws):
    # given a table that is not there
    with pytest.raises(RetryLaterError) as caught:
        DynamoPermits(aws).take("k", STATEMENTS, START)
    assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE


def test_i6_without_a_way_to_the_table_nobody_gets_a_permit(aws, ledger):
    # given a table that can't be reached
    def fail(**_):
        raise EndpointConnectionError(endpoint_url="dynamodb")

    permits = ledger()
    aws.client("dynamodb").meta.events.register("before-call.dynamodb.UpdateItem", fail)
    # then the ledger fails closed
    with pytest.raises(RetryLaterError) as caught:
        permits.take("k", STATEMENTS, START)
    assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE


def test_a_lost_answer_costs_a_slot_and_never_gives_one_twice(aws, ledger):
    # given an update that took effect twice, as when botocore repeats it after a lost answer
    permits, once = ledger(), []

    def repeat(model, params, **_):
        if not once:
            once.append(1)
            DynamoPermits(aws).take("k", STATEMENTS, START)

    aws.client("dynamodb").meta.events.register("before-call.dynamodb.UpdateItem", repeat)
    first = permits.take("k", STATEMENTS, START)
    # then the slots of both are used up
    assert seconds(first) == 1.5
    assert seconds(permits.take("k", STATEMENTS, START)) == 3.0
