"""What a trader is told about a connection: two states are stored, the others follow from its feeds."""

from collections.abc import Sequence
from enum import StrEnum

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed
from brokersync.domain.runs import Outcome, RequestedBy


class ConnectionStatus(StrEnum):
    """What the trader has to know about a connection. `connected`, `reauth_required`, `disconnected` are stored."""

    CHECKING = "checking"
    CONNECTED = "connected"
    REAUTH_REQUIRED = "reauth_required"
    ERROR = "error"
    DISCONNECTED = "disconnected"


def status_of(stored: ConnectionStatus, feeds: Sequence[Feed]) -> ConnectionStatus:
    """The status of a connection with these feeds. Without any it was never set up: an error that a PATCH mends."""
    if stored is not ConnectionStatus.CONNECTED:
        return stored
    if any(not feed.runnable for feed in feeds):
        return ConnectionStatus.REAUTH_REQUIRED
    if not feeds or any(_failed(feed) for feed in feeds):
        return ConnectionStatus.ERROR
    return ConnectionStatus.CHECKING if any(_checking(feed) for feed in feeds) else ConnectionStatus.CONNECTED


def _failed(feed: Feed) -> bool:
    """Whether a run failed and none is owed that could still mend it."""
    return feed.outcome in {Outcome.FAILED, Outcome.NEEDS_REVIEW} and (feed.wanted is None or bool(feed.poison_job_id))


def _checking(feed: Feed) -> bool:
    """Whether the present credentials have not been answered yet: a broker that prepares an answer has let us in."""
    owes_check = feed.wanted is not None and feed.wanted.kind is RequestedBy.CONNECT
    return feed.outcome is None or (owes_check and feed.error_code is not ErrorCode.WORK_IN_PROGRESS)
