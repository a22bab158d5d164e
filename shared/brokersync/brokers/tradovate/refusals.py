"""What Tradovate's answers without data mean: statuses, and the refusals that it hides in HTTP 200.

Source: partner.tradovate.com, Error Handling, Rate Limits and Penalty Tickets.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from brokersync.brokers.exact_json import JsonObject, decode
from brokersync.brokers.tradovate.manifest import LOCKED_OUT
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, SyncError, UserActionNeededError
from brokersync.domain.money import BadNumberError, decimal_from

_REJECTED = "Tradovate rejects the login: name, password or API key have changed, or belong to the other environment."
_SLOWER = "Tradovate asks us to stay away for an hour."

STATUSES: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    400: (ErrorCode.UNEXPECTED_ANSWER, "Tradovate calls our request invalid."),
    401: (ErrorCode.CREDENTIALS_REJECTED, _REJECTED),
    403: (ErrorCode.CREDENTIALS_REJECTED, "Tradovate refuses this login here: it belongs to the other environment."),
    404: (ErrorCode.UNEXPECTED_ANSWER, "Tradovate doesn't know what we asked for."),
    408: (ErrorCode.RATE_LIMITED, "Too many connections to Tradovate are open at once."),
    423: (ErrorCode.RATE_LIMITED, _SLOWER),
    429: (ErrorCode.RATE_LIMITED, _SLOWER),
}
_STAYS_AWAY = (423, 429)
_UNKNOWN = (ErrorCode.UNEXPECTED_ANSWER, "Tradovate gave an answer that we don't know.")
_SERVER_TROUBLE = (ErrorCode.BROKER_UNAVAILABLE, "Tradovate can't answer right now.")

# What `errorText` says where a login is refused; the first that fits counts. Tradovate lists no such texts.
_SIGN_IN_TEXTS: Final[Sequence[tuple[re.Pattern[str], ErrorCode, str]]] = (
    (
        re.compile(r"too many|try again later|exceeded", re.IGNORECASE),
        ErrorCode.RATE_LIMITED,
        _SLOWER,
    ),
    (
        re.compile(r"password.*expired|expired.*password", re.IGNORECASE),
        ErrorCode.CONSENT_EXPIRED,
        "The Tradovate password has expired: set a new one at Tradovate, and enter it here.",
    ),
    (
        re.compile(r"\block", re.IGNORECASE),
        ErrorCode.SETUP_INCOMPLETE,
        "Tradovate has locked this login: log in at Tradovate to unlock it.",
    ),
    (
        re.compile(r"\bapp\b|api key|\bcid\b|\bsec\b|not registered", re.IGNORECASE),
        ErrorCode.CREDENTIALS_REJECTED,
        "Tradovate doesn't know the API key: copy its client ID and secret again.",
    ),
    (
        re.compile(r"password|credential|user ?name|denied", re.IGNORECASE),
        ErrorCode.CREDENTIALS_REJECTED,
        _REJECTED,
    ),
)
_USER_STATUSES: Final[Mapping[str, tuple[ErrorCode, str]]] = {
    "Closed": (ErrorCode.ACCOUNT_CLOSED, "Tradovate has closed this login."),
    "Initiated": (
        ErrorCode.SETUP_INCOMPLETE,
        "This Tradovate login isn't complete: finish its registration there.",
    ),
    "TemporaryLocked": (
        ErrorCode.SETUP_INCOMPLETE,
        "Tradovate has locked this login for a while: log in at Tradovate to unlock it.",
    ),
    "UnconfirmedEmail": (
        ErrorCode.SETUP_INCOMPLETE,
        "The e-mail address of this Tradovate login isn't confirmed: follow the link that Tradovate sent.",
    ),
}
_ENDED_TEXTS = re.compile(r"access token|access is denied|not authorized|unauthorized", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """A ticket to wait with: the request was not executed, and counts when it comes again with it after `wait`."""

    ticket: str
    wait: timedelta
    captcha: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a body with HTTP 200 holds instead of data; `text` is Tradovate's own."""

    text: str = ""
    penalty: Penalty | None = None


