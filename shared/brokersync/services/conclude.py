"""How a run ends: from what happened to what the feed, the trader and the queue are told (I5, I10). Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.breaker import comes_back_at
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    NeedsReviewError,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)
from brokersync.domain.feeds import POISON_RECEIVES, RETRY_DELAYS, Feed, Wanted, retry_at, served_by
from brokersync.domain.loads import Load
from brokersync.domain.pages import ComeBack
from brokersync.domain.runs import Outcome, RequestedBy, SectionState
from brokersync.ports.feeds import Finish
from brokersync.services.announce import announce
from brokersync.services.progress import Progress, Work


@dataclass(frozen=True, slots=True)
class Completed:
    """Everything the broker has was fetched and stored, as far as it could be understood."""


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """What was fetched is stored; the rest needs another invocation."""


@dataclass(frozen=True, slots=True)
class BackToSync:
    """A load that was asked for is over: the next run fetches what is new, from where the feed was before."""

    safe_message: str


Verdict = Completed | OutOfTime | ComeBack | BackToSync | SyncError

DEFERRING = frozenset({ErrorCode.LIMITS_UNAVAILABLE, ErrorCode.CIRCUIT_OPEN})
MENDED_ELSEWHERE = frozenset({ErrorCode.SETUP_INCOMPLETE, ErrorCode.ALREADY_CONNECTED})
GIVING_UP = frozenset({Outcome.FAILED, Outcome.NEEDS_REVIEW})
KEPT_KINDS = frozenset({RequestedBy.MANUAL, RequestedBy.CONNECT, RequestedBy.BACKFILL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The finish to write, and whether the message goes back to its queue (`redeliver`: our fault or the broker's)."""

    finish: Finish
    redeliver: bool = False


def conclude(
    *, feed: Feed, job: SyncJob, work: Work, progress: Progress, verdict: Verdict, started_at: datetime, now: datetime
) -> Conclusion:
    """Decide the outcome of a run and everything that follows from it. `feed` is as it was at the acquire."""
    finish = Finish(
        outcome=Outcome.FAILED,
        finished_at=now,
        served_minute=max(feed.served_minute, served_by(started_at)),
        wanted=None,
        runnable=True,
        hashes=progress.merged_hashes(),
        coverage=progress.coverage,
        failure_count=feed.failure_count,
        first_failed_at=feed.first_failed_at,
    )
    redeliver = False
    match verdict:
        case Completed():
            finish = _completed(finish, progress)
        case OutOfTime():
            finish = replace(
                finish,
                outcome=Outcome.DEFERRED,
                wanted=_owe(work, now, progress.load),
                error_code=ErrorCode.WORK_IN_PROGRESS,
                safe_message="There is more history to load; it continues by itself.",
            )
        case BackToSync():
            finish = replace(
                finish,
                outcome=Outcome.DEFERRED,
                wanted=_owe(work, now),
                error_code=ErrorCode.WORK_IN_PROGRESS,
                safe_message=verdict.safe_message,
            )
        case ComeBack():
            finish = replace(
                finish,
                outcome=Outcome.DEFERRED,
                wanted=replace(_owe(work, verdict.at), attempt=work.attempt, state=verdict.state),
                error_code=ErrorCode.WORK_IN_PROGRESS,
                safe_message=verdict.safe_message,
            )
        case SyncError():
            finish = _failed(finish, feed, work, verdict, now)
            if isinstance(verdict, BrokerChangedError):
                first = feed.poison_job_id in ("", job.job_id)
                finish = replace(finish, poison_job_id=job.job_id if first else feed.poison_job_id)
                redeliver = first
    finish = _settle_load(finish, progress, verdict)
    news = feed.news + progress.stored
    finish = replace(finish, announce=announce(feed, job, work, finish, news), announced_news=news)
    return Conclusion(finish=finish, redeliver=redeliver)


