"""Requests are signed as SnapTrade's documentation says."""

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.snaptrade.signing import query_text, signature


def test_a_signature_is_the_documented_one() -> None:
    # given the documentation's example, its content written out
    content = (
        '{"content":{"userId":"new_user_123"},"path":"/api/v1/snapTrade/registerUser",'
        '"query":"clientId=PASSIVTEST&timestamp=1635790389"}'
    )
    expected = base64.b64encode(hmac.new(b"YOUR_CONSUMER_KEY", content.encode(), hashlib.sha256).digest()).decode()
    # when it is signed
    signed = signature(
        "YOUR_CONSUMER_KEY",
        "/api/v1/snapTrade/registerUser",
        "clientId=PASSIVTEST&timestamp=1635790389",
        {"userId": "new_user_123"},
    )
    # then
    assert signed == expected


def test_a_request_without_body_signs_null() -> None:
    content = b'{"content":null,"path":"/accounts","query":"clientId=A"}'
    expected = base64.b64encode(hmac.new(b"key", content, hashlib.sha256).digest()).decode()
    assert signature("key", "/accounts", "clientId=A") == expected


@given(st.text(), st.text())
def test_a_query_has_only_what_needs_no_quoting_again(name: str, value: str) -> None:
    # given any text in a query; when it is written, then whoever sends it has nothing left to change
    assert query_text([(name, value)]).isascii()
    assert not set(query_text([(name, value)])) & set(' "<>#+')
