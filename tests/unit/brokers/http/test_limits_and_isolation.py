"""Limits of time and size, and nothing of one trader's request in another's or in a log."""

import gzip
import logging
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from brokersync.brokers.exchange import Ask, Exchange
from brokersync.brokers.retry import TryAgain
from brokersync.domain.breaker import Verdict, verdict_of
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    OutOfTimeError,
    RetryLaterError,
    UserActionNeededError,
)
from brokersync.domain.runs import RunStats
from brokersync.runtime import SystemClock
from tests.fakes import FakeClock, FakeDeadline
from tests.unit.brokers.http.run import BY_ADDRESS, BY_CREDENTIAL
from tests.unit.brokers.http.scripted_server import answer, hang_up


def real_time(make_brokers, seconds, permits):
    """A run with a real clock, whose waits between tries cost no time."""

    class Clock(SystemClock):
        def sleep(self, seconds):
            pass

    clock = Clock()
    ends = clock.now() + timedelta(seconds=60)

    class Deadline:
        def seconds_left(self):
            return (ends - clock.now()).total_seconds()

    http = make_brokers(shared_permits=permits, clock=clock, timeout_seconds=seconds)
    return http.for_run(BY_CREDENTIAL, "f1", Deadline(), RunStats())


def silence(handler):
    time.sleep(0.5)


def drip(handler):
    """An answer of two seconds, a byte at a time, each in time."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.02)
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize("slow", [silence, drip])
def test_a_slow_answer_ends_in_a_timeout(server, run, make_brokers, slow):
    # given a broker that is silent, or slower in all than we wait
    server.script = [slow]
    # when it is asked, then the whole answer has its time limit, not each of its bytes
    with pytest.raises(RetryLaterError) as caught:
        real_time(make_brokers, 0.2, run.permits).get(server.url)
    assert caught.value.code is ErrorCode.TIMEOUT
    assert verdict_of(caught.value) is Verdict.FAULT


@pytest.mark.parametrize("slow", [silence, drip])
def test_a_timeout_for_our_own_lack_of_time_is_not_the_brokers(server, run, slow):
    # given a run with a fifth of a second left, and a broker that takes longer
    server.script = [slow]
    exchange = Exchange(clock=SystemClock(), timeout_seconds=30, max_bytes=2**20)
    # when it is asked, then that says nothing about the broker
    with closing(exchange), pytest.raises(TryAgain) as caught:
        exchange.send(Ask("GET", server.url), 0.2)
    assert isinstance(caught.value.error, OutOfTimeError)
    assert verdict_of(caught.value.error) is Verdict.NOTHING


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_over_the_cap_is_refused_by_its_decompressed_size(server, run, compressed):
    # given an answer of three times the cap, which is small on the wire if compressed
    body = b" " * (3 * 2**20)
    encoding = {"Content_Encoding": "gzip"} if compressed else {}
    server.script = [answer(200, gzip.compress(body) if compressed else body, **encoding)]
    # when it is asked for, then it is refused at once
    with pytest.raises(BrokerChangedError) as caught:
        run.http.get(server.url)
    assert caught.value.safe_message == "The broker's answer is larger than 1 MB."
    assert run.stats.requests == 1


def test_an_answer_of_exactly_the_cap_is_taken(server, run):
    server.script = [answer(200, b" " * 2**20)]
    assert len(run.http.get(server.url).body) == 2**20


def test_i7_a_cookie_of_one_request_is_never_sent_with_another(server, run):
    # given a broker that sets a cookie
    server.script = [answer(200, Set_Cookie="session=of-one-trader; Path=/")]
    # when two requests follow each other
    first = run.http.get(server.url)
    run.http.get(server.url)
    # then the second one has no cookie, and the answer doesn't hand it on
    assert [asked["Cookie"] for asked in server.headers] == [None, None]
    assert "set-cookie" not in first.headers


def test_i7_the_machines_proxy_has_no_part_in_it(server, run, make_brokers, monkeypatch):
    # given a machine with a proxy that doesn't answer
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.script = [answer()]
    clock = FakeClock()
    brokers = make_brokers(shared_permits=run.permits, clock=clock)
    http = brokers.for_run(BY_ADDRESS, "", FakeDeadline(clock), RunStats())
    # then the broker is asked directly
    assert http.get(server.url).status == 200


SECRET = "998877665544332211"


@pytest.mark.parametrize("fault", [answer(500), answer(429), hang_up, answer(200, b" " * (2**20 + 1))])
def test_i7_no_error_and_no_log_line_tells_a_token(server, run, fault, caplog):
    # given a broker whose token is in the query, and every log line let through
    caplog.set_level(logging.DEBUG)
    server.script = [fault]
    # when it fails
    with pytest.raises((RetryLaterError, BrokerChangedError)) as caught:
        run.http.get(f"{server.url}/Get", params={"t": SECRET}, headers={"Authorization": f"Bearer {SECRET}"})
    # then neither the error with all that led to it nor the log has it
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in caught.value.detail
    assert SECRET not in caplog.text


@pytest.mark.parametrize("token", ["line\nbreak", "caf\u00e9", "tab\there", "space at the end "])
def test_i7_a_credential_that_http_cannot_carry_is_the_traders_to_mend(run, token):
    # given a token with a character that a header can't have
    with pytest.raises(UserActionNeededError) as caught:
        run.http.get("http://127.0.0.1:9", headers={"Authorization": f"Bearer {token}"})
    # then the trader is told, without the token
    assert caught.value.code is ErrorCode.CREDENTIALS_REJECTED
    assert token not in "".join(traceback.format_exception(caught.value))


def test_one_factory_serves_ten_threads(server, run, make_brokers):
    # given ten runs at once over one factory
    server.script = [answer()]
    brokers = make_brokers(shared_permits=run.permits, clock=run.clock)
    counts = [RunStats() for _ in range(10)]

    def ask(stats):
        http = brokers.for_run(BY_CREDENTIAL, "f1", run.deadline, stats)
        return [http.get(server.url).status for _ in range(10)]

    # when each asks ten times
    with ThreadPoolExecutor(10) as threads:
        statuses = list(threads.map(ask, counts))
    # then each has its answers and its own counts
    assert statuses == [[200] * 10] * 10
    assert [stats.requests for stats in counts] == [10] * 10
