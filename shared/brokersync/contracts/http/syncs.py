"""Syncs: asked for, and the log of those that were."""

from collections.abc import Mapping

from pydantic import Field, StrictInt

from brokersync.contracts.http.accounts import SyncError
from brokersync.contracts.http.base import Body, Instant
from brokersync.contracts.snapshots import Retention
from brokersync.domain.asked import AskedState, ReviewDecision
from brokersync.domain.runs import Outcome, RequestedBy, SectionState
from brokersync.domain.status import AccountStatus


class SyncRequest(Body):
    """Which accounts: those that were not attempted for that many seconds, and owe nothing already. 0: all."""

    if_stale_for: StrictInt = Field(default=0, ge=0, le=86_400, examples=[3600])


class AccountSync(Body):
    """What became of the wish for one account. `job_id` is empty where no job is needed or could succeed."""

    account_id: str
    state: AskedState
    job_id: str


class SyncsAccepted(Body):
    """What became of the wish for all accounts, each of them named."""

    accounts: tuple[AccountSync, ...]


class ReviewRequest(Body):
    """Whether the answer that looked wrong is true, or is to be read again."""

    decision: ReviewDecision


class SyncSummary(Body):
    """All accounts together, by the one that needs a look most. Without accounts there is no status."""

    status: AccountStatus | None
    badge: str = Field(examples=["Synced"])
    action: str = Field(examples=["", "try_again", "reconnect", "review"])
    accounts: int = Field(description="How many there are.")
    counts: Mapping[AccountStatus, int] = Field(examples=[{"synced": 3, "failed": 1}])
    last_attempted_sync_at: Instant | None = Field(description="The newest of all accounts.")
    last_successful_sync_at: Instant | None = Field(description="The oldest; null while one never had a success.")
    next_sync_at: Instant | None = Field(description="The soonest of all accounts.")


class SyncAccepted(Body):
    """The job that serves the request: a new one, or the one that was queued or running already."""

    job_id: str = Field(examples=["job_01jd4v8q2n"])
    state: AskedState


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


class SnapshotRef(Body):
    """A stored answer of the broker. `long` is kept as long as what came from it, `short` for a month."""

    snapshot_id: str = Field(examples=["run_01jd4v8q2n/0001"])
    retention: Retention


class SyncRunDetail(SyncRun):
    """One attempt to sync, with the answers of the broker that it stored."""

    snapshots: tuple[SnapshotRef, ...]


class SyncRuns(Body):
    """A page of the sync log, newest first. `next_cursor` continues it; null at the end."""

    sync_runs: tuple[SyncRun, ...]
    next_cursor: str | None
