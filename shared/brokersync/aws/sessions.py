"""Brokers' sessions in the connections table (ports.Session): sealed, and renewed by one worker at a time."""

import json
from datetime import datetime

from brokersync.aws.tables.base import Refused, all_of
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.vault import Opener, Owner, Sealed, Sealer, VaultError
from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.errors import ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.ports.brokers import SessionToken
from brokersync.ports.connections import Connection


class StoredSession:
    """The session of a connection under the credentials of one version. For one run, in one thread."""

    def __init__(self, items: type[ConnectionItem], connection: Connection, *, opener: Opener, sealer: Sealer) -> None:
        """`connection` says under which credentials this run is; `sealer` needs no right to make keys."""
        self._items = items
        self._connection = connection
        self._opener = opener
        self._sealer = sealer
        self._owner = Owner(
            user_id=connection.user_id,
            connection_id=connection.connection_id,
            version=connection.version,
            session=True,
        )
        self._seen: ConnectionItem | None = None

    def current(self) -> SessionToken | None:
        """What is stored now, read anew. Raises UserActionNeededError (cancelled) and RetryLaterError (replaced)."""
        self._seen = self._ours(self._items.find(self._connection.connection_id))
        return self._open(self._seen)

    def renew(self, new: SessionToken) -> SessionToken:
        """Store a new session; returns the one that won. Raises as `current` does.

        Who lost goes on from the winner's: its next renewal is conditional on that one.
        """
        seen = self._seen or self._ours(self._items.find(self._connection.connection_id))
        if not seen.key_id:
            raise VaultError(f"{seen.connection_id} has credentials without a key")
        sealed = self._sealer.seal_beside(seen.key_id, self._owner, _to_texts(new))
        following = seen.session_version + 1
        not_renewed = ConnectionItem.session_version == seen.session_version
        result = self._items.change(
            seen.connection_id,
            actions=[
                ConnectionItem.session.set(sealed.ciphertext),
                ConnectionItem.session_key_id.set(sealed.key_id),
                ConnectionItem.session_version.set(following),
            ],
            condition=all_of(
                ConnectionItem.version == self._connection.version,
                ConnectionItem.credentials.exists(),
                ConnectionItem.status != ConnectionStatus.DISCONNECTED.value,
                not_renewed if seen.session_version else ConnectionItem.session_version.does_not_exist(),
            ),
        )
        if isinstance(result, Refused):
            self._seen = self._ours(result.found)
            return self._open(self._seen) or new
        seen.session_version = following
        self._seen = seen
        return new

    def _ours(self, item: ConnectionItem | None) -> ConnectionItem:
        """The row, if it still has the credentials of this run."""
        if item is None or not item.credentials or item.status == ConnectionStatus.DISCONNECTED.value:
            raise UserActionNeededError(ErrorCode.CANCELLED, "This connection was removed.")
        if item.version != self._connection.version:
            raise RetryLaterError(
                ErrorCode.WORK_IN_PROGRESS,
                "New credentials were entered; they are used from the next sync on.",
                detail=f"{item.connection_id} has version {item.version}, this run {self._connection.version}",
            )
        return item

    def _open(self, item: ConnectionItem) -> SessionToken | None:
        if not (item.session and item.session_key_id):
            return None
        sealed = Sealed(key_id=item.session_key_id, ciphertext=item.session)
        texts = dict(self._opener.open(self._owner, sealed))
        return SessionToken(
            token=texts["token"],
            expires_at=datetime.fromisoformat(texts["expires_at"]),
            extra=json.loads(texts["extra"]),
        )


def _to_texts(session: SessionToken) -> dict[str, str]:
    return {
        "token": session.token,
        "expires_at": session.expires_at.isoformat(),
        "extra": json.dumps(dict(session.extra)),
    }
