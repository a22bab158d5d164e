"""The job queues. Messages only wake (I11): one sent twice does no harm, so one whose fate is unknown is sent again.

Both are standard queues with MessageGroupId = user id, so SQS shares the workers fairly among users; unlike a FIFO
queue, such a queue takes a delay for each message.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from brokersync.aws.batches import send_in_batches
from brokersync.aws.session import AwsSession
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode, RetryLaterError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef


class SqsSyncQueue:
    """ports.SyncQueue. Needs sqs:SendMessage on both queues."""

    def __init__(self, session: AwsSession, sync_queue_url: str, backfill_queue_url: str) -> None:
        self._session = session
        self._sync_queue_url = sync_queue_url
        self._backfill_queue_url = backfill_queue_url

    def send(self, jobs: Sequence[tuple[SyncJob, str, int]], *, backfill: bool = False) -> None:
        """Send jobs as (job, user id, delay in seconds up to 900).

        botocore repeats a batch whose answer is lost; entries that SQS refuses are sent again, too. Raises
        RetryLaterError (internal) when some could not be sent after all.
        """
        url = self._backfill_queue_url if backfill else self._sync_queue_url
        try:
            left = send_in_batches(jobs, lambda batch: self._send_batch(url, batch))
        except (BotoCoreError, ClientError) as error:
            raise RetryLaterError(
                ErrorCode.INTERNAL, "The queue can't be reached.", detail=f"SendMessageBatch: {type(error).__name__}"
            ) from error
        if left:
            raise RetryLaterError(
                ErrorCode.INTERNAL, "Some jobs could not be queued.", detail=f"{len(left)} of {len(jobs)} jobs not sent"
            )

    @property
    def _sqs(self) -> "SQSClient":
        return self._session.client("sqs")

    def _send_batch(self, url: str, batch: Sequence[tuple[SyncJob, str, int]]) -> Sequence[tuple[SyncJob, str, int]]:
        answer = self._sqs.send_message_batch(
            QueueUrl=url, Entries=[_entry(str(number), *one) for number, one in enumerate(batch)]
        )
        return [batch[int(failed["Id"])] for failed in answer.get("Failed", [])]


def _entry(entry_id: str, job: SyncJob, user_id: str, delay: int) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": entry_id,
        "MessageBody": job.model_dump_json(exclude_none=True),
        "MessageGroupId": user_id,
        "DelaySeconds": delay,
    }
