"""One job, from lease to finish: fetch, keep the raw answers, normalise, store, and tell the truth about it."""

import logging
import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import BrokerChangedError, ErrorCode, LeaseLostError, SyncError
from brokersync.domain.feeds import Feed, FeedPurpose, Lease, Wanted
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, ComeBack, RawPage, masked_digest
from brokersync.domain.plans import TERMS
from brokersync.domain.runs import Outcome, RequestedBy, SectionState, SyncRun
from brokersync.domain.status import RECONNECT
from brokersync.domain.trades import Origin
from brokersync.ports.brokers import Provider
from brokersync.ports.feeds import Acquired, NotAcquired
from brokersync.ports.world import Deadline
from brokersync.services.conclude import Completed, Conclusion, OutOfTime, Verdict, conclude
from brokersync.services.discover import Discover
from brokersync.services.erase_connection import EraseConnection
from brokersync.services.open_broker import SyncPorts, open_broker
from brokersync.services.progress import Progress, Work
from brokersync.services.relink import Relink
from brokersync.services.store_chunk import StoreChunk

log = logging.getLogger(__name__)

RESERVE_SECONDS = 15.0  # kept back for storing the last chunk and finishing
MAX_DELAY_SECONDS = 900  # the longest that a queue holds a message back
HASH_GOOD_FOR = timedelta(days=15)  # half of the shortest retention: then an unchanged answer is stored anew


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run did, for log, metrics and queue. `recovery_seconds`: how long the feed had been failing, if it was."""

    broker: str
    run: SyncRun
    redeliver: bool
    recovery_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    page: RawPage
    snapshot_key: str  # empty: the answer is the same as the one before
    digest: str


class SyncFeed:
    """Does one job at a time; safe to use from several threads."""

    def __init__(self, ports: SyncPorts) -> None:
        self._p = ports
        self._relink = Relink(ports.stores.feeds, ports.stores.accounts, ports.connections)
        self._discover = Discover(ports, self._relink)
        self._erase = EraseConnection(ports)

    def run(self, job: SyncJob, deadline: Deadline) -> RunReport | None:
        """Do the job. None: there was nothing to do, or the feed went to a later epoch.

        Failures of a sync end in the report. What is raised is a failure of our own stores: the message has to come
        back.
        """
        got = self._p.stores.feeds.acquire(
            job.feed_id,
            token=self._p.ids.new("lease"),
            run_id=self._p.ids.new("run"),
            job=job,
            now=self._p.clock.now(),
        )
        if isinstance(got, NotAcquired):
            self._nothing_to_do(job, got.feed)
            return None
        try:
            return self._run_leased(job, got, deadline)
        except LeaseLostError:
            log.warning("lease_lost", extra=_names(got.feed, got.lease))
            return None

    def _nothing_to_do(self, job: SyncJob, feed: Feed | None) -> None:
        if feed is None:
            log.warning("feed_unknown", extra={"job_id": job.job_id, "feed_id": job.feed_id})
            return
        if not feed.runnable and feed.error_code in RECONNECT:
            # The worker that found out may have died before it could say so.
            self._p.connections.require_reconnect(feed.connection_id, feed.connection_version)
        if feed.lease is None and feed.announce:
            self._send_announcements(feed)
        else:
            held = feed.is_held(self._p.clock.now())
            log.info(
                "sync_job_not_needed",
                extra={"job_id": job.job_id, "feed_id": job.feed_id, "why": "held" if held else "served"},
            )

    def _run_leased(self, job: SyncJob, got: Acquired, deadline: Deadline) -> RunReport:
        feed, lease = got.feed, got.lease
        work = Work.of(feed, job, lease)
        if got.predecessor is not None:
            self._close(feed, got.predecessor)
        if feed.announce:
            self._send_announcements(feed)
        log.info(
            "sync_job_started",
            extra=_names(feed, lease)
            | {"broker": feed.broker, "requested_by": work.requested_by.value, "message_job_id": job.job_id},
        )
        progress = Progress.of(feed)
        verdict = self._attempt(feed, lease, work, progress, deadline)
        now = self._p.clock.now()
        conclusion = conclude(
            feed=feed, job=job, work=work, progress=progress, verdict=verdict, started_at=lease.started_at, now=now
        )
        return self._end(feed, lease, work, progress, conclusion)

    # --- fetching ---------------------------------------------------------------------------------------------------

    def _attempt(self, feed: Feed, lease: Lease, work: Work, progress: Progress, deadline: Deadline) -> Verdict:
        try:
            match feed.purpose:
                case FeedPurpose.SYNC:
                    return self._fetch(feed, lease, work, progress, deadline)
                case FeedPurpose.DISCOVER:
                    return self._discover.run(feed, lease, open_broker(self._p, feed, work, progress, deadline))
                case FeedPurpose.ERASE:
                    return self._erase.run(feed, lease, deadline)
        except LeaseLostError:
            raise
        except SyncError as error:
            log.warning(
                "sync_job_problem",
                extra=_names(feed, lease) | {"error_code": error.code.value, "detail": error.detail},
            )
            return error
        except Exception as error:
            log.exception("sync_job_crashed", extra=_names(feed, lease))
            return BrokerChangedError(
                "Something went wrong on our side; our developers have been told.",
                code=ErrorCode.INTERNAL,
                detail=f"{type(error).__name__} in {feed.broker}",
            )

    def _fetch(self, feed: Feed, lease: Lease, work: Work, progress: Progress, deadline: Deadline) -> Verdict:
        opened = open_broker(self._p, feed, work, progress, deadline)
        provider, context = opened.provider, opened.context
        chunk = StoreChunk(self._p.stores, feed, lease, provider.manifest, progress, opened.connection, self._relink)
        pending: list[_Held] = []
        slowest = 0.0
        begun = deadline.seconds_left()
        for step in provider.fetch(context):
            match step:
                case RawPage():
                    pending.append(self._keep(step, feed, lease, work, provider.manifest, progress))
                case Checkpoint():
                    self._store(provider, chunk, pending, step, feed, lease, progress)
                    pending.clear()
                    left = deadline.seconds_left()
                    slowest = max(slowest, begun - left)
                    begun = left
                    if not step.last and left - RESERVE_SECONDS < slowest:
                        return OutOfTime()
                case ComeBack():
                    return step
        return Completed()

    def _keep(
        self, page: RawPage, feed: Feed, lease: Lease, work: Work, manifest: Manifest, progress: Progress
    ) -> _Held:
        """Store an answer before anybody looks into it, unless it is the one that we have (I1)."""
        digest = masked_digest(page.body, manifest.volatile)
        day = page.received_at.strftime("%Y%m%d")
        known, _, stored_on = feed.hashes.get(page.section, "").partition(":")
        oldest = (page.received_at - HASH_GOOD_FOR).strftime("%Y%m%d")
        if known == digest and stored_on > oldest:
            return _Held(page=page, snapshot_key="", digest=f"{known}:{stored_on}")
        key = self._p.snapshots.put(
            feed_id=feed.feed_id,
            run_id=lease.run_id,
            seq=len(progress.snapshot_keys),
            broker=feed.broker,
            job_id=work.job_id,
            page=page,
        )
        progress.snapshot_keys.append(key)
        return _Held(page=page, snapshot_key=key, digest=f"{digest}:{day}")

    def _store(
        self,
        provider: Provider,
        chunk: StoreChunk,
        held: list[_Held],
        checkpoint: Checkpoint,
        feed: Feed,
        lease: Lease,
        progress: Progress,
    ) -> None:
        changed = [one for one in held if one.snapshot_key]
        if changed:
            normalised = provider.normalise([one.page for one in held], tuple(feed.accounts))
            cited = [one for one in changed if one.page.section not in provider.manifest.uncited] or changed
            origin = Origin(run_id=lease.run_id, snapshot_key=cited[-1].snapshot_key)
            for one in held:
                progress.sections[one.page.section] = (
                    SectionState.STORED if one.snapshot_key else SectionState.UNCHANGED
                )
            chunk.run(normalised, checkpoint, origin)
            if normalised.missing_sections:
                return  # the same answer next time is to be looked at again
        else:
            progress.sections.update({one.page.section: SectionState.UNCHANGED for one in held})
            progress.cursor = checkpoint.cursor
            progress.cover(checkpoint.covered_from, checkpoint.covered_to, frozenset())
        progress.hashes.update({one.page.section: one.digest for one in held})

    # --- ending -----------------------------------------------------------------------------------------------------

    def _end(self, feed: Feed, lease: Lease, work: Work, progress: Progress, conclusion: Conclusion) -> RunReport:
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
        )

    def _close(self, feed: Feed, dead: Lease) -> None:
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

    def _send_announcements(self, feed: Feed) -> None:
        self._p.bus.send(feed.announce)
        self._p.stores.feeds.announced(feed.feed_id, feed.announce)

    def _wake(self, feed: Feed, wanted: Wanted, now: datetime) -> None:
        """Send the message that wakes owed work in time; without it the wheel does, later."""
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


def _names(feed: Feed, lease: Lease) -> dict[str, object]:
    """What ties a log line to its run: the job is the one that the run serves, whoever's message woke it."""
    return {
        "job_id": feed.job_of(lease),
        "feed_id": feed.feed_id,
        "run_id": lease.run_id,
        "epoch": lease.epoch,
    }
