"""The world around a sync, in memory: queues, bus, snapshots, connections, permits, the operator's tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.feeds import Announcement, Lease
from brokersync.domain.limiter import Window
from brokersync.domain.messages import Locale
from brokersync.domain.pages import RawPage
from brokersync.domain.plans import Plan
from brokersync.ports.brokers import ProcessSession
from brokersync.ports.connections import Connection, ConnectionRecord, ErasureReceipt
from brokersync.ports.dispatching import Position, SchedulerState
from brokersync.ports.storage import ConflictError
from brokersync.ports.users import UserSettings
from brokersync.ports.world import Deadline


class FakeSyncQueue:
    """Keeps what was sent, as (job, user id, delay). `down` makes sends fail, `lossy` swallows them."""

    def __init__(self) -> None:
        self.jobs: list[tuple[SyncJob, str, int]] = []
        self.backfills: list[tuple[SyncJob, str, int]] = []
        self.down = False
        self.lossy = False

    def send(self, jobs: Sequence[tuple[SyncJob, str, int]], *, backfill: bool = False) -> None:
        if self.down:
            raise RetryLaterError(ErrorCode.INTERNAL, "The queue can't be reached.")
        if not self.lossy:
            (self.backfills if backfill else self.jobs).extend(jobs)


class FakeBus:
    """Keeps what was sent; `down` makes sends fail."""

    def __init__(self) -> None:
        self.sent: list[Announcement] = []
        self.down = False

    def send(self, announcements: Sequence[Announcement]) -> None:
        if self.down:
            raise ConnectionError("the bus can't be reached")
        self.sent.extend(announcements)


class FakeSnapshots:
    """Pages by key, write-once."""

    def __init__(self) -> None:
        self.pages: dict[str, RawPage] = {}

    def put(self, *, feed_id: str, run_id: str, seq: int, broker: str, job_id: str, page: RawPage) -> str:
        key = f"snapshots/30d/{feed_id}/{run_id}/{seq:04d}.json.gz"
        self.pages.setdefault(key, page)
        return key

    def kept(self, feed_id: str, run_id: str, first: int, last: int) -> Sequence[tuple[str, RawPage]]:
        wanted = {f"snapshots/30d/{feed_id}/{run_id}/{seq:04d}.json.gz" for seq in range(first, last + 1)}
        return [(key, page) for key, page in self.pages.items() if key in wanted]

    def runs(self, feed_id: str, after: str) -> Iterator[str]:
        of_feed = [key.split("/") for key in sorted(self.pages)]
        yield from dict.fromkeys(run_id for _, _, feed, run_id, _ in of_feed if feed == feed_id and run_id > after)


class FakeConnections:
    """Connections with their credentials in the clear; `reconnects` names those marked as reauth_required."""

    def __init__(self) -> None:
        self._records: dict[str, ConnectionRecord] = {}
        self._credentials: dict[str, Mapping[str, str]] = {}
        self.reconnects: set[str] = set()
        self.sessions: dict[tuple[str, int], ProcessSession] = {}

    def create(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        if connection.connection_id in self._records:
            raise ValueError(f"connection_id: {connection.connection_id} exists already")
        return self._store(replace(connection, fingerprint=f"fingerprint of {connection.connection_id}"), credentials)

    def replace(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        stored = self._records[connection.connection_id]
        if stored.status is ConnectionStatus.DISCONNECTED or stored.connection.version != connection.version:
            raise ConflictError(f"{connection.connection_id} left version {connection.version}")
        return self.replace_credentials(connection.connection_id, credentials)

    def replace_credentials(self, connection_id: str, credentials: Mapping[str, str]) -> Connection:
        """For tests: a trader re-connects."""
        connection = self._records[connection_id].connection
        self.reconnects.discard(connection_id)
        return self._store(replace(connection, version=connection.version + 1), credentials)

    def _store(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        self._records[connection.connection_id] = ConnectionRecord(
            connection=connection, status=ConnectionStatus.CONNECTED
        )
        self._credentials[connection.connection_id] = dict(credentials)
        return connection

    def disconnect(self, connection_id: str) -> None:
        record = self._records[connection_id]
        if record.status is not ConnectionStatus.DISCONNECTED:
            gone = replace(record.connection, version=record.connection.version + 1, fingerprint="", replaces="")
            self._records[connection_id] = replace(record, connection=gone, status=ConnectionStatus.DISCONNECTED)
            self.remove(connection_id)

    def remove(self, connection_id: str) -> None:
        """For tests: a trader disconnects."""
        self._credentials.pop(connection_id, None)

    def credentials(self, connection_id: str, version: int) -> tuple[Connection, Mapping[str, str]]:
        return self._records[connection_id].connection, self._credentials[connection_id]

    def session(self, connection: Connection) -> ProcessSession:
        return self.sessions.setdefault((connection.connection_id, connection.version), ProcessSession())

    def require_reconnect(self, connection_id: str, version: int) -> None:
        record = self._records.get(connection_id)
        if record is not None and connection_id in self._credentials and record.connection.version <= version:
            self.reconnects.add(connection_id)
            self._records[connection_id] = replace(record, status=ConnectionStatus.REAUTH_REQUIRED)

    def get(self, connection_id: str) -> ConnectionRecord | None:
        return self._records.get(connection_id)

    def of_user(self, user_id: str) -> Sequence[ConnectionRecord]:
        own = [record for record in self._records.values() if record.connection.user_id == user_id]
        return sorted(own, key=lambda record: record.connection.connection_id)

    def open_receipt(self, connection_id: str) -> None:
        record = self._records[connection_id]
        if record.receipt is None:
            self.note(connection_id, ErasureReceipt(counts={}, finished_at=None))

    def note(self, connection_id: str, receipt: ErasureReceipt) -> None:
        """For FakeErasing."""
        self._records[connection_id] = replace(self._records[connection_id], receipt=receipt)


class FakeErasing:
    """Keeps what was asked for; `patience` is after how many pieces time runs out."""

    def __init__(self, connections: FakeConnections | None = None) -> None:
        self.erased: list[str] = []
        self.patience = 1_000
        self._connections = connections or FakeConnections()

    def account(self, lease: Lease, connection_id: str, account_id: str, deadline: Deadline) -> bool:
        return self._piece(account_id)

    def feed(self, lease: Lease, connection_id: str, feed_id: str, deadline: Deadline) -> bool:
        return self._piece(feed_id)

    def end(self, lease: Lease, connection_id: str, now: datetime) -> None:
        self._connections.note(connection_id, ErasureReceipt(counts={"pieces": len(self.erased)}, finished_at=now))

    def _piece(self, name: str) -> bool:
        if self.patience == 0:
            return False
        self.patience -= 1
        self.erased.append(name)
        return True


class FakePermits:
    """Grants every request at once, or after `wait`; `down` is a ledger that can't be reached. Keeps who asked."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.closed: dict[str, datetime] = {}
        self.wait = timedelta(0)
        self.down = False

    def take(self, key: str, windows: Sequence[Window], now: datetime) -> datetime:
        if self.down:
            raise RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "The limits can't be checked right now.")
        self.taken.append(key)
        return now + self.wait

    def refused(self, key: str, windows: Sequence[Window], now: datetime, until: datetime) -> None:
        self.closed[key] = until


