"""Conditions and updates of the feeds table: the rules of domain/feeds.py in DynamoDB's terms."""

from dataclasses import replace
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from brokersync.aws.tables.attributes import becomes
from brokersync.aws.tables.base import all_of, any_of
from brokersync.aws.tables.feeds import FeedItem, StoredLease
from brokersync.aws.tables.records import utc_text
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed, Lease, Wanted
from brokersync.domain.loads import Load
from brokersync.domain.plans import Schedule
from brokersync.domain.wheel import wheel_key
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Finish


def epoch_is(lease: Lease) -> Condition:
    """The fence of every write of a run: no later worker has taken the feed."""
    return FeedItem.epoch == lease.epoch


def may_acquire(token: str, job: SyncJob, now: datetime) -> Condition:
    """Free and owing work (Feed.owes), or held by a dead worker, or ours already: then the answer was lost."""
    owes = any_of(FeedItem.wanted["not_before"] <= utc_text(now), FeedItem.poison_job_id == job.job_id)
    if job.tick is not None:
        unserved = all_of(
            FeedItem.wanted.does_not_exist(), FeedItem.served_minute < job.tick, FeedItem.sync_enabled.is_in(True)
        )
        owes = any_of(owes, unserved)
    free = all_of(FeedItem.lease.does_not_exist(), FeedItem.runnable.is_in(True), owes)
    return any_of(free, _lease_ended(now), FeedItem.lease["token"] == token)


def acquire_actions(lease: StoredLease) -> list[Action]:
    """Take the lease; remember the one that it replaces."""
    return [
        becomes(FeedItem.lease, lease),
        FeedItem.taken_over.set(Path(FeedItem.lease) | {"NULL": True}),
        FeedItem.epoch.add(1),
    ]


def may_owe(feed: Feed | None, at: datetime) -> Condition:
    """The feed is as it was read; None: there is one that runs when asked, nobody holds it and nothing is owed."""
    if feed is None:
        free = any_of(FeedItem.lease.does_not_exist(), _lease_ended(at))
        return all_of(FeedItem.runnable.is_in(True), free, _same_request(None))
    held = FeedItem.lease.exists() if feed.lease is not None else FeedItem.lease.does_not_exist()
    return all_of(
        FeedItem.epoch == feed.epoch, held, FeedItem.runnable.is_in(feed.runnable), _same_request(feed.wanted)
    )


def may_finish(lease: Lease, known: Feed) -> Condition:
    """The lease is ours, and nobody has asked for a sync or changed the schedule since the feed was read."""
    enabled = FeedItem.sync_enabled.is_in(known.sync_enabled)
    held = all_of(epoch_is(lease), FeedItem.lease.exists(), enabled, _same_request(known.wanted))
    asked = known.load_request
    return all_of(held, FeedItem.load_request["job_id"] == asked.job_id) if asked is not None else held


def advance_actions(cursor: str, coverage: Coverage, load: Load | None) -> list[Action]:
    """What is written between two chunks."""
    return [becomes(FeedItem.cursor, cursor), becomes(FeedItem.coverage, coverage), becomes(FeedItem.load, load)]


def finish_actions(finish: Finish, after: Feed) -> list[Action]:
    """What a finish writes; `after` says what is owed then, and whether the feed stays on the wheel."""
    actions = [
        FeedItem.lease.remove(),
        FeedItem.taken_over.remove(),
        FeedItem.wheel_slot.set(FeedItem.slot) if after.on_wheel() else FeedItem.wheel_slot.remove(),
        becomes(FeedItem.wanted, after.wanted),
        becomes(FeedItem.load, finish.load),
        becomes(FeedItem.runnable, finish.runnable),
        becomes(FeedItem.outcome, finish.outcome.value),
        becomes(FeedItem.error_code, finish.error_code.value if finish.error_code else None),
        becomes(FeedItem.safe_message, finish.safe_message),
        becomes(FeedItem.failure_count, finish.failure_count or None),
        becomes(FeedItem.first_failed_at, finish.first_failed_at),
        becomes(FeedItem.poison_job_id, finish.poison_job_id),
        becomes(FeedItem.last_attempted_at, finish.finished_at),
    ]
    if finish.ends_load and after.load_request is not None and after.load_request.job_id == finish.ends_load:
        actions.append(FeedItem.load_request.remove())
    if finish.announced_news:
        actions.append(FeedItem.news.add(-finish.announced_news))
    if finish.served_minute is not None:
        actions.append(becomes(FeedItem.served_minute, finish.served_minute))
    if finish.cursor is not None:
        actions.append(becomes(FeedItem.cursor, finish.cursor))
    if finish.hashes is not None:
        actions.append(becomes(FeedItem.hashes, finish.hashes))
    if finish.coverage is not None:
        actions.append(becomes(FeedItem.coverage, finish.coverage))
    if finish.succeeded_at is not None:
        actions.append(becomes(FeedItem.last_successful_at, finish.succeeded_at))
    if finish.announce:
        actions.append(FeedItem.announce.adding(finish.announce))
    return actions


