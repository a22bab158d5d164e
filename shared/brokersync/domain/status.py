"""What a trader is told about an account, derived from its feed: one rule for API, page and command line (I5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from brokersync.domain.errors import NEXT_STEPS, ErrorCode
from brokersync.domain.feeds import Feed
from brokersync.domain.runs import Outcome
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import next_due

RECONNECT = frozenset(
    {
        ErrorCode.CREDENTIALS_REJECTED,
        ErrorCode.CONSENT_EXPIRED,
        ErrorCode.ACCOUNT_CLOSED,
        ErrorCode.WRONG_ACCOUNT,
    }
)
"""Only a new credential helps. An incomplete set-up is mended at the broker, where we can't see it: that goes on."""


class AccountStatus(StrEnum):
    """Account statuses, worst last when sorted by `SEVERITY`."""

    SYNCED = "synced"
    SYNCING = "syncing"
    PENDING = "pending"
    PARTIAL = "partial"
    NEEDS_REVIEW = "needs_review"
    FAILED = "failed"


class Badge(StrEnum):
    """What an account's badge says, in English; messages.py has the other languages. `{}` is the time it waits for."""

    SYNCED = "Synced"
    SYNCING = "Syncing"
    PARTLY = "Partly synced"
    REVIEW = "Review"
    WAITING = "Waiting"
    WAITING_UNTIL = "Waiting until {}"
    RECONNECT = "Re-connect"
    TRYING_AGAIN = "Trying again"
    TRYING_AGAIN_AT = "Trying again at {}"
    FAILED = "Failed"
    FIRST = "Waiting for the first sync"
    DISCONNECTED = "Disconnected"


DISCONNECTED = (AccountStatus.PENDING, Badge.DISCONNECTED, "reconnect")
"""What the trader asked for, so nothing has failed."""

SEVERITY = {status: rank for rank, status in enumerate(AccountStatus)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """The truth about one account's sync. Times are aware UTC; `action` is the one right button, if any."""

    status: AccountStatus
    badge_kind: Badge
    action: str
    last_attempted_sync_at: datetime | None
    last_successful_sync_at: datetime | None
    next_sync_at: datetime | None
    retry_at: datetime | None
    job_id: str
    error_code: ErrorCode | None
    error_message: str
    next_step: str

    @property
    def badge(self) -> str:
        """The badge in English, its time in UTC."""
        return self.badge_kind.format(clock(self.retry_at))


def clock(moment: datetime | None) -> str:
    """A time of day as badges have it; empty for none."""
    return moment.strftime("%H:%M:%S UTC") if moment else ""


def derive(feed: Feed, now: datetime) -> SyncStatus:
    """The status of a feed's accounts at `now`."""
    waiting = feed.wanted.not_before if feed.wanted and feed.wanted.not_before > now else None
    status, badge, action = DISCONNECTED if _is_disconnected(feed) else _badge(feed, now, waiting)
    shows_error = status not in {AccountStatus.SYNCED, AccountStatus.SYNCING} and feed.error_code is not None
    return SyncStatus(
        status=status,
        badge_kind=badge,
        action=action,
        last_attempted_sync_at=feed.last_attempted_at,
        last_successful_sync_at=feed.last_successful_at,
        next_sync_at=_next_sync(feed, now, waiting),
        retry_at=waiting,
        job_id=_job(feed, now),
        error_code=feed.error_code if shows_error else None,
        error_message=feed.safe_message if shows_error else "",
        next_step=NEXT_STEPS[feed.error_code] if shows_error and feed.error_code else "",
    )


def _is_disconnected(feed: Feed) -> bool:
    return feed.error_code is ErrorCode.CANCELLED and not feed.runnable


def _job(feed: Feed, now: datetime) -> str:
    if feed.lease is not None and feed.is_held(now):
        return feed.job_of(feed.lease)
    return feed.wanted.job_id if feed.wanted else ""


def _badge(feed: Feed, now: datetime, waiting: datetime | None) -> tuple[AccountStatus, Badge, str]:
    if feed.is_held(now):
        return AccountStatus.SYNCING, Badge.SYNCING, ""
    match feed.outcome:
        case Outcome.SUCCEEDED:
            return AccountStatus.SYNCED, Badge.SYNCED, ""
        case Outcome.PARTIAL:
            return AccountStatus.PARTIAL, Badge.PARTLY, "try_again"
        case Outcome.NEEDS_REVIEW:
            return AccountStatus.NEEDS_REVIEW, Badge.REVIEW, "review"
        case Outcome.DEFERRED:
            return AccountStatus.PENDING, Badge.WAITING_UNTIL if waiting else Badge.WAITING, ""
        case Outcome.FAILED if not feed.runnable:
            return AccountStatus.FAILED, Badge.RECONNECT, "reconnect"
        case Outcome.FAILED if waiting:
            return AccountStatus.PENDING, Badge.TRYING_AGAIN_AT, "try_again"
        case Outcome.FAILED if feed.wanted is not None and not feed.poison_job_id:
            return AccountStatus.PENDING, Badge.TRYING_AGAIN, "try_again"  # its time has come, a worker is on its way
        case Outcome.FAILED:
            return AccountStatus.FAILED, Badge.FAILED, "try_again"
        case _:
            return AccountStatus.PENDING, Badge.FIRST, ""


def _next_sync(feed: Feed, now: datetime, waiting: datetime | None) -> datetime | None:
    if not feed.runnable:
        return None
    scheduled = (
        start_of_minute(next_due(feed.feed_id, feed.interval_min, minute_of(now))) if feed.sync_enabled else None
    )
    owed = waiting or (now if feed.wanted else None)
    return min((moment for moment in (owed, scheduled) if moment), default=None)
