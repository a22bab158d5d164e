"""The connections table's adapters: one that decrypts, for functions/sync, and one that only encrypts (I7)."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from pynamodb.constants import MAP
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from brokersync.aws.session import AwsSession
from brokersync.aws.sessions import StoredSession
from brokersync.aws.tables.attributes import becomes
from brokersync.aws.tables.base import Refused, Written, all_of
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.vault import Opener, Owner, Sealed, Sealer
from brokersync.domain.connections import ConnectionStatus
from brokersync.ports.brokers import Manifests
from brokersync.ports.connections import Connection, ConnectionRecord
from brokersync.ports.storage import ConflictError
from brokersync.ports.world import Clock

KEPT = timedelta(hours=1)  # how long a process remembers credentials: longer than most intervals (adr/0002-vault.md)
MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class _Kept:
    since: datetime
    connection: Connection
    credentials: Mapping[str, str]


class DynamoConnections:
    """ports.Connections: reads connections and decrypts their credentials. Safe to use from several threads."""

    def __init__(self, session: AwsSession, kms_key_id: str, *, clock: Clock) -> None:
        self._items = session.table(ConnectionItem)
        self._opener = Opener(session, kms_key_id)
        self._sealer = Sealer(session, kms_key_id)
        self._clock = clock
        self._kept: OrderedDict[tuple[str, int], _Kept] = OrderedDict()
        self._lock = Lock()

    def credentials(self, connection_id: str, version: int) -> tuple[Connection, Mapping[str, str]]:
        """The connection and its decrypted credentials: those of that version, or newer ones if there are.

        Raises KeyError when the connection is gone or its trader removed it, and VaultError for credentials that are
        not its own.
        """
        kept = self._recall(connection_id, version)
        if kept:
            return kept.connection, kept.credentials
        item = self._items.find(connection_id)
        if item is None or not item.credentials:
            raise KeyError(connection_id)
        connection = item.to_connection()
        sealed = Sealed(key_id=item.key_id, ciphertext=item.credentials)
        credentials = self._opener.open(_owner(connection), sealed)
        self._keep(connection, credentials)
        return connection, credentials

    def require_reconnect(self, connection_id: str, version: int) -> None:
        """Mark the connection as reauth_required, unless it has newer credentials."""
        self._items.change(
            connection_id,
            actions=[ConnectionItem.status.set(ConnectionStatus.REAUTH_REQUIRED)],
            condition=all_of(ConnectionItem.version == version, ConnectionItem.credentials.exists()),
        )

    def disconnect(self, connection_id: str) -> None:
        """Mark the connection as disconnected and erase its credentials and its session. Raises KeyError."""
        disconnect(self._items, connection_id)
        with self._lock:
            for key in [key for key in self._kept if key[0] == connection_id]:
                del self._kept[key]

    def session(self, connection: Connection) -> StoredSession:
        """The session of a connection that `credentials` gave."""
        return StoredSession(self._items, connection, opener=self._opener, sealer=self._sealer)

    def _recall(self, connection_id: str, version: int) -> _Kept | None:
        with self._lock:
            kept = self._kept.get((connection_id, version))
            return kept if kept and self._clock.now() - kept.since <= KEPT else None

    def _keep(self, connection: Connection, credentials: Mapping[str, str]) -> None:
        key = (connection.connection_id, connection.version)
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = _Kept(self._clock.now(), connection, credentials)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


class DynamoConnectionWriter:
    """ports.ConnectionWriter: stores new connections, and can't decrypt what is there."""

    def __init__(self, session: AwsSession, kms_key_id: str, *, manifests: Manifests) -> None:
        """`manifests` say which of a broker's fields are secret."""
        self._items = session.table(ConnectionItem)
        self._sealer = Sealer(session, kms_key_id)
        self._manifests = manifests

    def create(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        """Store a new connection; returns it with its fingerprint. Raises ValueError if the id exists."""
        stored = self._with_fingerprint(connection, credentials)
        sealed = self._sealer.seal(_owner(stored), credentials)
        outcome = self._items.change(
            stored.connection_id,
            actions=[
                ConnectionItem.user_id.set(stored.user_id),
                ConnectionItem.broker.set(stored.broker),
                ConnectionItem.environment.set(stored.environment),
                ConnectionItem.status.set(ConnectionStatus.CONNECTED),
                ConnectionItem.version.set(stored.version),
                ConnectionItem.fingerprint.set(stored.fingerprint),
                ConnectionItem.credentials.set(sealed.ciphertext),
                ConnectionItem.key_id.set(sealed.key_id),
                becomes(ConnectionItem.replaces, stored.replaces),
            ],
            condition=ConnectionItem.connection_id.does_not_exist(),
        )
        match outcome:
            case Refused():
                raise ValueError(f"connection_id: {stored.connection_id} exists already")
            case Written():
                return stored

    def replace(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        """Store new credentials under the next version. Raises ConflictError when somebody else was first."""
        renewed = replace(self._with_fingerprint(connection, credentials), version=connection.version + 1)
        sealed = self._sealer.seal(_owner(renewed), credentials)
        outcome = self._items.change(
            connection.connection_id,
            actions=[
                ConnectionItem.status.set(ConnectionStatus.CONNECTED),
                ConnectionItem.version.set(renewed.version),
                ConnectionItem.fingerprint.set(renewed.fingerprint),
                ConnectionItem.credentials.set(sealed.ciphertext),
                ConnectionItem.key_id.set(sealed.key_id),
                *no_session(),
            ],
            condition=all_of(
                ConnectionItem.version == connection.version,
                ConnectionItem.status != ConnectionStatus.DISCONNECTED.value,
            ),
        )
        if isinstance(outcome, Refused) and not _is(outcome.found, sealed):
            raise ConflictError(f"{connection.connection_id} left version {connection.version}")
        return renewed

    def disconnect(self, connection_id: str) -> None:
        """Mark the connection as disconnected and erase its credentials and its session. Raises KeyError."""
        disconnect(self._items, connection_id)

    def open_receipt(self, connection_id: str) -> None:
        """Note that everything of the connection is to be erased. Raises KeyError."""
        outcome = self._items.change(
            connection_id,
            actions=[Path(ConnectionItem.erased).set({MAP: {}})],
            condition=all_of(ConnectionItem.connection_id.exists(), ConnectionItem.erased.does_not_exist()),
        )
        if isinstance(outcome, Refused) and outcome.found is None:
            raise KeyError(connection_id)

    def _with_fingerprint(self, connection: Connection, credentials: Mapping[str, str]) -> Connection:
        secret = [field.name for field in self._manifests.manifest(connection.broker).auth_fields if field.secret]
        secrets = {name: credentials.get(name, "") for name in secret}
        return replace(connection, fingerprint=fingerprint(connection, secrets))


class DynamoConnectionRecords:
    """ports.ConnectionRecords: reads rows, and opens nothing of them."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(ConnectionItem)

    def get(self, connection_id: str) -> ConnectionRecord | None:
        """The connection, whoever owns it."""
        item = self._items.find(connection_id)
        return item.to_record() if item else None

    def of_user(self, user_id: str) -> Sequence[ConnectionRecord]:
        """All connections of a user, by id. One made in the last moments may be missing."""
        connection_ids = [item.connection_id for item in self._items.by_user.query(user_id)]
        found = self._items.batch_get(connection_ids, consistent_read=True)
        return sorted((item.to_record() for item in found), key=lambda record: record.connection.connection_id)


def _is(found: ConnectionItem | None, sealed: Sealed) -> bool:
    """Whether the row is what we wrote, and only the answer was lost: no two ciphertexts are equal."""
    return found is not None and found.credentials == sealed.ciphertext


def disconnect(items: type[ConnectionItem], connection_id: str) -> None:
    """Erase credentials and session, and say so by the status; the version moves on, so that nothing late fits."""
    exists = ConnectionItem.connection_id.exists()
    outcome = items.change(
        connection_id,
        actions=[
            ConnectionItem.status.set(ConnectionStatus.DISCONNECTED),
            ConnectionItem.version.add(1),
            ConnectionItem.fingerprint.remove(),
            ConnectionItem.credentials.remove(),
            ConnectionItem.key_id.remove(),
            ConnectionItem.replaces.remove(),
            *no_session(),
        ],
        condition=all_of(exists, ConnectionItem.status != ConnectionStatus.DISCONNECTED.value),
    )
    if isinstance(outcome, Refused) and outcome.found is None:
        raise KeyError(connection_id)


def no_session() -> list[Action]:
    """The end of a broker's session."""
    return [
        ConnectionItem.session.remove(),
        ConnectionItem.session_key_id.remove(),
        ConnectionItem.session_version.remove(),
    ]


def fingerprint(connection: Connection, secrets: Mapping[str, str]) -> str:
    """What a broker counts requests by: equal for equal secrets, whoever entered them, and no way back to them.

    scrypt makes each guess at a short password cost 16 MB and some 50 ms; a long random token can't be guessed at all.
    """
    text = "\n".join(f"{name}={value}" for name, value in sorted(secrets.items()))
    salt = f"brokersync fingerprint 1 {connection.broker} {connection.environment}"
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=16).hex()


def _owner(connection: Connection) -> Owner:
    return Owner(user_id=connection.user_id, connection_id=connection.connection_id, version=connection.version)