def _completed(finish: Finish, progress: Progress) -> Finish:
    missing = [name for name, state in progress.sections.items() if state is SectionState.MISSING]
    problems = []
    if missing:
        problems.append(f"the broker's answer lacked: {', '.join(missing)}")
    if unread := progress.coverage.unread + progress.unread:
        problems.append(f"rows that we don't understand yet: {unread} (kept as they came)")
    good = replace(finish, failure_count=0, first_failed_at=None)
    if problems:
        return replace(
            good,
            outcome=Outcome.PARTIAL,
            error_code=ErrorCode.UNEXPECTED_ANSWER,
            safe_message=f"Some data is missing: {'; '.join(problems)}. {_corrected(progress)}".rstrip(),
        )
    return replace(good, outcome=Outcome.SUCCEEDED, succeeded_at=finish.finished_at, safe_message=_corrected(progress))


def _corrected(progress: Progress) -> str:
    """What the run says of new versions: `3 trades corrected.`; nothing where there are none."""
    cash = progress.corrected_cash
    counts = ((progress.stats.corrections - cash, "trade"), (cash, "cash event"))
    told = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count]
    return f"{' and '.join(told)} corrected." if told else ""


def _settle_load(finish: Finish, progress: Progress, verdict: Verdict) -> Finish:
    """What becomes of a load. One that was asked for and failed for good is given up, so that the sync goes on."""
    load = progress.load
    given_up = finish.outcome in GIVING_UP and finish.wanted is None and finish.runnable
    ended = ""
    if load is not None and load.is_asked and (isinstance(verdict, BackToSync | Completed) or given_up):
        ended = load.job_id
    if isinstance(verdict, Completed) and not (ended and progress.held_back):
        progress.load = None
    elif ended:
        progress.leave_load()
    begun = progress.load if progress.load is not None and (progress.load.chunks or progress.load.is_asked) else None
    return replace(finish, cursor=progress.cursor, load=begun, ends_load=ended)


def _failed(finish: Finish, feed: Feed, work: Work, error: SyncError, now: datetime) -> Finish:
    finish = replace(finish, error_code=error.code, safe_message=error.safe_message)
    if isinstance(error, NeedsReviewError):
        return replace(finish, outcome=Outcome.NEEDS_REVIEW)
    if isinstance(error, RetryLaterError) and _defers(error):
        later = error.not_before or now + RETRY_DELAYS[0]
        if error.code is ErrorCode.CIRCUIT_OPEN:
            later = comes_back_at(feed.feed_id, feed.interval_min, later)
        owed = replace(_owe(work, later), attempt=work.attempt, state=work.state)
        return replace(finish, outcome=Outcome.DEFERRED, wanted=owed)
    finish = replace(finish, failure_count=feed.failure_count + 1, first_failed_at=feed.first_failed_at or now)
    match error:
        case RetryLaterError():
            again = retry_at(work.attempt, now, error.not_before)
            owed_again = replace(_owe(work, again), attempt=work.attempt + 1) if again else None
            return replace(finish, wanted=owed_again)
        case UserActionNeededError():
            # What is mended out of this feed's sight, at the broker or by another connection, is found by trying again.
            return replace(finish, runnable=error.code in MENDED_ELSEWHERE)
        case _:
            # The message comes back; so that its run finds work again, nothing counts as served.
            tried = work.attempt + 1
            kept = (
                replace(work.wanted, attempt=tried, state=work.state)
                if work.wanted and tried < POISON_RECEIVES
                else None
            )
            return replace(finish, served_minute=None, wanted=kept)


def _defers(error: RetryLaterError) -> bool:
    """Waiting for a limit is no failed try; a broker that refuses without saying until when is one."""
    return error.code in DEFERRING or (error.code is ErrorCode.RATE_LIMITED and error.not_before is not None)


def _owe(work: Work, not_before: datetime, load: Load | None = None) -> Wanted:
    """The rest of the work, under the same job; what was asked for as a load keeps its own."""
    if load is not None and load.is_asked:
        return Wanted(job_id=load.job_id, kind=RequestedBy.BACKFILL, not_before=not_before)
    kind = work.requested_by if work.requested_by in KEPT_KINDS else RequestedBy.RETRY
    return Wanted(job_id=work.job_id, kind=kind, not_before=not_before)
