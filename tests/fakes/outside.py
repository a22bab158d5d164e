"""The world around a sync, in memory: queues, bus, snapshots, connections, permits, the operator's tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.feeds import Announcement
from brokersync.domain.manifests import LimitWindow
from brokersync.domain.pages import RawPage
from brokersync.domain.plans import Plan
from brokersync.ports import ConflictError, Connection, Position, ProcessSession, SchedulerState


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


class FakeConnections:
    """Connections with their credentials in the clear; `reconnects` names those marked as reauth_required."""

    def __init__(self) -> None:
        self._stored: dict[str, tuple[Connection, Mapping[str, str]]] = {}
        self.reconnects: set[str] = set()
        self.sessions: dict[tuple[str, int], ProcessSession] = {}

    def create(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        if connection.connection_id in self._stored:
            raise ValueError(f"connection_id: {connection.connection_id} exists already")
        stored = replace(connection, fingerprint=f"fingerprint of {connection.connection_id}")
        self._stored[connection.connection_id] = (stored, dict(credentials))
        return stored

    def replace_credentials(self, connection_id: str, credentials: Mapping[str, str]) -> Connection:
        """For tests: a trader re-connects."""
        connection, _ = self._stored[connection_id]
        renewed = replace(connection, version=connection.version + 1)
        self._stored[connection_id] = (renewed, dict(credentials))
        self.reconnects.discard(connection_id)
        return renewed

    def remove(self, connection_id: str) -> None:
        """For tests: a trader disconnects."""
        self._stored.pop(connection_id, None)

    def credentials(self, connection_id: str, version: int) -> tuple[Connection, Mapping[str, str]]:
        return self._stored[connection_id]

    def session(self, connection: Connection) -> ProcessSession:
        return self.sessions.setdefault((connection.connection_id, connection.version), ProcessSession())

    def require_reconnect(self, connection_id: str, version: int) -> None:
        stored = self._stored.get(connection_id)
        if stored is not None and stored[0].version <= version:
            self.reconnects.add(connection_id)


class FakePermits:
    """Grants every request at once, or after `wait`; `down` is a ledger that can't be reached. Keeps who asked."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.wait = timedelta(0)
        self.down = False

    def take(self, key: str, windows: Sequence[LimitWindow], now: datetime) -> datetime:
        if self.down:
            raise RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "The limits can't be checked right now.")
        self.taken.append(key)
        return now + self.wait


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
    """Plans of users; free is what nobody set."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    def plan(self, user_id: str) -> Plan:
        return self._plans.get(user_id, Plan.FREE)

    def set_plan(self, user_id: str, plan: Plan) -> None:
        self._plans[user_id] = plan
