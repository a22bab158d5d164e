"""What a trader is told about connections: never a credential, and the truth about each feed."""

from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.connections import ConnectionStatus, status_of
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed, FeedPurpose
from brokersync.ports.connections import ConnectionRecord
from brokersync.services.own_connections import OwnConnection, OwnConnections
from brokersync.services.read_status import AccountState, ReadStatus

INTERRUPTED = "Connecting was interrupted."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a connection does not work, in words that are safe to show."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """A connection with its accounts, each with its status."""

    record: ConnectionRecord
    status: ConnectionStatus
    accounts: Sequence[AccountState]
    error: Trouble | None


class ReadConnections:
    """Reads a user's connections."""

    def __init__(self, own: OwnConnections, read_status: ReadStatus) -> None:
        self._own = own
        self._read_status = read_status

    def all(self, user_id: str) -> Sequence[ConnectionState]:
        """All connections of the user, by id."""
        states = self._read_status.all(user_id).accounts
        return [self._state(own, states) for own in self._own.all(user_id)]

    def one(self, user_id: str, connection_id: str) -> ConnectionState:
        """One connection of the user. Raises ConnectionNotFoundError."""
        own = self._own.one(user_id, connection_id)
        return self._state(own, self._read_status.all(user_id).accounts)

    @staticmethod
    def _state(own: OwnConnection, states: Sequence[AccountState]) -> ConnectionState:
        connection_id = own.record.connection.connection_id
        feeds = [feed for feed in own.feeds if feed.purpose is not FeedPurpose.ERASE]
        status = status_of(own.record.status, feeds)
        return ConnectionState(
            record=own.record,
            status=status,
            accounts=[state for state in states if state.own.account.connection_id == connection_id],
            error=_error(status, feeds),
        )


def _error(status: ConnectionStatus, feeds: Sequence[Feed]) -> Trouble | None:
    """What is told of the feed that is worst off; nothing while the connection works."""
    if status not in {ConnectionStatus.ERROR, ConnectionStatus.REAUTH_REQUIRED}:
        return None
    failing = sorted((feed for feed in feeds if feed.error_code is not None), key=lambda feed: feed.runnable)
    for feed in failing:
        if feed.error_code is not None:
            return Trouble(code=feed.error_code, message=feed.safe_message)
    return Trouble(code=ErrorCode.CONNECTING_INTERRUPTED, message=INTERRUPTED)