def may_reschedule(known: Feed) -> Condition:
    """The schedule is what was read, and so is what else decides whether the feed is on the wheel."""
    no_choice = FeedItem.chosen_min.does_not_exist()
    return all_of(
        FeedItem.plan == known.plan.value,
        no_choice if known.chosen_min is None else FeedItem.chosen_min == known.chosen_min,
        FeedItem.interval_min == known.interval_min,
        FeedItem.sync_enabled.is_in(known.sync_enabled),
        FeedItem.runnable.is_in(known.runnable),
        FeedItem.wanted.does_not_exist() if known.wanted is None else FeedItem.wanted.exists(),
    )


def reschedule_actions(known: Feed, schedule: Schedule) -> list[Action]:
    """Another schedule; off the wheel when nothing is left there to find."""
    slot = wheel_key(known.feed_id, schedule.interval_min).text
    on_wheel = replace(known, sync_enabled=schedule.sync_enabled).on_wheel()
    return [
        FeedItem.plan.set(schedule.plan.value),
        becomes(FeedItem.chosen_min, schedule.chosen_min),
        FeedItem.interval_min.set(schedule.interval_min),
        FeedItem.sync_enabled.set(schedule.sync_enabled),
        FeedItem.slot.set(slot),
        FeedItem.wheel_slot.set(slot) if on_wheel else FeedItem.wheel_slot.remove(),
    ]


def may_renew(connection: Connection, of: str) -> Condition:
    """A feed of the connection `of`, which has not got these credentials yet."""
    ours = FeedItem.connection_id == of
    return ours if connection.connection_id != of else all_of(ours, FeedItem.connection_version < connection.version)


def renew_actions(connection: Connection, wanted: Wanted) -> list[Action]:
    """New credentials: whoever holds the feed loses it, and it owes a run; cursor and failure streak stay."""
    return [
        *_let_go(),
        FeedItem.connection_id.set(connection.connection_id),
        FeedItem.connection_version.set(connection.version),
        becomes(FeedItem.wanted, wanted),
        FeedItem.runnable.set(True),
        FeedItem.wheel_slot.set(FeedItem.slot),
        FeedItem.error_code.remove(),
        FeedItem.safe_message.remove(),
    ]


def close_actions() -> list[Action]:
    """The end of a feed: nothing is owed, nothing runs any more."""
    return [
        *_let_go(),
        FeedItem.wanted.remove(),
        FeedItem.load_request.remove(),
        FeedItem.load.remove(),
        FeedItem.runnable.set(False),
        FeedItem.wheel_slot.remove(),
        FeedItem.error_code.set(ErrorCode.CANCELLED.value),
        FeedItem.safe_message.set("This connection was removed; what it brought is kept."),
    ]


def _let_go() -> list[Action]:
    return [
        FeedItem.epoch.add(1),
        FeedItem.lease.remove(),
        FeedItem.taken_over.remove(),
        FeedItem.poison_job_id.remove(),
    ]


def _lease_ended(now: datetime) -> Condition:
    return FeedItem.lease["until"] <= utc_text(now)


def _same_request(wanted: Wanted | None) -> Condition:
    """What is owed is still what was read."""
    if wanted is None:
        return FeedItem.wanted.does_not_exist()
    return all_of(
        FeedItem.wanted["job_id"] == wanted.job_id, FeedItem.wanted["not_before"] == utc_text(wanted.not_before)
    )
