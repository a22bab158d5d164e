"""What a run tells the event bus when it ends: what somebody acts on, and no more (docs/events.md). Pure."""

from collections.abc import Iterator

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Announcement, Feed
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.ports.feeds import Finish
from brokersync.services.progress import Work

_OF_A_CONNECTION = frozenset({"connection_reauth_required", "connection_restored"})
_GOOD = frozenset({Outcome.SUCCEEDED, Outcome.PARTIAL})


def announce(feed: Feed, job: SyncJob, work: Work, finish: Finish, news: int) -> tuple[Announcement, ...]:
    """The events of a run's end. `feed` is as it was at the acquire, `news` counts entries that nobody was told of."""
    detail: dict[str, str | int] = {
        "feed_id": feed.feed_id,
        "user_id": feed.user_id,
        "broker": feed.broker,
        "job_id": work.job_id,
        "outcome": finish.outcome.value,
    }
    if finish.error_code is not None:
        detail["error_code"] = finish.error_code.value
    return tuple(
        Announcement(event_id=f"{job.job_id}.{feed.epoch + 1}.{kind}", detail_type=kind, detail=detail | more)
        for kind in [*_end_of(feed, work, finish), *(["portfolio_update_requested"] if news else [])]
        for more in [_more(kind, feed, news)]
    )


def _end_of(feed: Feed, work: Work, finish: Finish) -> Iterator[str]:
    """Changes of state, and the end of every job that a person asked for."""
    manual = work.requested_by is RequestedBy.MANUAL
    turned = feed.outcome is not finish.outcome or feed.error_code is not finish.error_code
    if finish.outcome in _GOOD and _was_renewed(feed, work):
        yield "connection_restored"
    match finish.outcome:
        case Outcome.SUCCEEDED:
            if feed.first_failed_at is not None:
                yield "sync_job_recovered"
            if manual:
                yield "sync_job_succeeded"
        case Outcome.PARTIAL if turned or manual:
            yield "sync_job_partial"
        case Outcome.NEEDS_REVIEW if turned or manual:
            yield "account_needs_review"
        case Outcome.FAILED if not finish.runnable:
            yield "connection_reauth_required"
        case Outcome.FAILED if finish.wanted is None and (turned or manual or feed.wanted is not None):
            yield "sync_job_failed"
        case _:
            pass


def _was_renewed(feed: Feed, work: Work) -> bool:
    """Whether this is the run that new credentials owed, and those before them had failed."""
    renewed = work.requested_by is RequestedBy.CONNECT and feed.connection_version > 1
    return renewed and feed.first_failed_at is not None


def _more(kind: str, feed: Feed, news: int) -> dict[str, str | int]:
    if kind in _OF_A_CONNECTION:
        return {"connection_id": feed.connection_id}
    return {"new_entries": news} if kind == "portfolio_update_requested" else {}
