"""No address tells a token, an account number or a user (I7)."""

import logging

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.redaction import redact, silence_http_logs


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "https://flex.example.com/FlexWebService/SendRequest?t=998877&q=12&v=3",
            "https://flex.example.com/FlexWebService/SendRequest?t=***&q=***&v=***",
        ),
        (
            "https://api.example.com/v3/accounts/101-004-1435156-001/summary",
            "https://api.example.com/v3/accounts/***/summary",
        ),
        ("http://127.0.0.1:8080/v3?empty=", "http://127.0.0.1:8080/v3?empty=***"),
        ("https://user:secret@api.example.com/", "https://api.example.com/"),
        ("https://api.example.com/v1#token=secret", "https://api.example.com/v1"),
        ("https://[broken/secret", "***"),
        ("https://api.example.com:port/secret", "***"),
    ],
)
def test_i7_an_address_keeps_its_names_and_loses_its_values(url, told):
    assert redact(url) == told


@given(st.text(alphabet="abcdefXYZ0123456789", min_size=8, max_size=60))
def test_i7_a_query_value_is_never_told(secret):
    assert secret not in redact(f"https://api.example.com/path?t={secret}&x={secret}")


@pytest.fixture
def httpx_logger():
    logger = logging.getLogger("httpx")
    before = (logger.level, list(logger.filters))
    yield logger
    logger.setLevel(before[0])
    logger.filters[:] = before[1]


def test_i7_httpx_does_not_log_addresses_even_when_its_logger_is_turned_up(httpx_logger, caplog):
    # given the process's logs as we set them up, twice, since set-up may run again
    silence_http_logs()
    silence_http_logs()
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        # when httpx tells of a request at INFO
        client.get("https://api.example.com/?t=998877")
        # then nothing is logged
        assert caplog.records == []
        # and when somebody turns its logger up
        httpx_logger.setLevel(logging.DEBUG)
        client.get("https://api.example.com/?t=998877")
    # then the line comes without the token
    assert "t=***" in caplog.text
    assert "998877" not in caplog.text
