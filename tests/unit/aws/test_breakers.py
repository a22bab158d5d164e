"""The breakers as a table: one probe at a time, and only its holder closes."""

from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from brokersync.aws.breakers import DynamoBreakers
from brokersync.aws.tables.breakers import BreakerItem
from brokersync.domain.breaker import BreakerState
from brokersync.domain.errors import ErrorCode, RetryLaterError
from tests.fakes.breakers import FakeBreakers
from tests.fakes.time_and_chance import START

MINUTE = timedelta(minutes=1)
LATER = START + MINUTE


@pytest.fixture(params=["table", "memory"])
def breakers(request, aws):
    """The store, and the one in memory that other tests believe in."""
    if request.param == "memory":
        return FakeBreakers()
    aws.table(BreakerItem).create_table()
    return DynamoBreakers(aws)


def test_a_breaker_that_was_never_opened_is_not_there(breakers):
    assert breakers.read(["a", "b"]) == {}
    probe = breakers.take_probe("a", START, LATER)
    assert (probe.ours, probe.state) == (False, None)


def test_an_open_breaker_remembers_since_when(breakers):
    # given a breaker that is opened again and again
    breakers.open("a", START, LATER)
    breakers.open("a", LATER, LATER + MINUTE)
    # then it is open from the first time until the last
    assert breakers.read(["a", "b"]) == {"a": BreakerState(since=START, open_until=LATER + MINUTE)}


def test_nobody_probes_an_open_breaker_and_one_a_half_open_one(breakers):
    # given an open breaker
    breakers.open("a", START, LATER)
    assert not breakers.take_probe("a", LATER - timedelta(microseconds=1), LATER + MINUTE).ours
    # when its time is over, then the first one probes, and the others see until when
    first, second = (breakers.take_probe("a", LATER, LATER + MINUTE) for _ in range(2))
    assert (first.ours, second.ours) == (True, False)
    assert second.state == BreakerState(since=START, open_until=LATER, probe_until=LATER + MINUTE)
    # and when the probe's worker died, another one takes over
    assert breakers.take_probe("a", LATER + MINUTE, LATER + 2 * MINUTE).ours


def test_only_the_probe_closes(breakers):
    # given a probe that took so long that another one took over
    breakers.open("a", START, LATER)
    breakers.take_probe("a", LATER, LATER + MINUTE)
    breakers.take_probe("a", LATER + MINUTE, LATER + 2 * MINUTE)
    # when the first one is done after all, then nothing changes
    breakers.close("a", LATER + MINUTE)
    breakers.give_back("a", LATER + MINUTE)
    assert breakers.read(["a"])["a"].probe_until == LATER + 2 * MINUTE
    # and the second one closes it
    breakers.close("a", LATER + 2 * MINUTE)
    assert breakers.read(["a"]) == {}


def test_a_probe_that_learned_nothing_is_given_back(breakers):
    breakers.open("a", START, LATER)
    breakers.take_probe("a", LATER, LATER + MINUTE)
    breakers.give_back("a", LATER + MINUTE)
    assert breakers.take_probe("a", LATER, LATER + MINUTE).ours


def test_a_probe_that_met_a_fault_opens_again(breakers):
    breakers.open("a", START, LATER)
    breakers.take_probe("a", LATER, LATER + MINUTE)
    breakers.open("a", LATER, LATER + MINUTE)
    assert breakers.read(["a"])["a"] == BreakerState(since=START, open_until=LATER + MINUTE)


def test_a_store_that_cannot_be_reached_holds_the_run_back(aws):
    # given a table that can't be reached
    def fail(**_):
        raise EndpointConnectionError(endpoint_url="dynamodb")

    aws.table(BreakerItem).create_table()
    for operation in ("BatchGetItem", "UpdateItem"):
        aws.client("dynamodb").meta.events.register(f"before-call.dynamodb.{operation}", fail)
    breakers = DynamoBreakers(aws)
    # then every call says so in the engine's words
    for call in (
        lambda: breakers.read(["a"]),
        lambda: breakers.open("a", START, LATER),
        lambda: breakers.take_probe("a", START, LATER),
        lambda: breakers.give_back("a", LATER),
        lambda: breakers.close("a", LATER),
    ):
        with pytest.raises(RetryLaterError) as caught:
            call()
        assert caught.value.code is ErrorCode.CIRCUIT_OPEN
