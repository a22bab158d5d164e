"""Syncs: asked for, and the log of those that were."""

from collections.abc import Mapping

from pydantic import Field

from brokersync.contracts.http.accounts import SyncError
from brokersync.contracts.http.base import Body, Instant
from brokersync.domain.runs import Outcome, RequestedBy, SectionState


class SyncAccepted(Body):
    """The job that serves the request: a new one, or the one that was queued or running already."""

    job_id: str = Field(examples=["job_01jd4v8q2n"])
    state: str = Field(examples=["queued", "running"])


class RunStats(Body):
    """Counts of a run."""

    fetched: int
    inserted: int
    duplicates: int
    corrections: int
    cash_events: int
    unmapped: int
    requests: int
    retries: int
    rate_limited: int


class SyncRun(Body):
    """One attempt to sync."""

    run_id: str
    job_id: str
    requested_by: RequestedBy
    started_at: Instant
    finished_at: Instant
    outcome: Outcome
    error: SyncError | None
    stats: RunStats
    sections: Mapping[str, SectionState]


class SyncRuns(Body):
    """A page of the sync log, newest first. `next_cursor` continues it; null at the end."""

    sync_runs: tuple[SyncRun, ...]
    next_cursor: str | None
