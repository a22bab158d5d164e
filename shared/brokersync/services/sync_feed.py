"""One job, from lease to finish: fetch, keep the raw answers, normalise, store, and tell the truth about it."""

import logging
from dataclasses import replace

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import BrokerChangedError, ErrorCode, LeaseLostError, SyncError
from brokersync.domain.feeds import Feed, FeedPurpose, Lease
from brokersync.domain.loads import LoadKind
from brokersync.domain.status import RECONNECT
from brokersync.ports.feeds import Acquired, NotAcquired
from brokersync.ports.world import Deadline
from brokersync.services.conclude import Verdict, conclude
from brokersync.services.discover import Discover
from brokersync.services.end_run import EndRun, RunReport
from brokersync.services.erase_connection import EraseConnection
from brokersync.services.fetch_feed import FetchFeed
from brokersync.services.open_broker import SyncPorts, open_broker
from brokersync.services.progress import Progress, Work
from brokersync.services.relink import Relink
from brokersync.services.replay_snapshots import ReplaySnapshots, TriedHoles
from brokersync.services.store_chunk import StoreChunk

log = logging.getLogger(__name__)


class SyncFeed:
    """Does one job at a time; safe to use from several threads."""

    def __init__(self, ports: SyncPorts) -> None:
        self._p = ports
        self._relink = Relink(ports.stores.feeds, ports.stores.accounts, ports.connections)
        self._discover = Discover(ports, self._relink)
        self._erase = EraseConnection(ports)
        self._end = EndRun(ports)
        self._tried = TriedHoles()

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
            self._end.announce(feed)
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
            self._end.close(feed, got.predecessor)
        if feed.announce:
            self._end.announce(feed)
        log.info(
            "sync_job_started",
            extra=_names(feed, lease)
            | {"broker": feed.broker, "requested_by": work.requested_by.value, "message_job_id": job.job_id},
        )
        progress = Progress.of(feed, work.job_id)
        if progress.cursor != feed.cursor:
            work = replace(work, state={})  # a continuation belongs to its cursor; a load that begins has another
        verdict = self._attempt(feed, lease, work, progress, deadline)
        now = self._p.clock.now()
        conclusion = conclude(
            feed=feed, job=job, work=work, progress=progress, verdict=verdict, started_at=lease.started_at, now=now
        )
        return self._end.run(feed, lease, work, progress, conclusion)

    def _attempt(self, feed: Feed, lease: Lease, work: Work, progress: Progress, deadline: Deadline) -> Verdict:
        try:
            match feed.purpose:
                case FeedPurpose.SYNC:
                    return self._sync(feed, lease, work, progress, deadline)
                case FeedPurpose.DISCOVER:
                    opened = open_broker(self._p, feed, work, progress, deadline)
                    with self._p.breakers.guarding(opened.provider.manifest, opened.connection.environment):
                        return self._discover.run(feed, lease, opened)
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

    def _sync(self, feed: Feed, lease: Lease, work: Work, progress: Progress, deadline: Deadline) -> Verdict:
        opened = open_broker(self._p, feed, work, progress, deadline)
        manifest = opened.provider.manifest
        chunk = StoreChunk(self._p.stores, feed, lease, manifest, progress, opened.connection, self._relink)
        replay = ReplaySnapshots(self._p, feed, lease, opened.provider, progress)
        replay.holes(chunk, self._tried)
        if progress.load is not None and progress.load.kind is LoadKind.REPLAY:
            return replay.run(chunk, deadline)
        with self._p.breakers.guarding(manifest, opened.connection.environment):
            return FetchFeed(self._p, feed, lease, work, progress, opened).run(chunk, deadline)


def _names(feed: Feed, lease: Lease) -> dict[str, object]:
    """What ties a log line to its run: the job is the one that the run serves, whoever's message woke it."""
    return {
        "job_id": feed.job_of(lease),
        "feed_id": feed.feed_id,
        "run_id": lease.run_id,
        "epoch": lease.epoch,
    }
