"""Trading accounts and how their sync stands."""

from pydantic import Field

from brokersync.contracts.http.base import Body, Instant
from brokersync.domain.errors import ErrorCode
from brokersync.domain.loads import LoadKind
from brokersync.domain.status import AccountStatus


class SyncError(Body):
    """Why the last sync was not a success, in words that are safe to show, and what to do next.

    `message` and `next_step` are in the reader's language. `detail` is what the run said, in English; it is empty where
    `message` says it.
    """

    code: ErrorCode
    message: str
    detail: str
    next_step: str


class Coverage(Body):
    """Since when and until when the trades are complete, as the broker served them.

    `holes` counts rows that are kept but were not understood. `waterline` is how far the broker says its own data
    reaches, where it says so.
    """

    start: Instant | None
    end: Instant | None
    waterline: Instant | None
    holes: int


class Load(Body):
    """A long load of history that goes on: the first sync, a backfill, or a replay of stored answers.

    `start` and `end` are what it is to cover (null: all there is; until now), `reached` how far it has got.
    """

    kind: LoadKind
    job_id: str
    start: Instant | None
    end: Instant | None
    reached: Instant | None
    chunks: int = Field(description="Parts that are stored, each for good.")
    trades: int = Field(description="New trades that it has brought so far.")


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
    interval_min: int = Field(description="Minutes between scheduled syncs, as they are.")
    chosen_interval_min: int | None = Field(description="What the trader chose; null for no choice.")
    min_interval_min: int = Field(description="The least that the plan allows and the broker makes useful.")
    coverage: Coverage
    load: Load | None = Field(description="There while history is loaded, between its runs too.")
    news_note: str = Field(
        description="Why nothing newer can exist yet.",
        examples=["The broker makes its statement once a day, after the close."],
    )
    error: SyncError | None


class Account(Body):
    """A trading account. A connection whose accounts are not known yet is listed as one without number and name."""

    account_id: str
    connection_id: str
    broker: str = Field(examples=["oanda"])
    broker_name: str = Field(examples=["OANDA"])
    environment: str = Field(examples=["practice"])
    masked_number: str = Field(examples=["...001"])
    name: str = Field(description="The trader's own name for it, else the broker's.")
    display_name: str = Field(description="The trader's own name for it; empty for none.")
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
