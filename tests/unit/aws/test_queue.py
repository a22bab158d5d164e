"""Every job gets into its queue, whatever SQS answers (I11)."""

from datetime import UTC, datetime

import pytest

from brokersync.aws.batches import ROUNDS
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.session import AwsSession
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.runs import RequestedBy
from tests.unit.aws.aws_endpoint import aws_endpoint, lost


def jobs(count, delay=0):
    now = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    return [
        (
            SyncJob(job_id=f"job_{n}", feed_id=f"acc_{n}", requested_by=RequestedBy.SYSTEM, requested_at=now, tick=1),
            f"user_{n}",
            delay,
        )
        for n in range(count)
    ]


@pytest.fixture
def urls(aws):
    sqs = aws.client("sqs")
    return [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("sync", "backfill")]


def received(aws, url):
    """Everything that can be received, as (job, group)."""
    found = []
    while (
        messages := aws.client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
        .get("Messages", [])
    ):
        found += [(SyncJob.model_validate_json(m["Body"]), m["Attributes"]["MessageGroupId"]) for m in messages]
    return sorted(found, key=lambda one: int(one[0].job_id.removeprefix("job_")))


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_every_job_is_sent_once_under_its_user(aws, urls, count):
    # given some jobs, more than a batch
    sent = jobs(count)
    # when they are sent
    SqsSyncQueue(aws, *urls).send(sent)
    # then each is in the queue once, grouped by its user, and the other queue is empty
    assert received(aws, urls[0]) == [(job, user) for job, user, _ in sent]
    assert received(aws, urls[1]) == []


def test_backfills_have_their_own_queue(aws, urls):
    SqsSyncQueue(aws, *urls).send(jobs(1), backfill=True)
    assert (len(received(aws, urls[0])), len(received(aws, urls[1]))) == (0, 1)


def test_a_delayed_job_waits_in_the_queue(aws, urls):
    # given a job for later and one for now, in one batch
    SqsSyncQueue(aws, *urls).send(jobs(1, delay=600) + jobs(2)[1:])
    # then only the second one can be received, and the first one is there
    assert [job.job_id for job, _ in received(aws, urls[0])] == ["job_1"]
    waiting = aws.client("sqs").get_queue_attributes(
        QueueUrl=urls[0], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert waiting["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_i11_an_unreachable_queue_is_told_so(aws, urls):
    # given a queue that is gone
    queue = SqsSyncQueue(aws, urls[0] + "-gone", urls[1])
    # when jobs are sent, then the caller knows that they have to be sent again
    with pytest.raises(RetryLaterError) as caught:
        queue.send(jobs(1))
    assert caught.value.code is ErrorCode.INTERNAL


# --- answers that moto never gives ----------------------------------------------------------------------------------


def accept(request):
    return {
        "Successful": [{"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""} for entry in request["Entries"]]
    }


def refuse_the_second(request):
    refused = {"Id": request["Entries"][1]["Id"], "SenderFault": False, "Code": "InternalError"}
    kept = {"Entries": [entry for entry in request["Entries"] if entry["Id"] != refused["Id"]]}
    return accept(kept) | {"Failed": [refused]}


def refuse(request):
    return {"Failed": [{"Id": entry["Id"], "SenderFault": False, "Code": "x"} for entry in request["Entries"]]}


def queue_at(url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    return SqsSyncQueue(AwsSession(region="us-east-1"), f"{url}/1/sync", f"{url}/1/backfill")


def bodies(asked):
    return [[SyncJob.model_validate_json(entry["MessageBody"]).job_id for entry in one["Entries"]] for one in asked]


def test_i11_entries_that_sqs_refuses_are_sent_again_and_no_others(monkeypatch):
    # given a queue that refuses the second entry of each of two batches, once
    with aws_endpoint(refuse_the_second, refuse_the_second, accept) as (url, asked):
        # when twelve jobs are sent
        queue_at(url, monkeypatch).send(jobs(12))
    # then the refused ones followed together
    assert bodies(asked) == [[f"job_{n}" for n in range(10)], ["job_10", "job_11"], ["job_1", "job_11"]]


def test_i11_a_batch_whose_answer_is_lost_is_sent_again(monkeypatch):
    # given a queue that takes the jobs, and whose answer is lost
    with aws_endpoint(lost, accept) as (url, asked):
        queue_at(url, monkeypatch).send(jobs(2))
    # then they came twice
    assert bodies(asked) == [["job_0", "job_1"], ["job_0", "job_1"]]


def test_i11_jobs_that_are_refused_for_good_are_told_with_their_number(monkeypatch):
    # given a queue that refuses everything
    with aws_endpoint(refuse) as (url, asked), pytest.raises(RetryLaterError) as caught:
        queue_at(url, monkeypatch).send(jobs(3))
    # then it was tried some times, and the error counts what is missing
    assert len(asked) == ROUNDS
    assert caught.value.detail == "3 of 3 jobs not sent"