def refusal_in(body: bytes, what: str) -> Refusal | None:
    """The refusal that a body is; None for one with data, or with none that can be read."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        value = decode(body, what)
    except BrokerChangedError:
        return None  # whoever reads its data says what is wrong with it
    return refusal_of(value, what) if isinstance(value, dict) else None


def refusal_of(value: JsonObject, what: str) -> Refusal | None:
    """The refusal that an object is. Raises BrokerChangedError for a penalty that doesn't say how long."""
    if "p-ticket" in value or "p-captcha" in value:
        return Refusal(penalty=_penalty(value, what))
    for name in ("errorText", "failureText", "failureReason", "violations"):
        if told := value.get(name):
            return Refusal(text=str(told)[:200])
    return None


def is_ended(refusal: Refusal | None) -> bool:
    """Whether a refusal is about the access token."""
    return refusal is not None and _ENDED_TEXTS.search(refusal.text) is not None


def of_status(status: int, what: str, now: datetime) -> SyncError | None:
    """The error that a status is; None for 200."""
    if status == 200:
        return None
    code, message = STATUSES.get(status, _SERVER_TROUBLE if status >= 500 else _UNKNOWN)
    later = now + LOCKED_OUT if status in _STAYS_AWAY else None
    return _error(code, message, f"{what} answered HTTP {status}", later)


def of_sign_in(text: str, now: datetime) -> SyncError:
    """The error that the `errorText` of a refused sign-in is."""
    for pattern, code, message in _SIGN_IN_TEXTS:
        if pattern.search(text):
            return _error(code, message, f"sign-in refused: {text}", now + LOCKED_OUT)
    return BrokerChangedError(
        "Tradovate refuses to let us in, for a reason that we don't know.", detail=f"sign-in refused: {text}"
    )


def of_user_status(status: str, now: datetime) -> SyncError | None:
    """The error that a login's state is; None for one that may be used."""
    code, message = _USER_STATUSES.get(status, (None, ""))
    return _error(code, message, f"userStatus {status}", now) if code else None


def of_captcha(what: str, now: datetime) -> SyncError:
    """A captcha can't be solved by a program; the endpoint's count is cleared within the hour."""
    return RetryLaterError(
        ErrorCode.RATE_LIMITED, _SLOWER, detail=f"{what} wants a captcha", not_before=now + LOCKED_OUT
    )


def of_penalties(what: str, now: datetime) -> SyncError:
    """Tickets that lead to tickets: asking on would only add to them."""
    return RetryLaterError(
        ErrorCode.RATE_LIMITED, _SLOWER, detail=f"{what} is penalised again and again", not_before=now + LOCKED_OUT
    )


def _error(code: ErrorCode, message: str, detail: str, later: datetime | None) -> SyncError:
    match code:
        case ErrorCode.RATE_LIMITED:
            return RetryLaterError(code, message, detail=detail, not_before=later)
        case ErrorCode.BROKER_UNAVAILABLE:
            return RetryLaterError(code, message, detail=detail)
        case ErrorCode.UNEXPECTED_ANSWER:
            return BrokerChangedError(message, detail=detail)
        case _:
            return UserActionNeededError(code, message, detail=detail)


def _penalty(value: JsonObject, what: str) -> Penalty:
    captcha = value.get("p-captcha") is True
    if captcha:
        return Penalty(ticket="", wait=LOCKED_OUT, captcha=True)
    ticket = value.get("p-ticket")
    try:
        seconds = decimal_from(value.get("p-time"), "p-time")
    except BadNumberError as error:
        raise BrokerChangedError(f"{what}: Tradovate's penalty doesn't say how long: {error}.") from None
    if not isinstance(ticket, str) or not ticket or seconds < 0:
        raise BrokerChangedError(f"{what}: Tradovate's penalty has no ticket, or a p-time below 0.")
    return Penalty(ticket=ticket, wait=min(timedelta(seconds=float(seconds)), LOCKED_OUT), captcha=False)
