"""Job messages as SQS hands them to the sync function, and what its log says became of them."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.runs import RequestedBy
from brokersync.domain.times import minute_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, by its closing log line. `stats` has a 0 for what the line leaves out."""

    outcome: str
    stats: Counter[str]
    sections: Mapping[str, str]

    @property
    def trades(self) -> int:
        """Executions that were new."""
        return self.stats["inserted"] - self.stats["cash_events"]


def connect_job(feed_id: str, job_id: str, now: datetime) -> SyncJob:
    """The job that a new connection is owed."""
    return SyncJob(job_id=job_id, feed_id=feed_id, requested_by=RequestedBy.CONNECT, requested_at=now)


def scheduled_job(feed_id: str, now: datetime) -> SyncJob:
    """What the dispatcher sends at this minute."""
    return SyncJob(
        job_id=f"job_{uuid.uuid4().hex}",
        feed_id=feed_id,
        requested_by=RequestedBy.SYSTEM,
        requested_at=now,
        tick=minute_of(now),
    )


def event(job: SyncJob, records: int = 1) -> dict[str, object]:
    """A batch with the job in each of its messages."""
    return {"Records": [_record(job) for _ in range(records)]}


def _record(job: SyncJob) -> dict[str, object]:
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": job.model_dump_json(exclude_none=True),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:sync-jobs",
        "awsRegion": "us-east-1",
    }


def runs_in(log: str) -> Iterator[Run]:
    """The runs that a log tells of."""
    for line in log.splitlines():
        entry = json.loads(line)
        if "outcome" in entry and "stats" in entry:
            yield Run(outcome=entry["outcome"], stats=Counter(entry["stats"]), sections=entry["sections"])
