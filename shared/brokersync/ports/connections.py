"""Connections, their credentials and their end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.feeds import Lease
from brokersync.ports.brokers import Session
from brokersync.ports.world import Deadline


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
