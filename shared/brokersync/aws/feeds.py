"""The feeds table's adapter (ports.Feeds). Every write is one conditional update; what refuses it says why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from brokersync.aws.feed_expressions import (
    acquire_actions,
    advance_actions,
    close_actions,
    epoch_is,
    finish_actions,
    may_acquire,
    may_finish,
    may_owe,
    may_renew,
    may_reschedule,
    renew_actions,
    reschedule_actions,
)
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.attributes import becomes
from brokersync.aws.tables.base import Refused, Request, Written, all_of, any_of
from brokersync.aws.tables.feeds import FeedItem, StoredLease
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import LEASE_SECONDS, Announcement, Feed, Lease, Wanted
from brokersync.domain.loads import Load, LoadRequest
from brokersync.domain.plans import Schedule
from brokersync.domain.runs import RequestedBy
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Acquired, DueFeed, DuePage, Finish, NotAcquired
from brokersync.ports.storage import ConflictError

DUE_PAGE = 1_000  # feeds per page of the due index: what a dispatcher sends between two moves of its position
TRIES = 5  # how often an update is computed anew because the feed changed meanwhile
OWN_RUN = frozenset({RequestedBy.CONNECT, RequestedBy.BACKFILL})  # a run that goes on already can't serve these


class DynamoFeeds:
    """Feeds in DynamoDB."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(FeedItem)

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, feed_id: str) -> Feed | None:
        """The feed, strongly consistent."""
        item = self._items.find(feed_id)
        return item.to_feed() if item else None

    def of_user(self, user_id: str) -> Sequence[Feed]:
        """All feeds of a user, by feed id. A feed made in the last moments may be missing: an index knows it later."""
        feed_ids = [item.feed_id for item in self._items.by_user.query(user_id)]
        found = self._items.batch_get(feed_ids, consistent_read=True)
        return sorted((item.to_feed() for item in found), key=lambda feed: feed.feed_id)

    def all(self) -> Iterator[Feed]:
        """Every feed, by a scan of the whole table: for an operator's command, which no function has the right to."""
        return (item.to_feed() for item in self._items.scan())

    def due(self, wheel_key: str, start: str) -> DuePage:
        """One page of the feeds of a wheel key."""
        after = FeedItem.feed_id > start if start else None
        page = self._items.due.query(wheel_key, after, limit=DUE_PAGE)
        feeds = [DueFeed(feed_id=item.feed_id, user_id=item.user_id, broker=item.broker) for item in page]
        return DuePage(feeds=feeds, next_start=feeds[-1].feed_id if page.last_evaluated_key else "")

    # --- a run ------------------------------------------------------------------------------------------------------

    def acquire(self, feed_id: str, *, token: str, run_id: str, job: SyncJob, now: datetime) -> Acquired | NotAcquired:
        """Take the lease if the feed is free (or its holder dead, or the token ours) and has work for the message."""
        stored = StoredLease(
            token=token,
            until=now + timedelta(seconds=LEASE_SECONDS),
            run=run_id,
            job=job.job_id,
            since=now,
            by=job.requested_by,
        )
        result = self._items.change(
            feed_id, actions=acquire_actions(stored), condition=may_acquire(token, job, now), before=True
        )
        if isinstance(result, Refused):
            return NotAcquired(feed=result.found.to_feed() if result.found else None)
        feed = result.old.to_feed()
        lease = stored.to_lease(feed_id, feed.epoch + 1)
        return Acquired(feed=feed, lease=lease, predecessor=_predecessor(result.old, token))

    def advance(self, lease: Lease, cursor: str, coverage: Coverage, load: Load | None) -> LoadRequest | None:
        """Write down how far a run has stored; returns the load that is asked for now. Raises LeaseLostError."""
        result = self._items.change(
            lease.feed_id, actions=advance_actions(cursor, coverage, load), condition=epoch_is(lease), before=True
        )
        if isinstance(result, Refused):
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")
        return result.old.load_request

    def add_accounts(self, lease: Lease, accounts: Mapping[str, str]) -> None:
        """Remember accounts that a fetch found (broker id -> ours). Raises LeaseLostError."""
        self._change_held(lease, *(FeedItem.accounts[number].set(ours) for number, ours in accounts.items()))

    def _change_held(self, lease: Lease, *actions: Action) -> None:
        if isinstance(self._items.change(lease.feed_id, actions=actions, condition=epoch_is(lease)), Refused):
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")

    def finish(self, lease: Lease, finish: Finish, feed: Feed) -> None:
        """End the run and free the lease; safe to repeat. Raises LeaseLostError when the epoch is not ours any more.

        The update is computed from the feed as the acquire saw it, and holds only while request and schedule are
        still those; otherwise the refusal brings the feed as it is now. Only a finish frees a lease: when ours is gone
        under our own epoch, this finish took effect before and its answer was lost.
        """
        served = feed.wanted if feed.wanted and feed.wanted.not_before <= lease.started_at else None
        known = feed
        for _ in range(TRIES):
            after = replace(known, wanted=_owed_after(known, served, finish), runnable=finish.runnable)
            result = self._items.change(
                lease.feed_id, actions=finish_actions(finish, after), condition=may_finish(lease, known)
            )
            if isinstance(result, Written):
                return
            if result.found is None or result.found.epoch != lease.epoch:
                raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")
            if result.found.lease is None:
                return
            known = result.found.to_feed()
        raise ConflictError(f"{lease.feed_id} changed {TRIES} times while it was finished")

    # --- a connection's feeds ----------------------------------------------------------------------------------------

    def ensure(self, lease: Lease, feed: Feed) -> None:
        """Create a feed that a run found, unless it exists, in one step under the lease's epoch."""
        put = self._items.put_request(self._items.of(feed).serialize(), FeedItem.feed_id.does_not_exist())
        self._under(lease, {"Put": put})

    def renew(self, feed_id: str, connection: Connection, wanted: Wanted, *, of: str, under: Lease | None) -> bool:
        """Put a feed of the connection `of` under a connection's present credentials; False if it is none any more."""
        renewed = self._items.change_request(
            feed_id, actions=renew_actions(connection, wanted), condition=may_renew(connection, of)
        )
        if under is not None:
            return self._under(under, {"Update": renewed})
        return isinstance(self._items.send_change(renewed), Written)

    def close(self, feed_id: str, connection_id: str) -> Feed | None:
        """Take a feed off the wheel for good; returns it as it was, None when the connection has no such feed."""
        of_connection = FeedItem.connection_id == connection_id
        result = self._items.change(feed_id, actions=close_actions(), condition=of_connection, before=True)
        return result.old.to_feed() if isinstance(result, Written) else None

    def remove(self, lease: Lease) -> None:
        """Delete the feed, under its epoch; one that is gone is success."""
        result = self._items.erase(lease.feed_id, condition=any_of(epoch_is(lease), FeedItem.feed_id.does_not_exist()))
        if isinstance(result, Refused):
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")

    def _under(self, lease: Lease, write: Request) -> bool:
        """A write on another feed while the lease's epoch is the current one; False if its own condition refused it."""
        fence = self._items.check_request(lease.feed_id, condition=epoch_is(lease))
        refused = self._items.transact([write, {"ConditionCheck": fence}])
        if 1 in refused:
            raise LeaseLostError(f"{lease.feed_id} left epoch {lease.epoch}")
        return 0 not in refused

    # --- requests and schedule --------------------------------------------------------------------------------------

    def create(self, feed: Feed) -> None:
        """A new feed with what is owed to it. Raises ValueError if the id exists."""
        result = self._items.of(feed).insert(FeedItem.feed_id.does_not_exist())
        if isinstance(result, Refused) and (result.found is None or result.found.to_feed() != feed):
            raise ValueError(f"feed_id: {feed.feed_id} exists already")

    def want(self, feed_id: str, wanted: Wanted) -> Wanted:
        """Owe work to the feed; returns what is owed. Raises KeyError for an unknown feed."""
        feed, owed = None, wanted  # taken for one that runs when asked, is free and owes nothing: the usual case
        for _ in range(TRIES):
            wheel = [] if feed is not None and not feed.runnable else [FeedItem.wheel_slot.set(FeedItem.slot)]
            result = self._items.change(
                feed_id, actions=[becomes(FeedItem.wanted, owed), *wheel], condition=may_owe(feed, wanted.not_before)
            )
            if isinstance(result, Written):
                return owed
            if result.found is None:
                raise KeyError(feed_id)
            feed = result.found.to_feed()
            owed, to_write = _answer(feed, wanted)
            if not to_write:
                return owed
        raise ConflictError(f"{feed_id} changed {TRIES} times while work was owed to it")

    def request_load(self, feed_id: str, request: LoadRequest) -> bool:
        """Ask for a load; False where one is asked for or goes on already. Raises KeyError for an unknown feed."""
        free = all_of(FeedItem.feed_id.exists(), FeedItem.load_request.does_not_exist(), FeedItem.load.does_not_exist())
        result = self._items.change(feed_id, actions=[becomes(FeedItem.load_request, request)], condition=free)
        if isinstance(result, Written):
            return True
        if result.found is None:
            raise KeyError(feed_id)
        return result.found.load_request is not None and result.found.load_request.job_id == request.job_id

    def cancel_load(self, feed_id: str) -> None:
        """Take back what was asked for, if anything was. Raises KeyError for an unknown feed."""
        known = FeedItem.feed_id.exists()
        if isinstance(self._items.change(feed_id, actions=[FeedItem.load_request.remove()], condition=known), Refused):
            raise KeyError(feed_id)

    def reschedule(self, feed: Feed, schedule: Schedule) -> bool:
        """Put the feed under another schedule, if it is still under the one that `feed` has; whether it is now."""
        known = feed
        for _ in range(TRIES):
            result = self._items.change(
                feed.feed_id, actions=reschedule_actions(known, schedule), condition=may_reschedule(known)
            )
            if isinstance(result, Written):
                return True
            if result.found is None:
                raise KeyError(feed.feed_id)
            known = result.found.to_feed()
            if known.schedule != feed.schedule:
                return known.schedule == schedule  # our own write, if its answer was lost
        raise ConflictError(f"{feed.feed_id} changed {TRIES} times while it was rescheduled")

    def accept(self, feed_id: str, through: datetime) -> None:
        """Note that trades executed up to then may be missing from answers. Raises KeyError for an unknown feed."""
        noted = self._items.change(
            feed_id, actions=[FeedItem.accepted_through.set(through)], condition=FeedItem.feed_id.exists()
        )
        if isinstance(noted, Refused):
            raise KeyError(feed_id)

    def announced(self, feed_id: str, sent: Sequence[Announcement]) -> None:
        """Forget events that were sent, unless others have taken their place."""
        stored, left = tuple(sent), tuple[Announcement, ...]()
        told = {one.event_id for one in sent}
        for _ in range(TRIES):
            result = self._items.change(
                feed_id, actions=[becomes(FeedItem.announce, left)], condition=FeedItem.announce.equals(stored)
            )
            if isinstance(result, Written) or result.found is None:
                return
            stored = result.found.to_feed().announce
            left = tuple(one for one in stored if one.event_id not in told)
            if left == stored:
                return
        raise ConflictError(f"{feed_id} changed {TRIES} times while its events were sent")


