"""Trading accounts and how their sync stands."""

from pydantic import Field

from brokersync.contracts.http.base import Body, Instant
from brokersync.domain.errors import ErrorCode
from brokersync.domain.status import AccountStatus


class SyncError(Body):
    """Why the last sync was not a success, in words that are safe to show, and what to do next."""

    code: ErrorCode
    message: str
    next_step: str


class Coverage(Body):
    """Since when and until when the trades are complete, as the broker served them.

    `holes` counts rows that are kept but were not understood.
    """

    start: Instant | None
    end: Instant | None
    holes: int


class SyncStatus(Body):
    """How the sync of an account stands. `action` is the one right button: try_again, reconnect, review or none."""

    status: AccountStatus
    badge: str = Field(examples=["Synced"])
    action: str = Field(examples=["", "try_again", "reconnect", "review"])
    last_attempted_sync_at: Instant | None
    last_successful_sync_at: Instant | None
    next_sync_at: Instant | None
    retry_at: Instant | None
    job_id: str = Field(description="The queued or running job, empty if there is none.")
    sync_enabled: bool
    interval_min: int = Field(description="Minutes between scheduled syncs.")
    coverage: Coverage
    news_note: str = Field(
        description="Why nothing newer can exist yet.",
        examples=["The broker makes its statement once a day, after the close."],
    )
    error: SyncError | None


class Account(Body):
    """A trading account. A connection whose accounts are not known yet is listed as one without number and name."""

    account_id: str
    broker: str = Field(examples=["oanda"])
    broker_name: str = Field(examples=["OANDA"])
    masked_number: str = Field(examples=["...001"])
    name: str
    currency: str = Field(examples=["EUR"])
    sync: SyncStatus


class Overall(Body):
    """All accounts together: the worst status, and the oldest of the last successes (none while one never had any)."""

    status: AccountStatus | None
    last_successful_sync_at: Instant | None


class Accounts(Body):
    """A user's accounts."""

    overall: Overall
    accounts: tuple[Account, ...]
