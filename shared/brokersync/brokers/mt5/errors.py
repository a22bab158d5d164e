"""What errors mean: by the status of an answer, by the terminal's code, by the words of the bridge.

Codes: mql5.com/en/docs/python_metatrader5/mt5lasterror_py. Bridges answer errors with status 200 and success false,
with a status of their own, or with FastAPI's `detail`; their words differ.
"""

import re
from collections.abc import Mapping
from typing import Final

from brokersync.brokers.mt5.answers import ToldError
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    SyncError,
    UserActionNeededError,
)

Meaning = tuple[ErrorCode, str]

REJECTED: Final = (ErrorCode.CREDENTIALS_REJECTED, "The bridge rejects the API key, or the header it is sent in.")
NOT_LOGGED_IN: Final = (
    ErrorCode.CREDENTIALS_REJECTED,
    "The terminal behind the bridge can't log in at the broker: check its login and password.",
)
UNAVAILABLE: Final = (ErrorCode.BROKER_UNAVAILABLE, "The terminal behind the bridge can't answer right now.")
SLOW_DOWN: Final = (ErrorCode.RATE_LIMITED, "The bridge asks us to slow down.")
NOT_FOUND: Final = (
    ErrorCode.SETUP_INCOMPLETE,
    "The bridge doesn't know this address: check the path of an account and the account number.",
)
BAD_REQUEST: Final = (
    ErrorCode.SETUP_INCOMPLETE,
    "The bridge calls our question invalid: check the form of from and to, and the path of an account.",
)
ELSEWHERE: Final = (
    ErrorCode.SETUP_INCOMPLETE,
    "The bridge sends us to another address, which we don't follow: enter that one.",
)
UNABLE: Final = (
    ErrorCode.SETUP_INCOMPLETE,
    "The terminal behind the bridge can't do what is asked: check its version and its settings.",
)
UNKNOWN: Final = (ErrorCode.UNEXPECTED_ANSWER, "The bridge answered with an error that we don't know.")

BY_STATUS: Final[Mapping[int, Meaning]] = {
    301: ELSEWHERE,
    302: ELSEWHERE,
    303: ELSEWHERE,
    307: ELSEWHERE,
    308: ELSEWHERE,
    400: BAD_REQUEST,
    401: REJECTED,
    403: REJECTED,
    404: NOT_FOUND,
    405: NOT_FOUND,
    422: BAD_REQUEST,
    429: SLOW_DOWN,
}

BY_TERMINAL_CODE: Final[Mapping[int, Meaning]] = {
    -1: UNAVAILABLE,  # generic fail
    -2: BAD_REQUEST,  # invalid params
    -3: UNAVAILABLE,  # no memory
    -4: NOT_FOUND,
    -5: UNABLE,  # invalid version
    -6: NOT_LOGGED_IN,  # authorization failed
    -7: UNABLE,  # unsupported method
    -8: UNABLE,  # auto-trading disabled
    **dict.fromkeys(range(-10005, -9999), UNAVAILABLE),  # no connection to the terminal, time-out
}

BY_WORDS: Final[tuple[tuple[re.Pattern[str], Meaning], ...]] = tuple(
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        (r"rate limit|too many requests", SLOW_DOWN),
        (r"api.?key|unauthori[sz]ed|forbidden|invalid token", REJECTED),
        (r"authori[sz]ation failed|log ?in failed|invalid (account|password)|wrong password", NOT_LOGGED_IN),
        (r"not initiali[sz]ed|no(t connected| connection)|connection lost|\bipc\b|time[d]?[ -]?out", UNAVAILABLE),
        (r"account.{0,40}(not found|unknown)|(unknown|no such) account", NOT_FOUND),
        (r"invalid (params|arguments?|dates?)", BAD_REQUEST),
    )
)

_NEXT: Final[Mapping[ErrorCode, type[RetryLaterError | UserActionNeededError]]] = {
    ErrorCode.CREDENTIALS_REJECTED: UserActionNeededError,
    ErrorCode.SETUP_INCOMPLETE: UserActionNeededError,
    ErrorCode.RATE_LIMITED: RetryLaterError,
    ErrorCode.BROKER_UNAVAILABLE: RetryLaterError,
}


def of_status(status: int, section: str) -> SyncError | None:
    """What a status means; None for one with an answer."""
    if status == 200:
        return None
    meaning = BY_STATUS.get(status, UNAVAILABLE if status >= 500 else UNKNOWN)
    return _error(meaning, f"{section} answered {status}")


def of_told(told: ToldError, section: str) -> SyncError:
    """What an error that came in an answer's body means: the terminal's code says more than the bridge's words."""
    meaning = BY_TERMINAL_CODE.get(told.code) if told.code is not None else None
    if meaning is None:
        meaning = next((meaning for words, meaning in BY_WORDS if words.search(told.text)), UNKNOWN)
    return _error(meaning, f"{section}: code {told.code}, {told.text!r}")


def _error(meaning: Meaning, seen: str) -> SyncError:
    code, message = meaning
    error = _NEXT.get(code)
    detail = f"{message} {seen}"
    return error(code, message, detail=detail) if error else BrokerChangedError(message, detail=detail)
