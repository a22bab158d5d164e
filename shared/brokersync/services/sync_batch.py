"""A batch of job messages: side by side in threads, and one poison never hurts the others (I7)."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pydantic import ValidationError

from brokersync.contracts.jobs import SyncJob
from brokersync.ports.world import Deadline
from brokersync.services.end_run import RunReport
from brokersync.services.sync_feed import SyncFeed

log = logging.getLogger(__name__)

RESERVE_SECONDS = 20.0  # less than this left: a redelivered message is not begun


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMessage:
    """A message as the queue delivered it, for the `received`-th time (1: the first)."""

    message_id: str
    body: str
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What became of a batch: the runs it did, and the messages that have to come back."""

    runs: Sequence[RunReport]
    failed_message_ids: Sequence[str]


class SyncBatch:
    """Runs batches. The executor outlives them: its threads keep their connections."""

    def __init__(
        self, sync_feed: SyncFeed, executor: Executor, log_keys: Callable[[SyncJob], AbstractContextManager[None]]
    ) -> None:
        self._sync_feed = sync_feed
        self._executor = executor
        self._log_keys = log_keys

    def run(self, messages: Sequence[JobMessage], deadline: Deadline) -> BatchReport:
        """Do every job of the batch. A message that failed before runs after the others, alone."""
        first_time = [message for message in messages if message.received <= 1]
        again = [message for message in messages if message.received > 1]
        results = list(self._executor.map(lambda message: self._one(message, deadline), first_time))
        for message in again:
            if deadline.seconds_left() < RESERVE_SECONDS and len(messages) > 1:
                log.warning("put_back_for_lack_of_time", extra={"message_id": message.message_id})
                results.append((None, message.message_id))
            else:
                results.append(self._one(message, deadline))
        return BatchReport(
            runs=[report for report, _ in results if report is not None],
            failed_message_ids=[failed for _, failed in results if failed],
        )

    def _one(self, message: JobMessage, deadline: Deadline) -> tuple[RunReport | None, str]:
        try:
            job = SyncJob.model_validate_json(message.body)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
            log.error("message_unreadable", extra={"message_id": message.message_id, "problems": problems})  # noqa: TRY400 (the problems say it all)
            return None, message.message_id
        with self._log_keys(job):
            try:
                report = self._sync_feed.run(job, deadline)
            except Exception:
                # Our own stores failed: nothing is known about the job but that it has to be done again.
                log.exception("sync_job_not_finished", extra={"job_id": job.job_id, "feed_id": job.feed_id})
                return None, message.message_id
        return report, message.message_id if report is not None and report.redeliver else ""


def is_auth_failure(report: RunReport) -> bool:
    """Whether a run ended because the broker refused the credential."""
    return report.run.error_code is not None and report.run.error_code.value in {
        "credentials_rejected",
        "consent_expired",
    }
