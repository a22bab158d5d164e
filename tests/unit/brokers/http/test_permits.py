"""No request without a permit that is good when it goes out (I6)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.brokers.http import RESERVE_SECONDS
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.limiter import RESERVE_AHEAD
from brokersync.domain.manifests import RetryPolicy
from brokersync.domain.runs import RunStats
from tests.fakes import FakePermits
from tests.unit.brokers.http.run import BY_ADDRESS, BY_CREDENTIAL
from tests.unit.brokers.http.scripted_server import answer


def test_i6_a_near_slot_is_waited_for(server, run):
    # given a slot in two seconds
    server.script = [answer()]
    run.permits.wait = timedelta(seconds=2)
    # when it is asked, then the request goes out at the slot
    assert run.http.get(server.url).received_at == run.clock.now()
    assert run.clock.slept == [2.0]


def test_i6_a_far_slot_ends_the_run_before_anything_is_sent(server, run):
    # given a slot further away than anybody waits
    run.permits.wait = RESERVE_AHEAD + timedelta(seconds=1)
    # when it is asked, then the error names the slot, and nothing was sent
    with pytest.raises(RetryLaterError) as caught:
        run.http.get(server.url)
    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert caught.value.not_before == run.clock.now() + run.permits.wait
    assert server.paths == []
    assert run.stats == RunStats(rate_limited=1)


def test_i6_without_a_ledger_nothing_is_sent(server, run):
    # given a ledger that can't be reached
    run.permits.down = True
    # when it is asked, then the failure is told at once and nothing was sent
    with pytest.raises(RetryLaterError) as caught:
        run.http.get(server.url)
    assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE
    assert (server.paths, run.clock.slept) == ([], [])


class SlowPermits(FakePermits):
    """A ledger that answers late for the first `late` permits."""

    def __init__(self, clock, late):
        super().__init__()
        self._clock, self._late = clock, late

    def take(self, key, windows, now):
        slot = super().take(key, windows, now)
        if len(self.taken) <= self._late:
            self._clock.advance(seconds=1)
        return slot


def test_i6_a_late_permit_is_forfeited(server, run, make_brokers):
    # given two permits that come a second too late
    server.script = [answer()]
    permits = SlowPermits(run.clock, late=2)
    brokers = make_brokers(shared_permits=permits, clock=run.clock)
    # when it is asked
    brokers.for_run(BY_CREDENTIAL, "f1", run.deadline, run.stats).get(server.url)
    # then the request went out under the third one
    assert (len(server.paths), len(permits.taken)) == (1, 3)


def test_i6_nothing_is_sent_when_every_permit_comes_late(server, run, make_brokers):
    # given a ledger that is always late
    permits = SlowPermits(run.clock, late=99)
    brokers = make_brokers(shared_permits=permits, clock=run.clock)
    # when it is asked, then that is told as a ledger that doesn't work
    with pytest.raises(RetryLaterError) as caught:
        brokers.for_run(BY_CREDENTIAL, "f1", run.deadline, run.stats).get(server.url)
    assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE
    assert (len(server.paths), len(permits.taken)) == (0, 3)


def test_i6_a_broker_that_counts_by_address_is_paced_by_the_process(server, run, make_brokers):
    # given two runs of different credentials at a broker that counts by address
    server.script = [answer()]
    brokers = make_brokers(shared_permits=run.permits, clock=run.clock)
    one, other = (brokers.for_run(BY_ADDRESS, name, run.deadline, run.stats) for name in ("f1", "f2"))
    # when they ask more often than a second allows
    for _ in range(50):
        one.get(server.url)
        other.get(server.url)
    # then they wait for each other, and the fleet's ledger has no part in it
    assert run.clock.slept != []
    assert run.permits.taken == []


def test_a_run_without_time_asks_nothing(server, run):
    # given a run that is in its reserve already
    run.clock.advance(seconds=60 - RESERVE_SECONDS)
    # when it is asked, then it is told so
    with pytest.raises(RetryLaterError) as caught:
        run.http.get(server.url)
    assert caught.value.code is ErrorCode.TIMEOUT
    assert (server.paths, run.permits.taken) == ([], [])


def test_i6_a_time_that_the_broker_names_closes_the_key_for_everybody(server, run):
    # given a broker that refuses for two minutes
    server.script = [answer(429, Retry_After="120")]
    # when it is asked
    with pytest.raises(RetryLaterError) as caught:
        run.http.get(server.url)
    # then the ledger knows until when, and it was asked once
    assert run.permits.closed == {run.permits.taken[0]: caught.value.not_before}
    assert caught.value.not_before == run.clock.now() + timedelta(minutes=2)
    assert len(server.paths) == 1


def test_a_broker_that_wants_a_pause_after_429_gets_it_without_naming_a_time(server, run, make_brokers):
    # given a broker whose manifest says so
    server.script = [answer(429)]
    manifest = replace(BY_CREDENTIAL, retry=RetryPolicy(rate_limited_pause=timedelta(hours=1)))
    brokers = make_brokers(shared_permits=run.permits, clock=run.clock)
    # when it refuses without a word
    with pytest.raises(RetryLaterError) as caught:
        brokers.for_run(manifest, "f1", run.deadline, run.stats).get(server.url)
    # then nobody asks again before that
    assert caught.value.not_before == run.clock.now() + timedelta(hours=1)
    assert list(run.permits.closed.values()) == [caught.value.not_before]
    assert len(server.paths) == 1


def test_a_429_is_told_though_the_ledger_cannot_be_reached(server, run, monkeypatch):
    # given a ledger that fails when it has to close the key
    def down(*_):
        raise RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "no")

    monkeypatch.setattr(run.permits, "refused", down)
    server.script = [answer(429, Retry_After="120")]
    # when the broker refuses, then its time is told all the same
    with pytest.raises(RetryLaterError) as caught:
        run.http.get(server.url)
    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert caught.value.not_before is not None


@pytest.mark.parametrize(
    ("slug", "same", "other"),
    [
        ("ibkr_flex", {"token": "t", "query_id": "2"}, {"token": "u", "query_id": "1"}),
        ("mt5", {"base_url": "b", "api_key": "k", "login": "2"}, {"base_url": "c", "api_key": "k"}),
        ("tradovate", {"username": "u", "password": "new"}, {"username": "v", "password": "p"}),
        ("snaptrade", {"client_id": "c", "user_id": "2"}, {"client_id": "d", "user_id": "1"}),
    ],
)
def test_i6_requests_are_counted_by_what_the_broker_counts_by(slug, same, other):
    # given a connection, one that shares its counter at the broker, and one that doesn't
    manifest = BrokerCatalog().manifest(slug)
    first = same | {field: "1" for field in ("query_id", "login", "password", "user_id") if field in same}
    counter = manifest.counted_as("fingerprint", first)
    assert manifest.counted_as("another fingerprint", same) == counter
    assert manifest.counted_as("fingerprint", other) != counter
    # and what names it tells none of what was entered
    assert not any(value in counter for value in same.values() if len(value) > 1)
