"""Jobs that failed again and again: see them, and send them to work once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ValidationError

from brokersync.contracts.jobs import SyncJob

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LOOK_SECONDS = 30  # a message that is looked at is hidden from others so long, if the look is interrupted


class JobQueue(StrEnum):
    """The queues whose jobs can be sent again."""

    SYNC_JOBS = "sync-jobs"
    SYNC_BACKFILL = "sync-backfill"

    @property
    def outputs(self) -> tuple[str, str]:
        """The stack's outputs that name the queue and its dead-letter queue."""
        name = "SyncJobs" if self is JobQueue.SYNC_JOBS else "SyncBackfill"
        return f"{name}QueueUrl", f"{name}DlqUrl"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message of a dead-letter queue. `job` is None when its body can't be read, which `body` then shows."""

    message_id: str
    job: SyncJob | None
    body: str


def look(sqs: "SQSClient", dlq_url: str) -> list[DeadLetter]:
    """What lies in a dead-letter queue; all of it stays there, visible to the next who looks."""
    seen: dict[str, MessageTypeDef] = {}
    try:
        for message in _receive(sqs, dlq_url):
            seen[message["MessageId"]] = message
    finally:
        for message in seen.values():
            sqs.change_message_visibility(QueueUrl=dlq_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return [_read(message) for message in seen.values()]


def redrive(sqs: "SQSClient", dlq_url: str, queue_url: str) -> Iterator[DeadLetter]:
    """Send everything back to work, one by one; yields each when it is done.

    Each is sent before it is deleted: an interruption doubles a message at worst, which is harmless, and loses none.
    """
    for message in _receive(sqs, dlq_url):
        group = message.get("Attributes", {}).get("MessageGroupId", "redriven")
        sqs.send_message(QueueUrl=queue_url, MessageBody=message["Body"], MessageGroupId=group)
        sqs.delete_message(QueueUrl=dlq_url, ReceiptHandle=message["ReceiptHandle"])
        yield _read(message)


def _receive(sqs: "SQSClient", url: str) -> "Iterator[MessageTypeDef]":
    """Every message of a queue, hidden from others for a while; ends when a wait brings none."""
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=LOOK_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["MessageGroupId"],
    ).get("Messages"):
        yield from messages


def _read(message: "MessageTypeDef") -> DeadLetter:
    try:
        job = SyncJob.model_validate_json(message["Body"])
    except ValidationError:
        job = None
    return DeadLetter(message_id=message["MessageId"], job=job, body=message["Body"])
