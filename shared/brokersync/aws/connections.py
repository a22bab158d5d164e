"""The connections table's adapters: one that decrypts, for functions/sync, and one that only encrypts (I7)."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from brokersync.aws.session import AwsSession
from brokersync.aws.sessions import StoredSession
from brokersync.aws.tables.base import Refused, Written, all_of
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.vault import Opener, Owner, Sealed, Sealer
from brokersync.domain.connections import ConnectionStatus
from brokersync.ports import Clock, Connection, Manifests

KEPT = timedelta(minutes=10)  # how long a process remembers credentials: a removed connection is noticed after that
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
        secret = [field.name for field in self._manifests.manifest(connection.broker).auth_fields if field.secret]
        stored = replace(
            connection, fingerprint=fingerprint(connection, {name: credentials.get(name, "") for name in secret})
        )
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
            ],
            condition=ConnectionItem.connection_id.does_not_exist(),
        )
        match outcome:
            case Refused():
                raise ValueError(f"connection_id: {stored.connection_id} exists already")
            case Written():
                return stored


def fingerprint(connection: Connection, secrets: Mapping[str, str]) -> str:
    """What a broker counts requests by: equal for equal secrets, whoever entered them, and no way back to them.

    scrypt makes each guess at a short password cost 16 MB and some 50 ms; a long random token can't be guessed at all.
    """
    text = "\n".join(f"{name}={value}" for name, value in sorted(secrets.items()))
    salt = f"brokersync fingerprint 1 {connection.broker} {connection.environment}"
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=16).hex()


def _owner(connection: Connection) -> Owner:
    return Owner(user_id=connection.user_id, connection_id=connection.connection_id, version=connection.version)
