"""Raw answers in S3: once, under their key, with the tag that says how long (I1)."""

import gzip
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from brokersync.aws.snapshots import S3Snapshots
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.pages import RawPage
from tests.fakes import FakeClock

BUCKET = "snapshots"
CITED, UNCITED = "transactions", "summary"


class Facts:
    """The catalog's facts, with one uncited section."""

    def manifest(self, slug):
        return replace(BrokerCatalog().manifest(slug), uncited=(UNCITED,))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def snapshots(aws, clock):
    aws.client("s3").create_bucket(Bucket=BUCKET)
    return S3Snapshots(aws, BUCKET, manifests=Facts(), clock=clock)


def page(clock, section=CITED, body=b'{"a": 1}\r\n'):
    return RawPage(
        section=section,
        method="GET",
        path="/v3/accounts/101/transactions/sinceid",
        params={"id": "7"},
        status=200,
        received_at=clock.now() - timedelta(seconds=1),
        body=body,
        headers={"requestid": "42"},
        facts={"currency": "USD"},
    )


def put(snapshots, raw, seq=0):
    return snapshots.put(feed_id="acc_1", run_id="run_1", seq=seq, broker="oanda", job_id="job_1", page=raw)


@pytest.mark.parametrize("body", [b'{"a": 1}\r\n', b"\xff\x00binary", b""])
def test_i1_a_stored_answer_is_read_back_as_it_came(snapshots, clock, body):
    # given an answer that was stored
    raw = page(clock, body=body)
    key = put(snapshots, raw)
    # when it is read back
    snapshot = snapshots.read(key)
    # then it is the same page, with whose it is and when it was stored
    assert snapshot.page == raw
    assert (snapshot.source, snapshot.feed_id, snapshot.run_id, snapshot.job_id) == ("oanda", "acc_1", "run_1", "job_1")
    assert (snapshot.snapshot_id, snapshot.created_at) == ("run_1/0000", clock.now())


@pytest.mark.parametrize(("section", "retention"), [(CITED, "long"), (UNCITED, "short"), ("an error", "long")])
def test_what_a_trade_cites_outlives_the_trade(aws, snapshots, clock, section, retention):
    # given an answer of a section
    key = put(snapshots, page(clock, section))
    # then only those that no entry comes from are of the class that expires, by key and by tag
    assert key == f"snapshots/{retention}/acc_1/run_1/0000.json.gz"
    tags = aws.client("s3").get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    assert tags == [{"Key": "retention", "Value": retention}]


def test_i1_a_snapshot_is_written_once(snapshots, clock):
    # given a stored answer
    key = put(snapshots, page(clock, body=b"first"))
    # when the same key is written again, as after a lost answer
    assert put(snapshots, page(clock, body=b"second")) == key
    # then that is success, and what is there stays
    assert snapshots.read(key).page.body == b"first"


def test_the_pages_of_a_run_are_objects_of_their_own(snapshots, clock):
    keys = [put(snapshots, page(clock, body=str(seq).encode()), seq) for seq in range(3)]
    assert [snapshots.read(key).page.body for key in keys] == [b"0", b"1", b"2"]


def test_the_same_answer_makes_the_same_bytes(aws, snapshots, clock):
    # given the same answer at the same time, stored twice under two numbers
    keys = [put(snapshots, page(clock), seq) for seq in (0, 1)]
    first, second = (aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys)
    # then its bytes differ by the number alone
    assert gzip.decompress(first) == gzip.decompress(second).replace(b"run_1/0001", b"run_1/0000")
    assert first[:10] == second[:10]  # the header has no time of its own


def test_a_missing_snapshot_is_a_key_error(snapshots):
    with pytest.raises(KeyError, match="snapshots/long/none"):
        snapshots.read("snapshots/long/none")


def test_i1_an_answer_that_cannot_be_stored_is_an_error(aws, clock):
    # given a bucket that is not there
    snapshots = S3Snapshots(aws, "gone", manifests=Facts(), clock=clock)
    # then nobody goes on as if the answer was safe
    with pytest.raises(ClientError):
        put(snapshots, page(clock))


@pytest.mark.parametrize(("conflicts", "stored"), [(1, True), (2, True), (3, False)])
def test_a_write_that_meets_itself_is_tried_again(aws, snapshots, clock, conflicts, stored):
    # given a bucket that answers 409 some times
    answers = iter([409] * conflicts)
    s3 = aws.client("s3")

    def conflict(http_response, parsed, **_):
        if next(answers, None):
            parsed["Error"] = {"Code": "ConditionalRequestConflict", "Message": ""}
            http_response.status_code = parsed["ResponseMetadata"]["HTTPStatusCode"] = 409

    s3.meta.events.register("after-call.s3.PutObject", conflict)
    # when an answer is stored
    if stored:
        put(snapshots, page(clock))
        assert next(answers, None) is None
    else:
        with pytest.raises(ClientError):
            put(snapshots, page(clock))


def test_i1_what_entries_may_cite_is_found_again_run_by_run(snapshots, clock):
    # given the answers of three runs of two feeds, some of which nothing cites
    def store(feed_id, run_id, *sections):
        for seq, section in enumerate(sections):
            raw = page(clock, section, body=f"{run_id} {seq}".encode())
            snapshots.put(feed_id=feed_id, run_id=run_id, seq=seq, broker="oanda", job_id="j", page=raw)

    store("acc_1", "run_a", UNCITED, CITED, CITED, CITED)
    store("acc_1", "run_b", UNCITED)
    store("acc_1", "run_c", CITED)
    store("acc_10", "run_d", CITED)
    # when they are looked for, then runs without any are left out, and the list goes on where one wants
    assert list(snapshots.runs("acc_1", "")) == ["run_a", "run_c"]
    assert list(snapshots.runs("acc_1", "run_a")) == ["run_c"]
    assert list(snapshots.runs("acc_1", "run_b")) == ["run_c"]
    assert list(snapshots.runs("acc_1", "run_c")) == []
    # and of a run, the answers that were asked for come in order, with their keys
    found = snapshots.kept("acc_1", "run_a", 0, 2)
    folder = "snapshots/long/acc_1/run_a"
    assert [(key, raw.body) for key, raw in found] == [
        (f"{folder}/0001.json.gz", b"run_a 1"),
        (f"{folder}/0002.json.gz", b"run_a 2"),
    ]
    assert snapshots.kept("acc_1", "run_z", 0, 9) == []