class FakeScheduler:
    """The dispatcher's position and the pause switches."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._position: Position | None = None
        self._paused: set[str] = set()

    def state(self) -> SchedulerState:
        with self._lock:
            return SchedulerState(position=self._position, paused=frozenset(self._paused))

    def move(self, position: Position) -> Position:
        with self._lock:
            moved = replace(position, revision=position.revision + 1)
            known = self._position.revision if self._position else 0
            if position.revision != known and moved != self._position:
                raise ConflictError(f"the position left revision {position.revision}")
            self._position = moved
            return moved

    def pause(self, broker: str) -> None:
        with self._lock:
            self._paused.add(broker)

    def resume(self, broker: str) -> None:
        with self._lock:
            self._paused.discard(broker)


class FakeUsers:
    """Settings of users; the default ones are what nobody set."""

    def __init__(self) -> None:
        self._settings: dict[str, UserSettings] = {}

    def settings(self, user_id: str) -> UserSettings:
        return self._settings.get(user_id, UserSettings())

    def plan(self, user_id: str) -> Plan:
        return self.settings(user_id).plan

    def set_plan(self, user_id: str, plan: Plan) -> None:
        self._settings[user_id] = replace(self.settings(user_id), plan=plan)

    def prefer(self, user_id: str, *, locale: Locale | None = None, time_zone: str | None = None) -> UserSettings:
        known = self.settings(user_id)
        self._settings[user_id] = replace(
            known, locale=locale or known.locale, time_zone=known.time_zone if time_zone is None else time_zone
        )
        return self._settings[user_id]
