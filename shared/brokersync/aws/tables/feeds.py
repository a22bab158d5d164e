"""The feeds table."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import IncludeProjection, KeysOnlyProjection

from brokersync.aws.tables.attributes import (
    IntegerAttribute,
    RecordAttribute,
    RecordsAttribute,
    TextsAttribute,
    TimeAttribute,
)
from brokersync.aws.tables.base import Table, TableIndex, settings
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Announcement, Feed, FeedPurpose, Lease, Wanted
from brokersync.domain.loads import Load, LoadRequest
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.wheel import wheel_key


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLease:
    """A lease as it is stored: the feed's id and epoch are the item's."""

    token: str
    until: datetime
    run: str
    job: str
    since: datetime
    by: RequestedBy

    def to_lease(self, feed_id: str, epoch: int) -> Lease:
        """The lease that it was under this epoch."""
        return Lease(
            feed_id=feed_id,
            token=self.token,
            epoch=epoch,
            until=self.until,
            run_id=self.run,
            job_id=self.job,
            started_at=self.since,
            requested_by=self.by,
        )


class FeedsByUser(TableIndex["FeedItem"], name="by_user", projection=KeysOnlyProjection()):
    """A user's feeds."""

    user_id = UnicodeAttribute(hash_key=True)
    feed_id = UnicodeAttribute(range_key=True)


class FeedsDue(TableIndex["FeedItem"], name="due", projection=IncludeProjection(["user_id", "broker"])):
    """The wheel: sparse, and without anything that a sync changes, so that a finish never touches it."""

    wheel_slot = UnicodeAttribute(hash_key=True)
    feed_id = UnicodeAttribute(range_key=True)


class FeedItem(Table):
    """A feed. Names are short where the item would grow over 1 KB and cost a second write unit.

    `slot` is the feed's key on the wheel, `wheel_slot` the same while it is on the wheel. `taken_over` is the lease
    that the present one replaced: an acquire that has to be repeated still learns of its dead predecessor.
    """

    Meta = settings("feeds")
    by_user = FeedsByUser()
    due = FeedsDue()

    feed_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    connection_id = UnicodeAttribute()
    connection_version = IntegerAttribute(attr_name="version")
    broker = UnicodeAttribute()
    plan = UnicodeAttribute()
    interval_min = IntegerAttribute(attr_name="interval")
    chosen_min = IntegerAttribute(attr_name="chosen", null=True)
    slot = UnicodeAttribute()
    wheel_slot = UnicodeAttribute(null=True)
    accounts = TextsAttribute()
    purpose = UnicodeAttribute(null=True)
    sync_enabled = BooleanAttribute(attr_name="sync")
    runnable = BooleanAttribute()
    epoch = IntegerAttribute()
    lease: RecordAttribute[StoredLease | None] = RecordAttribute(StoredLease, null=True)
    taken_over: RecordAttribute[StoredLease | None] = RecordAttribute(StoredLease, null=True, attr_name="over")
    wanted: RecordAttribute[Wanted | None] = RecordAttribute(Wanted, null=True)
    served_minute = IntegerAttribute(attr_name="served")
    cursor = UnicodeAttribute(null=True)
    hashes = TextsAttribute(null=True)
    coverage = RecordAttribute(Coverage)
    load_request: RecordAttribute[LoadRequest | None] = RecordAttribute(LoadRequest, null=True)
    load: RecordAttribute[Load | None] = RecordAttribute(Load, null=True)
    outcome = UnicodeAttribute(null=True)
    error_code = UnicodeAttribute(attr_name="error", null=True)
    safe_message = UnicodeAttribute(attr_name="message", null=True)
    failure_count = IntegerAttribute(attr_name="failures", null=True, default=0)
    first_failed_at = TimeAttribute(attr_name="failing", null=True)
    poison_job_id = UnicodeAttribute(attr_name="poison", null=True)
    last_attempted_at = TimeAttribute(attr_name="attempted", null=True)
    last_successful_at = TimeAttribute(attr_name="succeeded", null=True)
    news = IntegerAttribute(null=True, default=0)
    announce = RecordsAttribute(Announcement, null=True)
    accepted_through = TimeAttribute(attr_name="accepted", null=True)

    @classmethod
    def of(cls, feed: Feed) -> Self:
        """The item of a feed that nobody holds."""
        slot = wheel_key(feed.feed_id, feed.interval_min).text
        return cls(
            feed_id=feed.feed_id,
            user_id=feed.user_id,
            connection_id=feed.connection_id,
            connection_version=feed.connection_version,
            broker=feed.broker,
            plan=feed.plan.value,
            interval_min=feed.interval_min,
            chosen_min=feed.chosen_min,
            slot=slot,
            wheel_slot=slot if feed.on_wheel() else None,
            accounts=feed.accounts,
            purpose=feed.purpose.value if feed.purpose is not FeedPurpose.SYNC else None,
            sync_enabled=feed.sync_enabled,
            runnable=feed.runnable,
            epoch=feed.epoch,
            wanted=feed.wanted,
            served_minute=feed.served_minute,
            cursor=feed.cursor or None,
            hashes=feed.hashes or None,
            coverage=feed.coverage,
            load_request=feed.load_request,
            load=feed.load,
            outcome=feed.outcome.value if feed.outcome else None,
            error_code=feed.error_code.value if feed.error_code else None,
            safe_message=feed.safe_message or None,
            failure_count=feed.failure_count or None,
            first_failed_at=feed.first_failed_at,
            poison_job_id=feed.poison_job_id or None,
            last_attempted_at=feed.last_attempted_at,
            last_successful_at=feed.last_successful_at,
            news=feed.news or None,
            announce=feed.announce or None,
            accepted_through=feed.accepted_through,
        )

    def to_feed(self) -> Feed:
        """The feed as the domain knows it."""
        return Feed(
            feed_id=self.feed_id,
            user_id=self.user_id,
            connection_id=self.connection_id,
            connection_version=self.connection_version,
            broker=self.broker,
            plan=Plan(self.plan),
            interval_min=self.interval_min,
            accounts=self.accounts,
            purpose=FeedPurpose(self.purpose or FeedPurpose.SYNC),
            chosen_min=self.chosen_min,
            sync_enabled=self.sync_enabled,
            runnable=self.runnable,
            epoch=self.epoch,
            lease=self.lease.to_lease(self.feed_id, self.epoch) if self.lease is not None else None,
            wanted=self.wanted,
            served_minute=self.served_minute,
            cursor=self.cursor or "",
            hashes=self.hashes or {},
            coverage=self.coverage,
            load_request=self.load_request,
            load=self.load,
            outcome=Outcome(self.outcome) if self.outcome else None,
            error_code=ErrorCode(self.error_code) if self.error_code else None,
            safe_message=self.safe_message or "",
            failure_count=self.failure_count,
            first_failed_at=self.first_failed_at,
            poison_job_id=self.poison_job_id or "",
            last_attempted_at=self.last_attempted_at,
            last_successful_at=self.last_successful_at,
            news=self.news,
            announce=tuple(self.announce or ()),
            accepted_through=self.accepted_through,
        )
