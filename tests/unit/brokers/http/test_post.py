"""Asking by POST: the same permits, retries and limits as asking by GET, with a body that nothing tells."""

import json
import logging

import pytest

from brokersync.domain.errors import ErrorCode, RetryLaterError
from tests.unit.brokers.http.scripted_server import answer, hang_up


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ({"json": {"name": "me", "cid": 7}}, "application/json", b'{"name":"me","cid":7}'),
        ({"form": {"grant_type": "refresh", "code": "a b"}}, "application/x-www-form-urlencoded", None),
    ],
)
def test_a_body_is_sent_as_json_or_as_a_form(server, run, body, content_type, sent):
    # given a broker that answers
    server.script = [answer(200, b'{"accessToken": "t"}')]
    # when it is asked by POST
    got = run.http.post(f"{server.url}/auth", headers={"Authorization": "Bearer x"}, **body)
    # then the body arrived in that form, and the answer came back
    assert got.body == b'{"accessToken": "t"}'
    ((arrived_type, arrived),) = server.bodies
    assert arrived_type == content_type
    if sent is None:
        assert arrived == b"grant_type=refresh&code=a+b"
    else:
        assert json.loads(arrived) == json.loads(sent)


def test_i6_every_attempt_takes_a_permit_and_the_body_goes_again(server, run):
    # given a broker that hangs up once and has trouble once
    server.script = [hang_up, answer(503), answer(200, b"{}")]
    # when it is asked
    run.http.post(f"{server.url}/auth", json={"name": "me"})
    # then each of the three attempts had its permit and the whole body
    assert len(run.permits.taken) == run.stats.requests == 3
    assert [json.loads(body) for _, body in server.bodies] == [{"name": "me"}] * 3
    assert run.stats.retries == 2


def test_i10_a_broker_that_stays_away_is_told_without_what_was_sent(server, run, caplog):
    # given a broker that never answers
    server.script = [hang_up]
    caplog.set_level(logging.DEBUG)
    # when it is asked with a password
    with pytest.raises(RetryLaterError) as caught:
        run.http.post(f"{server.url}/auth", json={"password": "pass-4711"})
    # then the failure says so, and nothing says the password
    assert caught.value.code is ErrorCode.BROKER_UNAVAILABLE
    assert "pass-4711" not in caplog.text + caught.value.detail + str(caught.value)
