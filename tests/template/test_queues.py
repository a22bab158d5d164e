"""Queues: nobody else gets a message while it is worked on, and what fails for good is kept and noticed."""

import json

import pytest

from brokersync.domain.feeds import LEASE_SECONDS, POISON_RECEIVES
from tests.template.reading import deployed, resources, text_of, written

QUEUES = resources(written(), "AWS::SQS::Queue")
MAPPINGS = resources(deployed(), "AWS::Lambda::EventSourceMapping")
SYNC = resources(written(), "AWS::Serverless::Function")["SyncFunction"]
DEAD_LETTERS = {"SyncJobsQueue": "SyncJobsDlq", "SyncBackfillQueue": "SyncBackfillDlq"}

each_job_queue = pytest.mark.parametrize("name", sorted(DEAD_LETTERS))


@each_job_queue
def test_i4_a_message_stays_hidden_for_six_timeouts_and_longer_than_the_lease(name: str) -> None:
    # given a job queue; then it keeps AWS's rule for consumers, and a dead worker's lease ends before the redelivery
    assert QUEUES[name]["VisibilityTimeout"] >= 6 * SYNC["Timeout"]
    assert SYNC["Timeout"] < LEASE_SECONDS < QUEUES[name]["VisibilityTimeout"]


@each_job_queue
def test_i10_a_job_that_fails_for_good_is_kept_in_the_queues_own_dlq(name: str) -> None:
    # given a job queue
    redrive = QUEUES[name]["RedrivePolicy"]
    # then it gives up after as many receives as the feed's rules count on
    assert text_of(redrive["deadLetterTargetArn"]) == f"{DEAD_LETTERS[name]}.Arn"
    assert redrive["maxReceiveCount"] == POISON_RECEIVES
    # and the DLQ takes from that queue only, which it names by name (GetAtt would go round in a circle)
    allow = QUEUES[DEAD_LETTERS[name]]["RedriveAllowPolicy"]
    assert allow["redrivePermission"] == "byQueue"
    (source,) = allow["sourceQueueArns"]
    assert text_of(source).endswith(f":{text_of(QUEUES[name]['QueueName'])}")


def test_every_queue_is_one_of_jobs_or_of_dead_letters() -> None:
    # given all queues; then each that is consumed has a DLQ, and the schedule has its own
    assert set(QUEUES) == {*DEAD_LETTERS, *DEAD_LETTERS.values(), "ScheduleDlq"}
    # and dead letters are kept as long as SQS can
    assert {QUEUES[dlq]["MessageRetentionPeriod"] for dlq in (*DEAD_LETTERS.values(), "ScheduleDlq")} == {1209600}


def test_every_queue_is_encrypted_and_refuses_to_talk_without_tls() -> None:
    # given all queues; then SQS encrypts each
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())
    # and the policy denies everything without TLS, on each; only the laptop's AWS has none
    ((name, policy),) = resources(written(), "AWS::SQS::QueuePolicy").items()
    assert written()["Resources"][name]["Condition"] == "HasTls"
    assert written()["Conditions"]["HasTls"] == {"Fn::Not": [{"Condition": "IsLocal"}]}
    assert {queue["Ref"] for queue in policy["Queues"]} == set(QUEUES)
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("queue", "batch", "parameter"),
    [("SyncJobsQueue", 10, "MaxConcurrency"), ("SyncBackfillQueue", 1, "BackfillMaxConcurrency")],
)
def test_i7_a_failed_message_comes_back_alone(queue: str, batch: int, parameter: str) -> None:
    # given the mapping from a queue to the sync
    (mapping,) = [m for m in MAPPINGS.values() if text_of(m["EventSourceArn"]) == f"{queue}.Arn"]
    # then it reports failures one by one, takes as much as an invocation can do, and no more at once than allowed
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == batch
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": parameter}}
    # and nothing is filtered away
    assert "FilterCriteria" not in json.dumps(mapping)
