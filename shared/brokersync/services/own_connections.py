"""Which connections are a user's own: the one place where another user's are told apart from nothing at all (I7)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.feeds import Feed
from brokersync.ports.connections import ConnectionRecord, ConnectionRecords
from brokersync.ports.feeds import Feeds

_CONNECTION_ID = re.compile(r"con_[A-Za-z0-9]{1,60}")


class ConnectionNotFoundError(Exception):
    """The user has no such connection: unknown, malformed and another user's are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnConnection:
    """A connection with the feeds that it has now."""

    record: ConnectionRecord
    feeds: Sequence[Feed]


class OwnConnections:
    """A user's connections."""

    def __init__(self, records: ConnectionRecords, feeds: Feeds) -> None:
        self._records = records
        self._feeds = feeds

    def one(self, user_id: str, connection_id: str) -> OwnConnection:
        """One connection of the user. Raises ConnectionNotFoundError."""
        record = self._records.get(connection_id) if _CONNECTION_ID.fullmatch(connection_id) else None
        if record is None or record.connection.user_id != user_id:
            raise ConnectionNotFoundError(connection_id)
        return OwnConnection(record=record, feeds=self._of(connection_id, self._feeds.of_user(user_id)))

    def all(self, user_id: str) -> Sequence[OwnConnection]:
        """All connections of the user, by id."""
        feeds = self._feeds.of_user(user_id)
        return [
            OwnConnection(record=record, feeds=self._of(record.connection.connection_id, feeds))
            for record in self._records.of_user(user_id)
        ]

    @staticmethod
    def _of(connection_id: str, feeds: Sequence[Feed]) -> Sequence[Feed]:
        return [feed for feed in feeds if feed.connection_id == connection_id]
