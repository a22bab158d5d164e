"""The feeds table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Announcement, Feed, Lease, Wanted
from brokersync.domain.loads import Load, LoadRequest
from brokersync.domain.plans import Schedule
from brokersync.domain.runs import Outcome
from brokersync.ports.connections import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired:
    """The feed is ours under `lease`. `feed` is as it was before; `predecessor` is a dead worker's lease, if any."""

    feed: Feed
    lease: Lease
    predecessor: Lease | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAcquired:
    """Nothing to do or not ours now. `feed` is None when there is no such feed."""

    feed: Feed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Everything the end of a run writes to its feed, in one update under the lease's epoch.

    None leaves `served_minute`, `cursor`, `hashes`, `coverage` and `succeeded_at` as they are. All else is written as
    it stands here, and removed where it is None or empty: `wanted`, `load`, the error, the failure streak.
    `ends_load` names the job whose request for a load is done or given up; another's stays. `announce` is added
    to what is still unsent; it tells of `announced_news` entries, which the same update takes off the feed's `news`: so
    none is told twice, and those that the run doesn't know it stored (their answer was lost) stay to be told.
    `succeeded_at` is the time of a success.
    """

    outcome: Outcome
    finished_at: datetime
    served_minute: int | None
    wanted: Wanted | None
    runnable: bool
    cursor: str | None = None
    hashes: Mapping[str, str] | None = None
    coverage: Coverage | None = None
    load: Load | None = None
    ends_load: str = ""
    error_code: ErrorCode | None = None
    safe_message: str = ""
    failure_count: int = 0
    first_failed_at: datetime | None = None
    poison_job_id: str = ""
    succeeded_at: datetime | None = None
    announce: tuple[Announcement, ...] = ()
    announced_news: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFeed:
    """What the due index tells the dispatcher."""

    feed_id: str
    user_id: str
    broker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePage:
    """One page of a due key; `next_start` continues it, empty at the end."""

    feeds: Sequence[DueFeed]
    next_start: str


class Feeds(Protocol):
    """The feeds table. Every write is an update with a condition; none saves a whole item."""

    def get(self, feed_id: str) -> Feed | None:
        """The feed, strongly consistent."""
        ...

    def of_user(self, user_id: str) -> Sequence[Feed]:
        """All feeds of a user."""
        ...

    def due(self, wheel_key: str, start: str) -> DuePage:
        """One page of the feeds of a wheel key."""
        ...

    def create(self, feed: Feed) -> None:
        """A new feed with what is owed to it. Raises ValueError if the id exists."""
        ...

    def acquire(self, feed_id: str, *, token: str, run_id: str, job: SyncJob, now: datetime) -> Acquired | NotAcquired:
        """Take the lease if the feed is free (or its holder dead, or the token ours) and has work for the message.

        Work: see Feed.owes; an expired lease is work too, because its run was never finished.
        """
        ...

    def advance(self, lease: Lease, cursor: str, coverage: Coverage, load: Load | None) -> LoadRequest | None:
        """Write down in one step how far a run has stored what the broker has, while there is more to come.

        Returns the load that is asked for now: so the run learns that its own was cancelled. Raises LeaseLostError when
        the epoch is not ours any more.
        """
        ...

    def add_accounts(self, lease: Lease, accounts: Mapping[str, str]) -> None:
        """Remember accounts that a fetch found (broker id -> ours). Raises LeaseLostError."""
        ...

    def finish(self, lease: Lease, finish: Finish, feed: Feed) -> None:
        """End the run and free the lease; safe to repeat. `feed` is the one that the acquire gave.

        A request that came in during the run stays owed: `finish.wanted` takes only the place of what the run served
        (Feed.job_of). Raises LeaseLostError when the epoch is not ours any more.
        """
        ...

    def want(self, feed_id: str, wanted: Wanted) -> Wanted:
        """Owe work to the feed; returns what is owed.

        That is the running job, if a live worker holds the feed at `wanted.not_before` (but new credentials and
        backfills are owed a run of their own); else the request that still waits, brought forward if this one's time
        is earlier; else `wanted`. Raises KeyError for an unknown feed.
        """
        ...

    def request_load(self, feed_id: str, request: LoadRequest) -> bool:
        """Ask for a load; False where one is asked for or goes on already. Whoever runs the feed next begins it.

        Raises KeyError for an unknown feed.
        """
        ...

    def cancel_load(self, feed_id: str) -> None:
        """Take back what was asked for, if anything was. Raises KeyError for an unknown feed."""
        ...

    def reschedule(self, feed: Feed, schedule: Schedule) -> bool:
        """Put the feed under another schedule, if it is still under the one that `feed` has; whether it is now.

        Raises KeyError for an unknown feed.
        """
        ...

    def accept(self, feed_id: str, through: datetime) -> None:
        """Note that trades executed up to then may be missing from answers. Raises KeyError for an unknown feed."""
        ...

    def announced(self, feed_id: str, sent: Sequence[Announcement]) -> None:
        """Forget events that were sent, unless others have taken their place."""
        ...

    def ensure(self, lease: Lease, feed: Feed) -> None:
        """Create a feed that a run found, unless it exists, in one step under the lease's epoch.

        Raises LeaseLostError.
        """
        ...

    def renew(self, feed_id: str, connection: Connection, wanted: Wanted, *, of: str, under: Lease | None) -> bool:
        """Put a feed of the connection `of` under a connection's present credentials; False if it isn't one any more.

        The feed keeps its cursor, runs again and owes `wanted`. Its epoch moves on, so that a run under the old
        credentials can't finish. Nothing happens where it has this version or a newer one. `under` fences it by the
        epoch of another feed: raises LeaseLostError.
        """
        ...

    def close(self, feed_id: str, connection_id: str) -> Feed | None:
        """Take a feed off the wheel for good: nothing is owed, its epoch moves on, whoever holds it loses it.

        Returns the feed as it was before, with its lease; None when the connection has no such feed.
        """
        ...

    def remove(self, lease: Lease) -> None:
        """Delete the feed, under its epoch; one that is gone is success. Raises LeaseLostError."""
        ...