def _predecessor(before: FeedItem, token: str) -> Lease | None:
    """The dead worker's lease. When an acquire is repeated it replaced our own: then it is the one from before."""
    if before.lease is None:
        return None
    if before.lease.token != token:
        return before.lease.to_lease(before.feed_id, before.epoch)
    if before.taken_over is None or before.taken_over.token == token:
        return None
    return before.taken_over.to_lease(before.feed_id, before.epoch - 1)


def _owed_after(known: Feed, served: Wanted | None, finish: Finish) -> Wanted | None:
    """What came in during the run stays; else it is what the finish says."""
    came_in = known.wanted is not None and (served is None or known.wanted.job_id != served.job_id)
    return known.wanted if came_in else finish.wanted


def _answer(feed: Feed, wanted: Wanted) -> tuple[Wanted, bool]:
    """What a request finds owed, and whether that has to be written."""
    held = feed.is_held(wanted.not_before)
    if feed.lease is not None and held and wanted.kind not in OWN_RUN:
        lease = feed.lease
        return Wanted(job_id=feed.job_of(lease), kind=lease.requested_by, not_before=lease.started_at), False
    if feed.wanted is None or held:
        return wanted, True
    if feed.wanted.not_before <= wanted.not_before:
        return feed.wanted, False
    return replace(feed.wanted, not_before=wanted.not_before), True
