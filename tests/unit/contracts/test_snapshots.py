"""The envelope gives back what the broker sent, byte for byte (I1)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from brokersync.contracts.snapshots import Snapshot, SnapshotRequest, encode_body

NOW = datetime(2026, 3, 2, 10, 30, 0, 123456, tzinfo=UTC)


def envelope(body, **changes):
    encoding, text = encode_body(body)
    content = {
        "snapshot_id": "run_1/0000",
        "source": "oanda",
        "created_at": NOW,
        "feed_id": "acc_1",
        "run_id": "run_1",
        "job_id": "job_1",
        "section": "summary",
        "request": SnapshotRequest(method="GET", path="/v3/accounts", params={"a": "b"}),
        "status": 200,
        "headers": {"requestid": "42"},
        "received_at": NOW,
        "encoding": encoding,
        "body": text,
    }
    return Snapshot(**(content | changes))


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "ignore")),
        st.sampled_from([b"", b"\xef\xbb\xbfbom\r\n\x00\t", b"\xff\xfe\x00", '{"a": "\u2028 \U0001f600"}'.encode()]),
    )
)
def test_i1_every_byte_of_a_body_comes_back(body):
    # given any body at all, written as JSON and read again
    read = Snapshot.model_validate_json(envelope(body).model_dump_json())
    # then it is the same, and text stays readable where it is text
    assert read.page.body == body
    assert read.encoding == ("utf-8" if _is_text(body) else "base64")


def _is_text(body):
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_an_envelope_tells_the_request_and_the_times_as_they_were():
    # given an envelope, written and read
    read = Snapshot.model_validate_json(envelope(b"{}").model_dump_json())
    # then all of it is as before
    assert read == envelope(b"{}")
    page = read.page
    assert (page.section, page.method, page.path, page.params, page.status) == (
        "summary",
        "GET",
        "/v3/accounts",
        {"a": "b"},
        200,
    )
    assert (page.received_at, page.headers) == (NOW, {"requestid": "42"})


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"encoding": "latin-1"}, {"token": "x"}, {"created_at": NOW.replace(tzinfo=None)}]
)
def test_another_envelope_is_refused(changes):
    with pytest.raises(ValidationError):
        envelope(b"{}", **changes)
