"""Answers and faults, against a real server: what is told, what is tried again, and how it is classified."""

import gzip
import tomllib
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from brokersync.brokers.exchange import USER_AGENT
from brokersync.brokers.http import RESERVE_SECONDS
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError
from brokersync.domain.runs import RunStats
from tests.unit.brokers.http.scripted_server import answer, cut_short, hang_up


def test_an_answer_is_told_as_it_came_with_the_transfers_compression_undone(server, run):
    # given a compressed answer with a header in capitals
    body = b'{"price": "1.10", "text": "\xc3\xa9\r\n"}'
    server.script = [answer(200, gzip.compress(body), Content_Encoding="gzip", RequestID="42")]
    # when it is asked for
    got = run.http.get(f"{server.url}/v3", params={"a": "b c"}, headers={"Authorization": "Bearer x"})
    # then status, headers by lower-case names and the decoded bytes come back, with the time
    assert (got.status, got.body, got.headers["requestid"], got.received_at) == (200, body, "42", run.clock.now())
    # and the request said who we are
    assert server.paths == ["/v3?a=b+c"]
    assert server.headers[0]["User-Agent"] == USER_AGENT
    assert server.headers[0]["Authorization"] == "Bearer x"


def test_we_call_ourselves_by_the_projects_version():
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    assert f"{project['name']}/{project['version']}" == USER_AGENT


@pytest.mark.parametrize("status", [204, 301, 307, 400, 401, 403, 404, 408, 416])
def test_what_another_status_means_is_the_brokers_business(server, run, status):
    # given a status that is neither 429 nor 5xx, such as a redirect
    server.script = [answer(status, b"", Location="/elsewhere")]
    # when it is asked for, then it comes back after one attempt, and no redirect is followed
    assert run.http.get(server.url).status == status
    assert run.stats == RunStats(requests=1)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (answer(500), ErrorCode.BROKER_UNAVAILABLE),
        (answer(503, b"maintenance"), ErrorCode.BROKER_UNAVAILABLE),
        (answer(429), ErrorCode.RATE_LIMITED),
        (hang_up, ErrorCode.BROKER_UNAVAILABLE),
        (cut_short, ErrorCode.BROKER_UNAVAILABLE),
        (answer(200, b"no gzip", Content_Encoding="gzip"), ErrorCode.BROKER_UNAVAILABLE),
    ],
)
class TestPassingFaults:
    def test_i6_a_fault_that_heals_is_tried_again_with_a_permit_for_each_attempt(self, server, run, bad, code):
        # given two faults, then an answer
        server.script = [bad, bad, answer(200, b"good")]
        # when it is asked for
        assert run.http.get(server.url).body == b"good"
        # then three attempts took three permits and were counted
        limited = 2 if code is ErrorCode.RATE_LIMITED else 0
        assert run.stats == RunStats(requests=3, retries=2, rate_limited=limited)
        assert run.permits.taken == ["oanda:f1"] * 3
        assert len(run.clock.slept) == 2

    def test_a_fault_that_stays_is_classified_after_four_attempts(self, server, run, bad, code):
        # given a fault that stays
        server.script = [bad]
        # when it is asked for, then the retries are used up and the error says what to do
        with pytest.raises(RetryLaterError) as caught:
            run.http.get(server.url)
        assert caught.value.code is code
        assert caught.value.not_before is None
        assert (run.stats.requests, run.stats.retries) == (4, 3)

    def test_no_retry_is_begun_in_the_runs_reserve(self, server, run, bad, code):
        # given a fault, and a run with a fraction of a second before its reserve
        server.script = [bad]
        run.deadline.ends_at = run.clock.now() + timedelta(seconds=RESERVE_SECONDS + 0.3)
        # when it is asked for, then the first failure ends it, without a wait
        with pytest.raises(RetryLaterError):
            run.http.get(server.url)
        assert (run.stats.requests, run.clock.slept) == (1, [])


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_long_hint_ends_the_run_and_is_handed_on(server, run, status, form):
    # given a broker that asks for two minutes, in either form
    until = run.clock.now() + timedelta(minutes=2)
    server.script = [answer(status, Retry_After="120" if form == "seconds" else format_datetime(until, usegmt=True))]
    # when it is asked, then nobody waits here, and the error says until when
    with pytest.raises(RetryLaterError) as caught:
        run.http.get(server.url)
    assert caught.value.not_before == until
    assert (run.stats.requests, run.clock.slept) == (1, [])


def test_a_short_hint_is_waited_for(server, run):
    # given a broker that asks for three seconds
    server.script = [answer(429, Retry_After="3"), answer(200)]
    # when it is asked, then we wait so long and no shorter
    assert run.http.get(server.url).status == 200
    assert run.clock.slept == [3.0]


@pytest.mark.parametrize("url", ["ftp://host/x", "nonsense", "http://host:port/"])
def test_an_address_that_is_none_is_the_brokers_fault(run, url):
    with pytest.raises(BrokerChangedError):
        run.http.get(url)


def test_a_dead_host_is_told_as_unavailable(run):
    with pytest.raises(RetryLaterError) as caught:
        run.http.get("http://127.0.0.1:9/")
    assert caught.value.code is ErrorCode.BROKER_UNAVAILABLE
