"""One attempt to sync a feed: what it was asked for, what it did, how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from brokersync.domain.errors import ErrorCode


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    DEFERRED = "deferred"
    FAILED = "failed"
    NEEDS_REVIEW = "needs_review"


class RequestedBy(StrEnum):
    """Who asked for a job."""

    SYSTEM = "system"
    MANUAL = "manual"
    RETRY = "retry"
    BACKFILL = "backfill"
    CONNECT = "connect"


class SectionState(StrEnum):
    """How one section of a broker's data fared in a run."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    MISSING = "missing"


@dataclass(slots=True)
class RunStats:
    """Counts of a run. `corrections` are new versions; `unmapped` are rows that were kept raw but not understood."""

    fetched: int = 0
    inserted: int = 0
    duplicates: int = 0
    corrections: int = 0
    cash_events: int = 0
    unmapped: int = 0
    requests: int = 0
    retries: int = 0
    rate_limited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """A run row. `run_id` sorts by start time; `job_id` ties message, logs, run and snapshots together."""

    feed_id: str
    run_id: str
    job_id: str
    requested_by: RequestedBy
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    error_code: ErrorCode | None = None
    safe_message: str = ""
    stats: RunStats = field(default_factory=RunStats)
    sections: Mapping[str, SectionState] = field(default_factory=dict)
    snapshot_keys: tuple[str, ...] = ()
