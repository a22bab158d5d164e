"""The sync log (ports.Runs, ports.RunsReader)."""

from collections.abc import Sequence

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Written
from brokersync.aws.tables.sync_runs import SyncRunItem
from brokersync.domain.runs import SyncRun


class DynamoRuns:
    """Run rows in DynamoDB. Run ids sort by the time they were made, so the key orders the log."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(SyncRunItem)

    def put(self, run: SyncRun, keep_days: int) -> bool:
        """Write a run row once; False if a row of that run exists (it is left as it is)."""
        return isinstance(self._items.of(run, keep_days).insert(SyncRunItem.feed_id.does_not_exist()), Written)

    def newest(self, feed_id: str, *, limit: int, before: str = "") -> Sequence[SyncRun]:
        """At most `limit` runs, newest first; with `before`, only run ids under it."""
        under = SyncRunItem.run_id < before if before else None
        found = self._items.query(feed_id, under, scan_index_forward=False, limit=limit, consistent_read=True)
        return [item.to_run() for item in found]

    def get(self, feed_id: str, run_id: str) -> SyncRun | None:
        """One run of the feed."""
        item = self._items.find(feed_id, run_id)
        return item.to_run() if item else None
