"""When a broker is left in peace because it has trouble, and when it is asked again. Pure.

closed ── FAULTS_TO_OPEN runs of one process in a row met a fault ──> open, for OPEN_FOR ──> half open: one run is the
probe ── answered ──> closed; ── a fault ──> open again; ── nothing learned, or its worker died ──> the next one probes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from brokersync.domain.errors import ErrorCode, OutOfTimeError, RetryLaterError
from brokersync.domain.feeds import LEASE_SECONDS
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import next_due

FAULTS_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=60)
PROBE_FOR = timedelta(seconds=LEASE_SECONDS)  # a probe takes no longer than a run
SPREAD_MINUTES = 15  # what was held back comes back over so long, unless its own interval is shorter

FAULTS = frozenset({ErrorCode.BROKER_UNAVAILABLE, ErrorCode.TIMEOUT})


class BreakerStatus(StrEnum):
    """What the catalog tells. Half open: the next run finds out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """A breaker that is not closed. Times are aware UTC.

    `since` is the first opening after it was last closed; nobody asks before `open_until`; `probe_until` bounds the
    probe that is under way, if any.
    """

    since: datetime
    open_until: datetime
    probe_until: datetime | None = None

    def status(self, now: datetime) -> BreakerStatus:
        """Open, or half open."""
        return BreakerStatus.OPEN if now < self.open_until else BreakerStatus.HALF_OPEN

    def closed_until(self, now: datetime) -> datetime | None:
        """Until when nobody may ask; None where somebody may probe."""
        until = max(self.open_until, self.probe_until or self.open_until)
        return until if now < until else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """The breaker of one environment, as it is told; the times (aware UTC) are None while it is closed."""

    environment: str
    state: BreakerStatus
    since: datetime | None = None
    retry_at: datetime | None = None

    @classmethod
    def of(cls, environment: str, state: BreakerState | None, now: datetime) -> "Circuit":
        """From the breaker's state, None for one that is closed."""
        if state is None:
            return cls(environment=environment, state=BreakerStatus.CLOSED)
        return cls(
            environment=environment, state=state.status(now), since=state.since, retry_at=state.closed_until(now)
        )


class Verdict(StrEnum):
    """What a run learned about the broker's health."""

    ANSWERED = "answered"
    FAULT = "fault"
    NOTHING = "nothing"


def verdict_of(error: BaseException) -> Verdict:
    """What a run that failed learned: the broker's own faults count, and nothing else says anything.

    A credential, a limit, an answer that we don't understand or a bug of ours is not the broker's health.
    """
    ours = isinstance(error, OutOfTimeError)
    broken = isinstance(error, RetryLaterError) and error.code in FAULTS and not ours
    return Verdict.FAULT if broken else Verdict.NOTHING


def comes_back_at(feed_id: str, interval_min: int, open_until: datetime) -> datetime:
    """When a feed that was held back is tried again: at a minute of its own after the breaker has let go.

    Feeds of an interval up to SPREAD_MINUTES come with their next tick; so nobody's return is a storm.
    """
    interval = min(interval_min, SPREAD_MINUTES)
    return start_of_minute(next_due(feed_id, interval, minute_of(open_until)))
