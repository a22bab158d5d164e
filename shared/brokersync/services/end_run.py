"""The end of a run: its row, the feed's finish, then what others have to learn of it."""

import logging
import math
from dataclasses import asdict, dataclass
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode, SyncError
from brokersync.domain.feeds import Feed, FeedPurpose, Lease, Wanted
from brokersync.domain.plans import TERMS
from brokersync.domain.runs import Outcome, RequestedBy, SyncRun
from brokersync.domain.sessions import is_unsaved
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import next_due
from brokersync.services.conclude import Conclusion
from brokersync.services.open_broker import SyncPorts
from brokersync.services.progress import Progress, Work

log = logging.getLogger(__name__)

FETCHED_NOT_ALL = frozenset({Outcome.FAILED, Outcome.DEFERRED})  # others have every answer stored, understood or not
MAX_DELAY_SECONDS = 900  # the longest that a queue holds a message back


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run did, for log, metrics and queue.

    `recovery_seconds`: how long the feed had been failing, if it was. `unsaved`: a session's data will soon be lost.
    """

    broker: str
    run: SyncRun
    redeliver: bool
    recovery_seconds: float | None
    unsaved: bool = False


class EndRun:
    """Ends runs: this worker's own, and those of workers that died."""

    def __init__(self, ports: SyncPorts) -> None:
        self._p = ports

    def run(self, feed: Feed, lease: Lease, work: Work, progress: Progress, conclusion: Conclusion) -> RunReport:
        """Write everything down and tell it. Raises LeaseLostError."""
        finish = conclusion.finish
        run = SyncRun(
            feed_id=feed.feed_id,
            run_id=lease.run_id,
            job_id=work.job_id,
            requested_by=work.requested_by,
            started_at=lease.started_at,
            finished_at=finish.finished_at,
            outcome=finish.outcome,
            error_code=finish.error_code,
            safe_message=finish.safe_message,
            stats=progress.stats,
            sections=progress.sections,
            snapshot_keys=tuple(progress.snapshot_keys),
        )
        # The row first: all it claims is stored already, and a finish that never comes is done by the next holder.
        self._record(feed, run)
        if feed.purpose is not FeedPurpose.SYNC and finish.outcome is Outcome.SUCCEEDED:
            self._p.stores.feeds.remove(lease)  # what it was made for is done
        else:
            self._p.stores.feeds.finish(lease, finish, feed)
        if finish.error_code and not finish.runnable:
            self._p.connections.require_reconnect(feed.connection_id, feed.connection_version)
        self._log_end(run, feed.broker)
        if finish.announce:
            self._p.bus.send(finish.announce)
            self._p.stores.feeds.announced(feed.feed_id, finish.announce)
        if finish.wanted is not None and not finish.poison_job_id:  # a streak's own message comes back by itself
            self._wake(feed, finish.wanted, finish.finished_at)
        recovered = finish.outcome is Outcome.SUCCEEDED and feed.first_failed_at is not None
        return RunReport(
            broker=feed.broker,
            run=run,
            redeliver=conclusion.redeliver,
            recovery_seconds=(finish.finished_at - feed.first_failed_at).total_seconds()
            if recovered and feed.first_failed_at
            else None,
            unsaved=finish.outcome in FETCHED_NOT_ALL and self._is_unsaved(feed, finish.finished_at),
        )

    def _is_unsaved(self, feed: Feed, now: datetime) -> bool:
        session = self._p.catalog.provider(feed.broker).manifest.session
        return session is not None and is_unsaved(session, now, feed.last_successful_at)

    def close(self, feed: Feed, dead: Lease) -> None:
        """Write the run of a worker that died; its own row stands if it got that far."""
        self._record(
            feed,
            SyncRun(
                feed_id=feed.feed_id,
                run_id=dead.run_id,
                job_id=feed.job_of(dead),
                requested_by=dead.requested_by,
                started_at=dead.started_at,
                finished_at=dead.until,
                outcome=Outcome.FAILED,
                error_code=ErrorCode.WORKER_LOST,
                safe_message="This sync was interrupted; it is done again.",
            ),
        )
        log.warning("worker_lost", extra={"feed_id": feed.feed_id, "run_id": dead.run_id, "job_id": feed.job_of(dead)})

    def _record(self, feed: Feed, run: SyncRun) -> None:
        """Write a run row; an erasure leaves none, its record is the receipt."""
        if feed.purpose is not FeedPurpose.ERASE:
            self._p.runs.put(run, TERMS[feed.plan].run_log_days)

    def announce(self, feed: Feed) -> None:
        """Send the events that an earlier run could not send."""
        self._p.bus.send(feed.announce)
        self._p.stores.feeds.announced(feed.feed_id, feed.announce)

    def _wake(self, feed: Feed, wanted: Wanted, now: datetime) -> None:
        """Send the message that wakes owed work in time; without it the wheel does, later."""
        if feed.sync_enabled and wanted.not_before == start_of_minute(
            next_due(feed.feed_id, feed.interval_min, minute_of(wanted.not_before) - 1)
        ):
            return  # at that very minute the dispatcher sends a message anyway
        delay = math.ceil(max(0.0, (wanted.not_before - now).total_seconds()))
        if delay > MAX_DELAY_SECONDS:
            return
        job = SyncJob(job_id=wanted.job_id, feed_id=feed.feed_id, requested_by=wanted.kind, requested_at=now)
        slow = wanted.kind in {RequestedBy.BACKFILL, RequestedBy.CONNECT}
        try:
            # One second more, so that it doesn't find the work not yet due.
            self._p.queue.send([(job, feed.user_id, min(delay + 1, MAX_DELAY_SECONDS) if delay else 0)], backfill=slow)
        except SyncError:
            log.warning("wake_not_sent", extra={"job_id": wanted.job_id, "feed_id": feed.feed_id})

    def _log_end(self, run: SyncRun, broker: str) -> None:
        level = logging.INFO if run.outcome in {Outcome.SUCCEEDED, Outcome.DEFERRED} else logging.ERROR
        log.log(
            level,
            "sync_job_%s",
            run.outcome.value,
            extra={
                "job_id": run.job_id,
                "run_id": run.run_id,
                "feed_id": run.feed_id,
                "broker": broker,
                "outcome": run.outcome.value,
                "error_code": run.error_code.value if run.error_code else None,
                "stats": {name: count for name, count in asdict(run.stats).items() if count},
                "sections": {name: state.value for name, state in run.sections.items()},
            },
        )
