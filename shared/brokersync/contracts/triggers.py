"""What AWS hands to our functions: the schedule's tick, batches of messages. Foreign shapes: extras are ignored."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Tick(BaseModel):
    """The Scheduler's payload (`source` brokersync.schedule), or the event of a scheduled rule (aws.events)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: Literal["brokersync.schedule", "aws.events"]


class QueueAttributes(BaseModel):
    """What SQS knows about a delivery."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    received: int = Field(alias="ApproximateReceiveCount", ge=1)


class QueueRecord(BaseModel):
    """One message of a batch. The body is parsed by its own contract, so that a bad one fails alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    message_id: str = Field(alias="messageId")
    body: str
    attributes: QueueAttributes


class QueueBatch(BaseModel):
    """The event of an SQS event source mapping."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    records: list[QueueRecord] = Field(alias="Records")


class BatchItemFailure(BaseModel):
    """A message that has to come back."""

    item_identifier: str = Field(serialization_alias="itemIdentifier")


class BatchAnswer(BaseModel):
    """Our answer to a batch (ReportBatchItemFailures)."""

    batch_item_failures: list[BatchItemFailure] = Field(serialization_alias="batchItemFailures")
