"""What a run has done so far, and what it is working on: plain state that its steps hand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Coverage, Feed, Lease, Wanted
from brokersync.domain.runs import RequestedBy, RunStats, SectionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The job that a run does: what the feed is owed if its time has come, else what the message asks for."""

    job_id: str
    requested_by: RequestedBy
    attempt: int = 0
    state: Mapping[str, str] = field(default_factory=dict)
    wanted: Wanted | None = None

    @classmethod
    def of(cls, feed: Feed, job: SyncJob, lease: Lease) -> "Work":
        """What a holder of the feed has to do."""
        owed = feed.wanted
        if owed is None or owed.not_before > lease.started_at:
            return cls(job_id=job.job_id, requested_by=job.requested_by)
        return cls(job_id=owed.job_id, requested_by=owed.kind, attempt=owed.attempt, state=owed.state, wanted=owed)


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run has fetched and stored. Everything in it is true already, however the run ends."""

    cursor: str
    coverage: Coverage
    hashes: dict[str, str]
    accounts: dict[str, str]
    stats: RunStats = field(default_factory=RunStats)
    sections: dict[str, SectionState] = field(default_factory=dict)
    snapshot_keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, feed: Feed) -> "Progress":
        """The state at the start of a run."""
        return cls(cursor=feed.cursor, coverage=feed.coverage, hashes=dict(feed.hashes), accounts=dict(feed.accounts))

    @property
    def stored(self) -> int:
        """Entries and versions that this run added to the ledger."""
        return self.stats.inserted + self.stats.corrections

    def cover(self, start: datetime | None, end: datetime | None, holes: frozenset[str]) -> None:
        """Extend what is complete by what the broker served, and remember rows that were not understood."""
        known = self.coverage
        self.coverage = Coverage(
            start=min(filter(None, (known.start, start)), default=None),
            end=max(filter(None, (known.end, end)), default=None),
            holes=tuple(sorted(holes.union(known.holes)))[:MAX_HOLES],
        )


MAX_HOLES = 20  # enough to know that there are some; the run rows and snapshots have them all
