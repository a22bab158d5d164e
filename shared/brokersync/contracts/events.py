"""The events on the bus: what somebody acts on (docs/events.md). One may come twice, with the same `event_id`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome

SOURCE = "brokersync.sync"
"""The source of every event; the other half of a rule's pattern is the detail type below."""


class SyncEvent(BaseModel):
    """What every event tells: whose feed, which job, and how its run ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    event_id: str = Field(min_length=1)
    feed_id: str = Field(min_length=1)
    user_id: str = Field(min_length=1)
    broker: str = Field(min_length=1)
    job_id: str = Field(min_length=1)
    outcome: Outcome


class SyncJobSucceeded(SyncEvent):
    """A job that a trader asked for is done."""

    outcome: Literal[Outcome.SUCCEEDED]


class SyncJobRecovered(SyncEvent):
    """A feed that had failed is up to date again."""

    outcome: Literal[Outcome.SUCCEEDED]


class SyncProblem(SyncEvent):
    """An event about something wrong; the code has its next step in domain/errors."""

    error_code: ErrorCode


class SyncJobPartial(SyncProblem):
    """Some of the broker's data is missing."""

    outcome: Literal[Outcome.PARTIAL]


class SyncJobFailed(SyncProblem):
    """A job has failed, and its tries are used up."""

    outcome: Literal[Outcome.FAILED]


class AccountNeedsReview(SyncProblem):
    """The broker's answer contradicts what is stored: a person decides."""

    outcome: Literal[Outcome.NEEDS_REVIEW]


class ConnectionReauthRequired(SyncProblem):
    """The trader has to re-connect; until then the feed is not synced."""

    connection_id: str = Field(min_length=1)
    outcome: Literal[Outcome.FAILED]


class ConnectionRestored(SyncEvent):
    """New credentials have ended a failure: the feed is synced again, from where it was."""

    connection_id: str = Field(min_length=1)
    error_code: ErrorCode | None = None
    outcome: Literal[Outcome.SUCCEEDED, Outcome.PARTIAL]


class PortfolioUpdateRequested(SyncEvent):
    """New entries are in the ledger, by this run or by one before it that could not say so."""

    error_code: ErrorCode | None = None
    new_entries: int = Field(ge=1)


EVENTS: dict[str, type[SyncEvent]] = {
    "sync_job_succeeded": SyncJobSucceeded,
    "sync_job_recovered": SyncJobRecovered,
    "sync_job_partial": SyncJobPartial,
    "sync_job_failed": SyncJobFailed,
    "account_needs_review": AccountNeedsReview,
    "connection_reauth_required": ConnectionReauthRequired,
    "connection_restored": ConnectionRestored,
    "portfolio_update_requested": PortfolioUpdateRequested,
}
"""The contract of each detail type."""


def parse(detail_type: str, detail: str) -> SyncEvent:
    """Read the detail of an event. Raises KeyError for an unknown type and pydantic's ValidationError."""
    return EVENTS[detail_type].model_validate_json(detail)
