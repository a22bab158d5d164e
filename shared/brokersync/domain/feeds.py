"""A feed: what one fetch covers and what is scheduled, leased and cursored. Its rules, without any I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode
from brokersync.domain.loads import Load, LoadRequest
from brokersync.domain.plans import Plan, Schedule
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.times import minute_of

LEASE_SECONDS = 75  # longer than the sync function's timeout, shorter than the queue's visibility
RETRY_DELAYS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
POISON_RECEIVES = 4  # the queue's maxReceiveCount: a job that fails through our fault is tried so often


class FetchScope(StrEnum):
    """What one fetch covers."""

    ACCOUNT = "account"
    CONNECTION = "connection"


class FeedPurpose(StrEnum):
    """What a run of a feed does: bring data, find a new connection's accounts, erase what a removed one left."""

    SYNC = "sync"
    DISCOVER = "discover"
    ERASE = "erase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds a feed. `epoch` fences every later write; `run_id` and `job_id` name the holder's run."""

    feed_id: str
    token: str
    epoch: int
    until: datetime
    run_id: str
    job_id: str
    started_at: datetime
    requested_by: RequestedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Work that is owed to a feed, written before any message is sent (I11).

    `state` is the provider's continuation (a reference code, a page border), `attempt` counts tries that failed.
    """

    job_id: str
    kind: RequestedBy
    not_before: datetime
    attempt: int = 0
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An event to send after the finish. `event_id` is the same however often it is sent."""

    event_id: str
    detail_type: str
    detail: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as the table holds it. `accounts` maps the broker's account ids to ours.

    `interval_min` is what is scheduled, `chosen_min` what the trader chose (None: no choice made). Trades executed up
    to `accepted_through` may be missing from what the broker answers: the trader has accepted it.
    `news` counts entries that are stored but not announced yet. `hashes` has one hash per page that may repeat itself.
    `load_request` is a backfill or replay that somebody asked for, `load` a long load that goes on. `served_minute` is
    the last minute since 1970 whose tick needs no run any more. `poison_job_id` is the job whose message comes back
    while our fault, or a change at the broker, fails one run after the other.
    """

    feed_id: str
    user_id: str
    connection_id: str
    connection_version: int
    broker: str
    plan: Plan
    interval_min: int
    accounts: Mapping[str, str]
    purpose: FeedPurpose = FeedPurpose.SYNC
    chosen_min: int | None = None
    sync_enabled: bool = True
    runnable: bool = True
    epoch: int = 0
    lease: Lease | None = None
    wanted: Wanted | None = None
    served_minute: int = 0
    cursor: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    load_request: LoadRequest | None = None
    load: Load | None = None
    outcome: Outcome | None = None
    error_code: ErrorCode | None = None
    safe_message: str = ""
    failure_count: int = 0
    first_failed_at: datetime | None = None
    poison_job_id: str = ""
    last_attempted_at: datetime | None = None
    last_successful_at: datetime | None = None
    news: int = 0
    announce: tuple[Announcement, ...] = ()
    accepted_through: datetime | None = None

    @property
    def schedule(self) -> Schedule:
        """When it is synced by itself."""
        return Schedule(
            plan=self.plan,
            chosen_min=self.chosen_min,
            interval_min=self.interval_min,
            sync_enabled=self.sync_enabled,
        )

    def is_held(self, now: datetime) -> bool:
        """Whether a live worker holds the feed ("syncing"); an expired lease is a dead worker's."""
        return self.lease is not None and self.lease.until > now

    def owes(self, job_id: str, tick: int | None, now: datetime) -> bool:
        """Whether a job's message with this tick (None: not a scheduled one) finds work to do (I11).

        Owed work runs when its time has come, whoever wakes it. A scheduled tick runs if nothing has served it and no
        retry is waiting for a later time. The job that stands for a failure streak runs while the streak lasts: only
        so does it come back until it is a dead letter, and only so does redriving that one mend the feed. A feed whose
        user has to act owes nothing, whatever message is left over.
        """
        if not self.runnable:
            return False
        if job_id == self.poison_job_id:
            return True
        if self.wanted is not None:
            return self.wanted.not_before <= now
        return tick is not None and tick > self.served_minute and self.sync_enabled

    def job_of(self, lease: Lease) -> str:
        """The job that a lease's holder works on: what was owed when it began, else what its message asked for."""
        owed = self.wanted is not None and self.wanted.not_before <= lease.started_at
        return self.wanted.job_id if owed and self.wanted else lease.job_id

    def on_wheel(self) -> bool:
        """Whether the dispatcher has to look at the feed: it is scheduled, or something is owed to it."""
        return self.runnable and (self.sync_enabled or self.wanted is not None)


def retry_at(attempt: int, now: datetime, hint: datetime | None) -> datetime | None:
    """When to try again after the `attempt`-th failed try (first = 0); None when the tries are used up."""
    if attempt >= len(RETRY_DELAYS):
        return None
    planned = now + RETRY_DELAYS[attempt]
    return max(planned, hint) if hint else planned


def served_by(started_at: datetime) -> int:
    """The last minute whose tick a run that started then has served."""
    return minute_of(started_at)
