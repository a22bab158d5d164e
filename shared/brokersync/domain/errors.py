"""What can go wrong, by what to do next.

SyncError
├── RetryLaterError        wait, then ask again: rate limited, broker down, timeout, statement not ready
│   └── OutOfTimeError     the invocation's time ran out, not the broker's
├── UserActionNeededError  only the trader can mend it: credential, consent, set-up at the broker
├── NeedsReviewError       the answer is plausible but contradicts what we hold: a person decides
└── BrokerChangedError     the answer breaks the broker's contract, or our own code does: developers look
LeaseLostError             not an outcome: somebody else holds the feed, stop without writing anything more

Every SyncError has a code (the same from log to page), a message that is safe to show the trader, and a
`detail` for the operator. Neither may hold a secret. Unknown is never "retry".
"""

from datetime import datetime
from enum import StrEnum


class ErrorCode(StrEnum):
    """Error codes, the same in run rows, log lines, events, API answers and the page."""

    CREDENTIALS_REJECTED = "credentials_rejected"
    CONSENT_EXPIRED = "consent_expired"
    ACCOUNT_CLOSED = "account_closed"
    RATE_LIMITED = "rate_limited"
    BROKER_UNAVAILABLE = "broker_unavailable"
    TIMEOUT = "timeout"
    WORK_IN_PROGRESS = "work_in_progress"
    UNEXPECTED_ANSWER = "unexpected_answer"
    WRONG_ACCOUNT = "wrong_account"
    EMPTY_WHERE_HISTORY = "empty_where_history"
    HISTORY_CHANGED = "history_changed"
    SETUP_INCOMPLETE = "setup_incomplete"
    LIMITS_UNAVAILABLE = "limits_unavailable"
    CIRCUIT_OPEN = "circuit_open"
    WORKER_LOST = "worker_lost"
    CONNECTING_INTERRUPTED = "connecting_interrupted"
    CANCELLED = "cancelled"
    ALREADY_CONNECTED = "already_connected"
    INTERNAL = "internal"


NEXT_STEPS: dict[ErrorCode, str] = {
    ErrorCode.CREDENTIALS_REJECTED: "Re-connect: enter a valid credential for this broker.",
    ErrorCode.CONSENT_EXPIRED: "Re-connect: make a new token at the broker and enter it here.",
    ErrorCode.ACCOUNT_CLOSED: "Check the account at the broker; disconnect it here if it is closed.",
    ErrorCode.RATE_LIMITED: "Nothing to do: we ask again when the broker allows it.",
    ErrorCode.BROKER_UNAVAILABLE: "Nothing to do: we try again by ourselves.",
    ErrorCode.TIMEOUT: "Nothing to do: we try again by ourselves.",
    ErrorCode.WORK_IN_PROGRESS: "Nothing to do: the broker is preparing the data.",
    ErrorCode.UNEXPECTED_ANSWER: "Nothing to do: our developers have been told; the answer is kept.",
    ErrorCode.WRONG_ACCOUNT: "Check that the credential belongs to this account, then re-connect.",
    ErrorCode.EMPTY_WHERE_HISTORY: "Review: the broker answered nothing where there was history.",
    ErrorCode.HISTORY_CHANGED: "Review: compare these days with your broker, then accept its answer or read it again.",
    ErrorCode.SETUP_INCOMPLETE: "Complete the set-up at the broker as described, then try again.",
    ErrorCode.LIMITS_UNAVAILABLE: "Nothing to do: we try again by ourselves.",
    ErrorCode.CIRCUIT_OPEN: "Nothing to do: the broker has trouble; we try again by ourselves.",
    ErrorCode.WORKER_LOST: "Nothing to do: the interrupted sync is done again.",
    ErrorCode.CONNECTING_INTERRUPTED: "Enter the credentials again, or disconnect.",
    ErrorCode.CANCELLED: "Nothing to do.",
    ErrorCode.ALREADY_CONNECTED: "Disconnect the other connection, or connect again with `replaces` naming it.",
    ErrorCode.INTERNAL: "Nothing to do: our developers have been told.",
}


class SyncError(Exception):
    """A classified failure of a sync."""

    def __init__(self, code: ErrorCode, safe_message: str, *, detail: str = "") -> None:
        self.code = code
        self.safe_message = safe_message
        self.detail = detail or safe_message
        super().__init__(f"{code}: {self.detail}")

    @property
    def next_step(self) -> str:
        """What the trader can do, in one sentence."""
        return NEXT_STEPS[self.code]


class RetryLaterError(SyncError):
    """Ask again, not before `not_before` (aware UTC) where the broker or a limit named a time."""

    def __init__(
        self, code: ErrorCode, safe_message: str, *, detail: str = "", not_before: datetime | None = None
    ) -> None:
        super().__init__(code, safe_message, detail=detail)
        self.not_before = not_before


class OutOfTimeError(RetryLaterError):
    """Our own time ran out before the broker's: that says nothing about the broker."""

    def __init__(self, safe_message: str, *, detail: str = "") -> None:
        super().__init__(ErrorCode.TIMEOUT, safe_message, detail=detail)


class UserActionNeededError(SyncError):
    """No retry can help: the trader has to act."""


class NeedsReviewError(SyncError):
    """The answer contradicts what is stored; nothing is overwritten until a person accepts it."""


class BrokerChangedError(SyncError):
    """The answer is not what the broker's contract promises. The raw answer is kept; a developer has to look."""

    def __init__(self, safe_message: str, *, detail: str = "", code: ErrorCode = ErrorCode.UNEXPECTED_ANSWER) -> None:
        super().__init__(code, safe_message, detail=detail)


class LeaseLostError(Exception):
    """The feed belongs to a later epoch: this worker must not write anything more."""
