"""IBKR's error codes: what each means for what to do next. Source: Flex Web Service, "Error Codes" (version 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from brokersync.brokers.ibkr_flex.answers import Envelope
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)


class Meaning(Enum):
    """What to do about an error answer."""

    NOT_AVAILABLE = auto()
    """No statement for these days: ask for others."""
    PREPARING = auto()
    """Ask GetStatement again soon."""
    UNKNOWN_REFERENCE = auto()
    """Ask SendRequest for a new reference code."""
    NOT_VALIDATED = auto()
    """Wrong token or query, or a query made minutes ago: a few tries decide."""
    SLOW_DOWN = auto()
    LATER = auto()
    USER = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFact:
    """What one code means. `not_before` is how long to stay away at least."""

    meaning: Meaning
    error: ErrorCode = ErrorCode.BROKER_UNAVAILABLE
    message: str = "IBKR can't make the statement now."
    not_before: timedelta | None = None


_LATER = CodeFact(meaning=Meaning.LATER)
_UNFINISHED = CodeFact(
    meaning=Meaning.LATER,
    error=ErrorCode.WORK_IN_PROGRESS,
    message="IBKR's data of the day is not complete yet.",
    not_before=timedelta(minutes=5),
)


def _user(error: ErrorCode, message: str) -> CodeFact:
    return CodeFact(meaning=Meaning.USER, error=error, message=message)


CODES: Final[Mapping[str, CodeFact]] = {
    "1001": _LATER,
    "1003": CodeFact(meaning=Meaning.NOT_AVAILABLE, message="IBKR has no statement for these days yet."),
    "1004": _UNFINISHED,
    "1005": _UNFINISHED,
    "1006": _UNFINISHED,
    "1007": _UNFINISHED,
    "1008": _UNFINISHED,
    "1009": CodeFact(meaning=Meaning.LATER, message="IBKR is under heavy load.", not_before=timedelta(minutes=5)),
    "1010": _user(ErrorCode.SETUP_INCOMPLETE, "This is a legacy Flex query: make a new Activity Flex Query."),
    "1011": _user(
        ErrorCode.CREDENTIALS_REJECTED,
        "The Flex Web Service is not active: switch it on in Client Portal, and make a token.",
    ),
    "1012": _user(ErrorCode.CONSENT_EXPIRED, "The Flex Web Service token has expired."),
    "1013": _user(
        ErrorCode.CREDENTIALS_REJECTED, "The token is limited to other IP addresses: make one without restriction."
    ),
    "1014": _user(ErrorCode.SETUP_INCOMPLETE, "IBKR doesn't know this Flex Query ID, or it is another login's."),
    "1015": _user(ErrorCode.CREDENTIALS_REJECTED, "IBKR rejects the Flex Web Service token."),
    "1016": _user(ErrorCode.ACCOUNT_CLOSED, "IBKR calls an account of this query invalid."),
    "1017": CodeFact(meaning=Meaning.UNKNOWN_REFERENCE, message="IBKR doesn't find the statement it prepared."),
    "1018": CodeFact(
        meaning=Meaning.SLOW_DOWN,
        error=ErrorCode.RATE_LIMITED,
        message="IBKR asks us to slow down.",
        not_before=timedelta(minutes=1),
    ),
    "1019": CodeFact(
        meaning=Meaning.PREPARING, error=ErrorCode.WORK_IN_PROGRESS, message="IBKR is preparing the statement."
    ),
    "1020": CodeFact(
        meaning=Meaning.NOT_VALIDATED,
        error=ErrorCode.SETUP_INCOMPLETE,
        message="IBKR can't validate the request: check token and Flex Query ID. A new query takes some minutes.",
    ),
    "1021": _LATER,
}


def fact_of(envelope: Envelope) -> CodeFact:
    """What an error envelope means. A code that is new to us is only tried again when its text says so."""
    known = CODES.get(envelope.code)
    if known is not None:
        return known
    said = envelope.message.lower()
    if "try again" in said or "shortly" in said:
        return _LATER
    return CodeFact(meaning=Meaning.UNKNOWN, message="IBKR answered with an error that we don't know.")


def error_of(envelope: Envelope, now: datetime) -> SyncError:
    """The failure that an error envelope means when nothing more can be done in this run. `now` is aware."""
    fact = fact_of(envelope)
    detail = f"IBKR answered {envelope}"
    match fact.meaning:
        case Meaning.USER | Meaning.NOT_VALIDATED:
            return UserActionNeededError(fact.error, fact.message, detail=detail)
        case Meaning.UNKNOWN:
            return BrokerChangedError(fact.message, detail=detail)
        case _:
            wait = now + fact.not_before if fact.not_before else None
            return RetryLaterError(fact.error, fact.message, detail=detail, not_before=wait)
