"""The feeds table in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode, LeaseLostError
from brokersync.domain.feeds import LEASE_SECONDS, Announcement, Feed, Lease, Wanted
from brokersync.domain.loads import Load, LoadRequest
from brokersync.domain.plans import Schedule
from brokersync.domain.runs import RequestedBy
from brokersync.domain.wheel import wheel_key
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Acquired, DueFeed, DuePage, Finish, NotAcquired

OWN_RUN = {RequestedBy.CONNECT, RequestedBy.BACKFILL}


class FakeFeeds:
    """Every operation is one step, as a conditional update is. `page_size` bounds pages of the due index."""

    def __init__(self, *, page_size: int = 1000) -> None:
        self.lock = RLock()
        self._feeds: dict[str, Feed] = {}
        self._taken_over: dict[str, Lease | None] = {}
        self._page_size = page_size

    def get(self, feed_id: str) -> Feed | None:
        with self.lock:
            return self._feeds.get(feed_id)

    def of_user(self, user_id: str) -> Sequence[Feed]:
        with self.lock:
            return sorted((feed for feed in self._feeds.values() if feed.user_id == user_id), key=lambda f: f.feed_id)

    def due(self, wheel_key: str, start: str) -> DuePage:
        with self.lock:
            found = sorted(feed_id for feed_id, feed in self._feeds.items() if _slot(feed) == wheel_key)
            page = [feed_id for feed_id in found if feed_id > start][: self._page_size]
            feeds = [
                DueFeed(feed_id=one, user_id=self._feeds[one].user_id, broker=self._feeds[one].broker) for one in page
            ]
            more = bool(page) and page[-1] != found[-1]
            return DuePage(feeds=feeds, next_start=page[-1] if more else "")

    def create(self, feed: Feed) -> None:
        with self.lock:
            if feed.feed_id in self._feeds:
                raise ValueError(f"feed_id: {feed.feed_id} exists already")
            self._feeds[feed.feed_id] = feed

    def acquire(self, feed_id: str, *, token: str, run_id: str, job: SyncJob, now: datetime) -> Acquired | NotAcquired:
        with self.lock:
            feed = self._feeds.get(feed_id)
            if feed is None:
                return NotAcquired(feed=None)
            held = feed.lease
            ours = held is not None and held.token == token
            free = held is None and feed.owes(job.job_id, job.tick, now)
            if not (free or ours or (held is not None and held.until <= now)):
                return NotAcquired(feed=feed)
            lease = Lease(
                feed_id=feed_id,
                token=token,
                epoch=feed.epoch + 1,
                until=now + timedelta(seconds=LEASE_SECONDS),
                run_id=run_id,
                job_id=job.job_id,
                started_at=now,
                requested_by=job.requested_by,
            )
            previous = self._taken_over.get(feed_id) if ours else held
            self._taken_over[feed_id] = held
            self._feeds[feed_id] = replace(feed, lease=lease, epoch=lease.epoch)
            dead = previous if previous is not None and previous.token != token else None
            return Acquired(feed=feed, lease=lease, predecessor=dead)

    def check(self, lease: Lease) -> Feed:
        """The feed, if the lease's epoch is the current one. Raises LeaseLostError."""
        feed = self._feeds.get(lease.feed_id)
        if feed is None or feed.epoch != lease.epoch:
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")
        return feed

    def add_news(self, lease: Lease, count: int, cursor: str | None = None) -> None:
        """What a ledger transaction does to the feed."""
        feed = self.check(lease)
        moved = feed.cursor if cursor is None else cursor
        self._feeds[lease.feed_id] = replace(feed, news=feed.news + count, cursor=moved)

    def advance(self, lease: Lease, cursor: str, coverage: Coverage, load: Load | None) -> LoadRequest | None:
        with self.lock:
            before = self.check(lease)
            self._feeds[lease.feed_id] = replace(before, cursor=cursor, coverage=coverage, load=load)
            return before.load_request

    def add_accounts(self, lease: Lease, accounts: Mapping[str, str]) -> None:
        with self.lock:
            feed = self.check(lease)
            self._feeds[lease.feed_id] = replace(feed, accounts={**feed.accounts, **accounts})

    def finish(self, lease: Lease, finish: Finish, feed: Feed) -> None:
        with self.lock:
            stored = self.check(lease)
            if stored.lease is None:
                return  # a repeated finish: the first one took effect
            served = feed.wanted if feed.wanted and feed.wanted.not_before <= lease.started_at else None
            keeps = stored.wanted is not None and (served is None or stored.wanted.job_id != served.job_id)
            self._taken_over.pop(lease.feed_id, None)
            self._feeds[lease.feed_id] = replace(
                stored,
                lease=None,
                wanted=stored.wanted if keeps else finish.wanted,
                runnable=finish.runnable,
                outcome=finish.outcome,
                served_minute=stored.served_minute if finish.served_minute is None else finish.served_minute,
                cursor=stored.cursor if finish.cursor is None else finish.cursor,
                hashes=stored.hashes if finish.hashes is None else finish.hashes,
                coverage=stored.coverage if finish.coverage is None else finish.coverage,
                load=finish.load,
                load_request=None if _ends(finish, stored) else stored.load_request,
                error_code=finish.error_code,
                safe_message=finish.safe_message,
                failure_count=finish.failure_count,
                first_failed_at=finish.first_failed_at,
                poison_job_id=finish.poison_job_id,
                last_attempted_at=finish.finished_at,
                last_successful_at=finish.succeeded_at or stored.last_successful_at,
                news=stored.news - finish.announced_news,
                announce=stored.announce + finish.announce,
            )

    def want(self, feed_id: str, wanted: Wanted) -> Wanted:
        with self.lock:
            feed = self._feeds.get(feed_id)
            if feed is None:
                raise KeyError(feed_id)
            if feed.lease is not None and feed.is_held(wanted.not_before) and wanted.kind not in OWN_RUN:
                lease = feed.lease
                return Wanted(job_id=feed.job_of(lease), kind=lease.requested_by, not_before=lease.started_at)
            owed = wanted
            if feed.wanted is not None and not feed.is_held(wanted.not_before):
                owed = replace(feed.wanted, not_before=min(feed.wanted.not_before, wanted.not_before))
            self._feeds[feed_id] = replace(feed, wanted=owed)
            return owed

    def ensure(self, lease: Lease, feed: Feed) -> None:
        with self.lock:
            self.check(lease)
            self._feeds.setdefault(feed.feed_id, feed)

    def renew(self, feed_id: str, connection: Connection, wanted: Wanted, *, of: str, under: Lease | None) -> bool:
        with self.lock:
            if under is not None:
                self.check(under)
            feed = self._feeds.get(feed_id)
            same = connection.connection_id == of
            if feed is None or feed.connection_id != of or (same and feed.connection_version >= connection.version):
                return False
            self._taken_over.pop(feed_id, None)
            self._feeds[feed_id] = replace(
                feed,
                connection_id=connection.connection_id,
                connection_version=connection.version,
                epoch=feed.epoch + 1,
                lease=None,
                poison_job_id="",
                wanted=wanted,
                runnable=True,
                error_code=None,
                safe_message="",
            )
            return True

    def close(self, feed_id: str, connection_id: str) -> Feed | None:
        with self.lock:
            feed = self._feeds.get(feed_id)
            if feed is None or feed.connection_id != connection_id:
                return None
            self._taken_over.pop(feed_id, None)
            self._feeds[feed_id] = replace(
                feed,
                epoch=feed.epoch + 1,
                lease=None,
                poison_job_id="",
                wanted=None,
                load_request=None,
                load=None,
                runnable=False,
                error_code=ErrorCode.CANCELLED,
                safe_message="This connection was removed; what it brought is kept.",
            )
            return feed

    def remove(self, lease: Lease) -> None:
        with self.lock:
            if lease.feed_id in self._feeds:
                self.check(lease)
                del self._feeds[lease.feed_id]

    def request_load(self, feed_id: str, request: LoadRequest) -> bool:
        with self.lock:
            feed = self._feeds[feed_id]
            if feed.load_request == request:
                return True
            if feed.load_request is not None or feed.load is not None:
                return False
            self._feeds[feed_id] = replace(feed, load_request=request)
            return True

    def cancel_load(self, feed_id: str) -> None:
        with self.lock:
            self._feeds[feed_id] = replace(self._feeds[feed_id], load_request=None)

    def reschedule(self, feed: Feed, schedule: Schedule) -> bool:
        with self.lock:
            known = self._feeds[feed.feed_id]
            if known.schedule != feed.schedule:
                return known.schedule == schedule
            self._feeds[feed.feed_id] = replace(
                known,
                plan=schedule.plan,
                chosen_min=schedule.chosen_min,
                interval_min=schedule.interval_min,
                sync_enabled=schedule.sync_enabled,
            )
            return True

    def accept(self, feed_id: str, through: datetime) -> None:
        with self.lock:
            self._feeds[feed_id] = replace(self._feeds[feed_id], accepted_through=through)

    def announced(self, feed_id: str, sent: Sequence[Announcement]) -> None:
        with self.lock:
            feed = self._feeds.get(feed_id)
            if feed is None:
                return
            told = {one.event_id for one in sent}
            left = tuple(one for one in feed.announce if one.event_id not in told)
            self._feeds[feed_id] = replace(feed, announce=left)


def _slot(feed: Feed) -> str:
    return wheel_key(feed.feed_id, feed.interval_min).text if feed.on_wheel() else ""


def _ends(finish: Finish, feed: Feed) -> bool:
    return feed.load_request is not None and feed.load_request.job_id == finish.ends_load
