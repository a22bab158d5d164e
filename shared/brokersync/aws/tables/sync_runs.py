"""The sync_runs table: the sync log."""

from datetime import timedelta
from typing import Self

from pynamodb.attributes import Attribute, ListAttribute, TTLAttribute, UnicodeAttribute

from brokersync.aws.tables.attributes import RecordAttribute, TextsAttribute, TimeAttribute
from brokersync.aws.tables.base import Table, settings
from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome, RequestedBy, RunStats, SectionState, SyncRun


class SyncRunItem(Table):
    """One run. The table forgets it at `expires_at`, by the plan."""

    Meta = settings("sync_runs")

    feed_id = UnicodeAttribute(hash_key=True)
    run_id = UnicodeAttribute(range_key=True)
    job_id = UnicodeAttribute()
    requested_by = UnicodeAttribute()
    started_at = TimeAttribute()
    finished_at = TimeAttribute()
    outcome = UnicodeAttribute()
    error_code = UnicodeAttribute(null=True)
    safe_message = UnicodeAttribute(null=True)
    stats = RecordAttribute(RunStats)
    sections = TextsAttribute()
    # pynamodb's types take the elements' attribute for the elements.
    snapshot_keys: Attribute[list[str]] = ListAttribute(of=UnicodeAttribute, null=True)  # type: ignore[arg-type]
    expires_at = TTLAttribute()

    @classmethod
    def of(cls, run: SyncRun, keep_days: int) -> Self:
        """The item of a run, kept for some days after it finished."""
        return cls(
            run.feed_id,
            run.run_id,
            job_id=run.job_id,
            requested_by=run.requested_by.value,
            started_at=run.started_at,
            finished_at=run.finished_at,
            outcome=run.outcome.value,
            error_code=run.error_code.value if run.error_code else None,
            safe_message=run.safe_message or None,
            stats=run.stats,
            sections={name: state.value for name, state in run.sections.items()},
            snapshot_keys=list(run.snapshot_keys) or None,
            expires_at=run.finished_at + timedelta(days=keep_days),
        )

    def to_run(self) -> SyncRun:
        """The run as the domain knows it."""
        return SyncRun(
            feed_id=self.feed_id,
            run_id=self.run_id,
            job_id=self.job_id,
            requested_by=RequestedBy(self.requested_by),
            started_at=self.started_at,
            finished_at=self.finished_at,
            outcome=Outcome(self.outcome),
            error_code=ErrorCode(self.error_code) if self.error_code else None,
            safe_message=self.safe_message or "",
            stats=self.stats,
            sections={name: SectionState(state) for name, state in self.sections.items()},
            snapshot_keys=tuple(self.snapshot_keys or ()),
        )
