"""What the services need from the world, as Protocols: adapters and fakes keep them without inheriting."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Announcement, Coverage, Feed, Lease, Wanted
from brokersync.domain.known import KnownFilter
from brokersync.domain.manifests import Environment, LimitWindow, Manifest
from brokersync.domain.pages import FetchStep, Normalised, RawPage
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import AccountInfo, Balance, PositionsSection
from brokersync.domain.runs import Outcome, RunStats, SyncRun
from brokersync.domain.trades import LedgerEntry, Origin, StoredEntry

# --- time and chance ------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Time, so that a day can be simulated."""

    def now(self) -> datetime:
        """The time, aware UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Ids(Protocol):
    """New ids."""

    def new(self, prefix: str) -> str:
        """A new id `prefix_...`: unique, not guessable, and sorting by the time it was made."""
        ...


class Deadline(Protocol):
    """How long this invocation may go on."""

    def seconds_left(self) -> float:
        """Seconds until the function is ended."""
        ...


# --- broker ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer after retries: status, headers (lower-case names) and the decoded body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class BrokerHttp(Protocol):
    """The only way to a broker: takes a permit per attempt, retries in the request, caps size and time."""

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask; 5xx, 429 and transport faults are tried again.

        Returns every other answer: what it means is the broker's business. Raises RetryLaterError (broker_unavailable,
        timeout, rate_limited, limits_unavailable) and BrokerChangedError (answer over the size cap).
        """
        ...

    def post(
        self,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask by POST with a JSON or a form body; permits, retries and errors are those of `get`.

        For what brokers answer to POST alone, such as signing in. An answer to a sign-in or a refresh is never yielded
        as a page (I1).
        """
        ...


class BrokerHttpFactory(Protocol):
    """Makes the way to a broker for one run; the connections behind it are shared by the process."""

    def for_run(self, manifest: Manifest, fingerprint: str, deadline: Deadline, stats: RunStats) -> BrokerHttp:
        """An http bound to what the broker counts by (manifest.limit_scope; `fingerprint` names the credential).

        Requests, retries and rate limits are counted in `stats`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionToken:
    """What a broker lets in for a while. `extra` belongs to it: a refresh token, a user id. All of it is secret."""

    token: str = field(repr=False)
    expires_at: datetime
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


class Session(Protocol):
    """The session of one connection under its present credentials; brokers/live_session.py says when to renew it."""

    def current(self) -> SessionToken | None:
        """What is stored now, read anew; None before the first sign-in. It may have expired.

        Raises UserActionNeededError (cancelled) when the connection was removed, and RetryLaterError when it has other
        credentials by now.
        """
        ...

    def renew(self, new: SessionToken) -> SessionToken:
        """Store a new session; returns the one that won: another worker's, if that was stored since our last look.

        Raises as `current` does: a late refresh never brings back what was erased or replaced.
        """
        ...


class ProcessSession:
    """A Session that lives as long as its fetch: for credentials that no connection holds."""

    def __init__(self) -> None:
        self._token: SessionToken | None = None

    def current(self) -> SessionToken | None:
        """The session of this fetch."""
        return self._token

    def renew(self, new: SessionToken) -> SessionToken:
        """Keep it."""
        self._token = new
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchContext:
    """All that a fetch may depend on.

    `accounts` are the broker account ids of this feed (empty: not known yet). `state` is the continuation of an
    earlier ComeBack. `base_url` is the environment's, or the laptop's simulator. `history_start` bounds the first
    load (None: all there is). `session` is for brokers that sign in.
    """

    credentials: Mapping[str, str]
    environment: Environment
    base_url: str
    accounts: Sequence[str]
    cursor: str
    state: Mapping[str, str]
    history_start: datetime | None
    now: datetime
    http: BrokerHttp
    session: Session = field(default_factory=ProcessSession)


class Provider(Protocol):
    """A broker's code: fetch does I/O, normalise is pure. Stateless: one instance serves every feed of the process."""

    @property
    def manifest(self) -> Manifest:
        """The broker's facts."""
        ...

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """Yield each raw page before looking into it (I1), and a checkpoint where the cursor may move (I3).

        Raises the SyncError that an error answer means, after yielding its page.
        """
        ...

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What the pages say; pure, so that a snapshot can be replayed.

        `accounts` are the broker account ids that may come out: another one's data raises UserActionNeededError
        (wrong_account). An empty sequence accepts all (discovery, saved files). Raises BrokerChangedError with what
        and where when a page as a whole is not what it should be; a bad row becomes Unmapped.
        """
        ...

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        """The accounts that the credential opens, for a trader who connects; cursor and accounts are not looked at.

        Empty where a feed is the whole connection: its accounts come with the first answer. Raises as fetch does.
        """
        ...

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved answer, its section found by looking at it. Raises BrokerChangedError if it is none."""
        ...


class Catalog(Protocol):
    """The brokers there are."""

    def slugs(self) -> Sequence[str]:
        """Every broker's slug, without importing any."""
        ...

    def provider(self, slug: str) -> Provider:
        """The broker of that slug, imported on demand. Raises ValueError for an unknown one."""
        ...


class Permits(Protocol):
    """The ledger of requests a broker allows (I6)."""

    def take(self, key: str, windows: Sequence[LimitWindow], now: datetime) -> datetime:
        """Reserve one request; returns the time from which it may be sent (`now`: at once).

        A slot further away than limiter.RESERVE_AHEAD is only told: nobody waits for it, so it must not be used up.
        Raises RetryLaterError(limits_unavailable) when the ledger can't be reached.
        """
        ...


# --- feeds ----------------------------------------------------------------------------------------------------------


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
    it stands here, and removed where it is None or empty: `wanted`, the error, the failure streak. `announce` is added
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

    def move_cursor(self, lease: Lease, cursor: str) -> None:
        """Move the cursor between chunks. Raises LeaseLostError when the epoch is not ours any more."""
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

    def reschedule(self, feed_id: str, plan: Plan, interval_min: int) -> None:
        """Put the feed under another plan and interval. Raises KeyError for an unknown feed."""
        ...

    def announced(self, feed_id: str, sent: Sequence[Announcement]) -> None:
        """Forget events that were sent, unless others have taken their place."""
        ...

    def ensure(self, lease: Lease, feed: Feed) -> None:
        """Create a feed that a run found, unless it exists, in one step under the lease's epoch.

        Raises LeaseLostError.
        """
        ...

    def renew(self, feed_id: str, connection: "Connection", wanted: Wanted, *, of: str, under: Lease | None) -> bool:
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


# --- what is stored -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry to insert under its account."""

    account_id: str
    entry: LedgerEntry
    content_hash: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserted:
    """What an insertion found: how many were new, which ids were there already, and with which content."""

    inserted: int
    existing: Sequence[tuple[NewEntry, StoredEntry]] = ()


class Ledger(Protocol):
    """Trades and cash events. The conditional insert is the only truth about what is stored (I2)."""

    def insert(self, lease: Lease, entries: Sequence[NewEntry], cursor: str | None) -> Inserted:
        """Insert what isn't there, in transactions under the lease's epoch that also count the feed's `news`.

        With a cursor, the last transaction moves it, unless an entry exists with another content. Raises
        LeaseLostError.
        """
        ...

    def get(self, account_id: str, entry: LedgerEntry) -> StoredEntry | None:
        """What is stored under the entry's id."""
        ...

    def get_trade(self, account_id: str, source_trade_id: str) -> StoredEntry | None:
        """The execution stored under this id."""
        ...

    def latest_trade(self, account_id: str) -> StoredEntry | None:
        """The newest execution of the account, by the time it was executed."""
        ...

    def with_trade_ref(self, account_id: str, trade_ref: str) -> Sequence[StoredEntry]:
        """The uncancelled executions with this broker trade number, oldest first: a rebook shares its original's."""
        ...

    def add_version(
        self, lease: Lease, stored: StoredEntry, following: StoredEntry, cancel: NewEntry | None = None
    ) -> None:
        """Replace the current version and keep the old one readable (I9), in one transaction under the epoch.

        With `cancel`, the cancel row that causes it is inserted in the same transaction. Each row counts as one of the
        feed's `news`. Raises LeaseLostError; a version that somebody else wrote meanwhile raises ConflictError.
        """
        ...


class ConflictError(Exception):
    """Somebody else changed the item first: read again."""


class KnownTrades(Protocol):
    """The newest entries of a feed by their hashes: a filter that saves writes, never the truth."""

    def load(self, feed_id: str) -> KnownFilter:
        """The filter as it was saved last; empty when nothing is known."""
        ...

    def save(self, lease: Lease, known: KnownFilter) -> None:
        """Replace the filter, unless a later epoch has: then nothing happens, because losing it costs only writes."""
        ...


class Portfolios(Protocol):
    """Balance and positions per account, one row a day; the newest row is the current one.

    Of two sections of the same time, the one of the later run is newer: run ids sort by when the runs began.
    """

    def put_balance(self, account_id: str, balance: Balance, run_id: str) -> bool:
        """Store a balance section unless a newer one is there; whether it was stored."""
        ...

    def put_positions(self, account_id: str, positions: PositionsSection, run_id: str) -> bool:
        """Store a positions section unless a newer one is there; whether it was stored."""
        ...


class Runs(Protocol):
    """The sync log."""

    def put(self, run: SyncRun, keep_days: int) -> bool:
        """Write a run row once; False if a row of that run exists (it is left as it is)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingAccount:
    """A trader's account at a broker. `masked_number` is all of the broker's number that is ever shown."""

    account_id: str
    user_id: str
    feed_id: str
    connection_id: str
    broker: str
    broker_account_id: str
    masked_number: str
    name: str
    currency: str
    environment: str = ""


class Accounts(Protocol):
    """Trading accounts."""

    def ensure(self, account: TradingAccount) -> None:
        """Create the account unless it exists; name and currency are brought up to date where they are not empty."""
        ...

    def same(self, account: TradingAccount) -> Sequence[TradingAccount]:
        """All accounts of the user that are this one at the broker: equal broker, environment and number."""
        ...

    def move(self, account: TradingAccount, *, feed_id: str, connection_id: str) -> None:
        """Put the account under another feed and connection, unless somebody else has since it was read."""
        ...

    def of_user(self, user_id: str) -> Sequence[TradingAccount]:
        """All accounts of a user, by account id."""
        ...


class Snapshots(Protocol):
    """Raw answers, write-once (I1)."""

    def put(self, *, feed_id: str, run_id: str, seq: int, broker: str, job_id: str, page: RawPage) -> str:
        """Store one answer before anybody parses it; returns the object's key. An object that is there is success."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A trader's link to a broker, without its secrets. `version` changes with every new credential.

    `replaces` is another connection of the trader whose accounts this one may take over though it still works.
    """

    connection_id: str
    user_id: str
    broker: str
    environment: str
    version: int
    fingerprint: str
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReceipt:
    """What was deleted of a removed connection, in rows by table and in `snapshots`; aware UTC once it is all."""

    counts: Mapping[str, int]
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRecord:
    """A connection as its row has it. `receipt` is there from the moment when somebody asked to erase it."""

    connection: Connection
    status: ConnectionStatus
    receipt: ErasureReceipt | None = None


class ConnectionRecords(Protocol):
    """What may be read of connections without decrypting them."""

    def get(self, connection_id: str) -> ConnectionRecord | None:
        """The connection, whoever owns it: the caller compares the user."""
        ...

    def of_user(self, user_id: str) -> Sequence[ConnectionRecord]:
        """All connections of a user, by id. One made in the last moments may be missing."""
        ...


class Disconnecting(Protocol):
    """Where connections end."""

    def disconnect(self, connection_id: str) -> None:
        """Mark the connection as disconnected and erase its credentials and its session, at once and for good.

        Doing it again changes nothing. Raises KeyError when there is no such connection.
        """
        ...


class Connections(Disconnecting, Protocol):
    """Connections with their credentials, which only functions/sync can decrypt (I7)."""

    def credentials(self, connection_id: str, version: int) -> tuple[Connection, Mapping[str, str]]:
        """The connection and its decrypted credentials, cached by version. Raises KeyError when it is gone."""
        ...

    def require_reconnect(self, connection_id: str, version: int) -> None:
        """Mark the connection as reauth_required, unless it has newer credentials."""
        ...

    def session(self, connection: Connection) -> Session:
        """The session of a connection that `credentials` gave; nothing is read before it is asked."""
        ...


class ConnectionWriter(Disconnecting, Protocol):
    """Where new connections are made: encrypts, and can't decrypt what others stored."""

    def create(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        """Store a new connection with its credentials encrypted; returns it with its fingerprint.

        Raises ValueError if the id exists.
        """
        ...

    def replace(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        """Store new credentials under the next version; the session of the old ones is erased with them.

        Returns the connection with its new version and fingerprint. Raises ConflictError when it has another version
        by now, or was removed.
        """
        ...

    def open_receipt(self, connection_id: str) -> None:
        """Note that everything of the connection is to be erased; doing it again changes nothing. Raises KeyError."""
        ...


class Erasing(Protocol):
    """Deletes what a removed connection left, in steps that a feed's epoch fences and a receipt counts."""

    def account(self, lease: Lease, connection_id: str, account_id: str, deadline: Deadline) -> bool:
        """Delete an account with its trades in all versions, cash events and portfolios; False when time ran out.

        Raises LeaseLostError.
        """
        ...

    def feed(self, lease: Lease, connection_id: str, feed_id: str, deadline: Deadline) -> bool:
        """Delete a feed with its runs, its filter and all versions of its snapshots; False when time ran out.

        Raises LeaseLostError.
        """
        ...

    def end(self, lease: Lease, connection_id: str, now: datetime) -> None:
        """Close the receipt. Raises LeaseLostError."""
        ...


class SyncQueue(Protocol):
    """The job queues."""

    def send(self, jobs: Sequence[tuple[SyncJob, str, int]], *, backfill: bool = False) -> None:
        """Send jobs as (job, user id, delay in seconds up to 900), in batches of ten.

        An entry whose fate is unknown is sent again: duplicates are harmless. Raises RetryLaterError(internal) when
        some could not be sent after all.
        """
        ...


class Bus(Protocol):
    """The event bus for what somebody acts on."""

    def send(self, announcements: Sequence[Announcement]) -> None:
        """Send events; raises when one could not be sent."""
        ...


# --- reading --------------------------------------------------------------------------------------------------------


class AccountsReader(Protocol):
    """What the API reads of the accounts table."""

    def get(self, account_id: str) -> TradingAccount | None:
        """The account, whoever owns it: the caller compares `user_id`."""
        ...

    def of_user(self, user_id: str) -> Sequence[TradingAccount]:
        """All accounts of a user, by account id."""
        ...


class TradesReader(Protocol):
    """What the API reads of the trades table."""

    def newest(self, account_id: str, *, limit: int, before: str = "") -> Sequence[StoredEntry]:
        """At most `limit` trades in their current version, newest first; with `before`, only under that time_key."""
        ...


class RunsReader(Protocol):
    """What the API reads of the sync log."""

    def newest(self, feed_id: str, *, limit: int, before: str = "") -> Sequence[SyncRun]:
        """At most `limit` runs, newest first; with `before`, only run ids under it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentPortfolio:
    """The newest of each section of an account; None for one that was never stored."""

    balance: Balance | None = None
    positions: PositionsSection | None = None


class PortfoliosReader(Protocol):
    """What the API reads of the portfolios table."""

    def current(self, account_id: str) -> CurrentPortfolio:
        """The newest balance and the newest positions, though a failed section left them in rows of different days."""
        ...


class Plans(Protocol):
    """Which plan a user is on."""

    def plan(self, user_id: str) -> Plan:
        """The user's plan; a user nobody knows is on the free one."""
        ...


class Manifests(Protocol):
    """The brokers' facts, without their code: a process that never asks a broker doesn't load its HTTP client."""

    def manifest(self, slug: str) -> Manifest:
        """The facts of the broker of that slug. Raises ValueError for an unknown one."""
        ...


# --- the dispatcher's memory ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the dispatcher has got.

    All ticks through `done_minute`; inside (`done_minute`, `target_minute`] every due key before number `key_index`,
    and of that key everything before `start`.
    """

    done_minute: int
    target_minute: int = 0
    key_index: int = 0
    start: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerState:
    """The dispatcher's position (None: it never ran) and the pause switches: broker slugs, or `*` for all."""

    position: Position | None
    paused: frozenset[str] = field(default_factory=frozenset)


class Scheduler(Protocol):
    """The scheduler table."""

    def state(self) -> SchedulerState:
        """Position and switches, strongly consistent."""
        ...

    def move(self, position: Position) -> Position:
        """Write the position if nobody moved it since (revision); returns it with its new revision.

        Raises ConflictError when another dispatcher did.
        """
        ...
