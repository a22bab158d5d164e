"""Bodies of the HTTP API. Amounts are decimal text, times ISO 8601 in UTC, names those of the tables."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.errors import ErrorCode
from brokersync.domain.money import plain
from brokersync.domain.runs import Outcome, RequestedBy, SectionState
from brokersync.domain.status import AccountStatus
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import AssetClass, Effect, ExecutionKind, Side


def _instant(value: object) -> object:
    return value.utc if isinstance(value, BrokerTime) else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-20T10:35:52.120000Z"]}),
]
"""An aware datetime or a BrokerTime; text with `Z` and at most microseconds."""

Amount = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["1.08435"]}),
]
"""An exact number as text, without exponent."""


class Body(BaseModel):
    """What all bodies share: read from our own objects by attribute, closed to fields nobody declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class Problem(Body):
    """An error as an RFC 9457 problem document. `code` never changes its meaning; `next_step` is for the trader."""

    type: str = Field(examples=["urn:brokersync:problem:not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is nothing under this address."])
    code: str = Field(examples=["not_found"])
    next_step: str = Field(examples=["Check the id: GET /trading-accounts lists your accounts."])
    instance: str = Field(
        description="Names this occurrence: the request id of the log lines.",
        examples=["urn:uuid:5f0c2b1e-8b0a-4a58-9b5c-0d6b6a1f2c3d"],
    )
    errors: tuple["FieldProblem", ...] = Field(default=(), description="Which fields were wrong, and how.")


class FieldProblem(Body):
    """One field of a request and what is wrong with its value."""

    field: str = Field(examples=["limit"])
    location: str = Field(examples=["query"])
    problem: str = Field(examples=["Input should be less than or equal to 200"])


class Health(Body):
    """That the function answers; it asks no other service."""

    status: str = Field(examples=["ok"])
    stage: str = Field(examples=["prod"])


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


class NewConnection(Body):
    """A broker to connect. Which credentials it needs is in its set-up help; each value is text."""

    broker: str = Field(examples=["oanda"])
    environment: str = Field(description="One of the broker's environments.", examples=["practice"])
    credentials: Mapping[str, str] = Field(description="By the broker's own field names.", examples=[{"token": "..."}])
    broker_account_ids: tuple[str, ...] = Field(
        default=(), max_length=100, description="The broker's account numbers; left out, all that it shows."
    )
    replaces: str = Field(
        default="", description="A connection of yours that still works and whose accounts the new one takes over."
    )


class NewCredentials(Body):
    """What a re-connect enters: all of the broker's fields, also those that stay the same."""

    credentials: Mapping[str, str] = Field(examples=[{"token": "..."}])


class ConnectionAccepted(Body):
    """The connection to watch: GET /connections/{connection_id} says how its check goes."""

    connection_id: str
    status: ConnectionStatus


class ErasureReceipt(Body):
    """What has been deleted so far: rows by table, and `snapshots`; all of it once `finished_at` is set."""

    counts: Mapping[str, int]
    finished_at: Instant | None


class Connection(Body):
    """A link to a broker, without its credentials. `accounts` are those that it has found until now."""

    connection_id: str
    broker: str = Field(examples=["oanda"])
    environment: str = Field(examples=["practice"])
    status: ConnectionStatus
    error: SyncError | None
    accounts: tuple[Account, ...]
    erasure: ErasureReceipt | None = Field(description="There from the moment when the erasure was asked for.")


class Connections(Body):
    """A user's connections."""

    connections: tuple[Connection, ...]


class SyncAccepted(Body):
    """The job that serves the request: a new one, or the one that was queued or running already."""

    job_id: str = Field(examples=["job_01jd4v8q2n"])
    state: str = Field(examples=["queued", "running"])


class RunStats(Body):
    """Counts of a run."""

    fetched: int
    inserted: int
    duplicates: int
    corrections: int
    cash_events: int
    unmapped: int
    requests: int
    retries: int
    rate_limited: int


class SyncRun(Body):
    """One attempt to sync."""

    run_id: str
    job_id: str
    requested_by: RequestedBy
    started_at: Instant
    finished_at: Instant
    outcome: Outcome
    error: SyncError | None
    stats: RunStats
    sections: Mapping[str, SectionState]


class SyncRuns(Body):
    """A page of the sync log, newest first. `next_cursor` continues it; null at the end."""

    sync_runs: tuple[SyncRun, ...]
    next_cursor: str | None


class Trade(Body):
    """An execution in its current version. `quantity` is positive, `side` gives the direction; positive fees cost."""

    account_id: str
    source_trade_id: str
    kind: ExecutionKind
    symbol: str
    asset_class: AssetClass
    side: Side
    quantity: Amount
    price: Amount
    multiplier: Amount
    currency: str
    fees: Mapping[str, Amount]
    fee_currency: str
    realised_pnl: Amount | None = Field(description="Only what the broker says, without the fees.")
    pnl_currency: str = Field(description="Currency of realised_pnl; empty where the broker doesn't say it.")
    effect: Effect | None
    executed_at: Instant
    executed_at_raw: str = Field(description="The broker's own text.", examples=["20261120;103552"])
    executed_at_zone: str = Field(description="How it was placed in time.", examples=["America/New_York"])
    order_id: str
    position_id: str
    trade_ref: str
    cancels_trade_id: str
    cancelled_by: str
    reason: str
    contract: Mapping[str, str]
    version: int
    version_reason: str
    run_id: str


class Trades(Body):
    """A page of trades, newest first. `next_cursor` continues it; null at the end."""

    trades: tuple[Trade, ...]
    next_cursor: str | None


class Balance(Body):
    """Account figures in `currency`. What the broker doesn't say is null, never zero."""

    currency: str
    as_of: Instant
    balance: Amount | None
    equity: Amount | None
    margin: Amount | None
    free_margin: Amount | None
    margin_level: Amount | None


class Position(Body):
    """An open position. `volume` is positive, `side` gives the direction; `profit` is unrealised, without swap."""

    symbol: str
    side: Side
    volume: Amount
    currency: str
    position_id: str
    open_price: Amount | None
    opened_at: Instant | None
    stop_loss: Amount | None
    take_profit: Amount | None
    current_price: Amount | None
    profit: Amount | None
    swap: Amount | None


class Positions(Body):
    """All open positions at one time; an empty list says that the account is flat."""

    as_of: Instant
    positions: tuple[Position, ...]


class Portfolio(Body):
    """What an account holds now, each section with its own as-of time; null for one that was never stored."""

    account_id: str
    balance: Balance | None
    positions: Positions | None
