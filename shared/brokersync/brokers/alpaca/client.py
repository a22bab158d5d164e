"""Alpaca's endpoints as raw pages, and what its error answers mean.

Source: docs.alpaca.markets/reference (getaccount-1, getaccountactivities-2, getallopenpositions).
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from brokersync.brokers.alpaca.manifest import ACCOUNT, ACTIVITIES, POSITIONS
from brokersync.brokers.exact_json import decode
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.domain.pages import RawPage
from brokersync.ports.brokers import FetchContext, HttpAnswer

PAGE_SIZE: Final = 100
"""The most activities that Alpaca gives in one answer, unless a whole day is asked for."""

_KEPT_HEADERS = ("x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "date")
_KEY = re.compile(r"[\x21-\x7e]+")
_ASKED_TWICE = (401, 403)  # one refusal may be a hiccup of the login service; a second one is meant
_REJECTED = "Alpaca rejects the API key: it was regenerated or deleted, or belongs to the other environment."

ERRORS: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    400: (ErrorCode.UNEXPECTED_ANSWER, "Alpaca calls our request invalid."),
    401: (ErrorCode.CREDENTIALS_REJECTED, _REJECTED),
    403: (ErrorCode.CREDENTIALS_REJECTED, _REJECTED),
    404: (ErrorCode.UNEXPECTED_ANSWER, "Alpaca doesn't know what we asked for."),
    422: (ErrorCode.UNEXPECTED_ANSWER, "Alpaca can't use a parameter of our request."),
    429: (ErrorCode.RATE_LIMITED, "Alpaca asks us to slow down."),
}
_SERVER_TROUBLE = (ErrorCode.BROKER_UNAVAILABLE, "Alpaca can't answer right now.")
_UNKNOWN = (ErrorCode.UNEXPECTED_ANSWER, "Alpaca gave an answer that we don't know.")

_NEXT: Final[Mapping[ErrorCode, type[RetryLaterError | UserActionNeededError]]] = {
    ErrorCode.CREDENTIALS_REJECTED: UserActionNeededError,
    ErrorCode.RATE_LIMITED: RetryLaterError,
    ErrorCode.BROKER_UNAVAILABLE: RetryLaterError,
}


def raise_error(page: RawPage) -> None:
    """Raise the SyncError that a page stands for, if it is no answer with data."""
    if page.status == 200:
        return
    code, message = ERRORS.get(page.status, _SERVER_TROUBLE if page.status >= 500 else _UNKNOWN)
    request_id = page.headers.get("x-request-id", "unknown")
    detail = f"{message} {page.path} answered {page.status}, code {_alpaca_code(page)}, X-Request-ID {request_id}"
    error = _NEXT.get(code)
    if error is None:
        raise BrokerChangedError(message, detail=detail)
    raise error(code, message, detail=detail)


def _alpaca_code(page: RawPage) -> str:
    """The code in an error's body, such as 40110000."""
    try:
        body = decode(page.body, "error")
    except BrokerChangedError:
        return "unknown"
    return str(body.get("code", "unknown"))[:20] if isinstance(body, dict) else "unknown"


class AlpacaClient:
    """The endpoints that a sync needs. Raises UserActionNeededError for keys that can't be any."""

    def __init__(self, context: FetchContext) -> None:
        self._http = context.http
        self._base_url = context.base_url.rstrip("/")
        self._headers = {
            "APCA-API-KEY-ID": _key(context, "api_key_id", "API key ID"),
            "APCA-API-SECRET-KEY": _key(context, "api_secret_key", "API secret key"),
        }
        self.facts: Mapping[str, str] = {}
        """What pages from now on carry along."""

    def account(self) -> RawPage:
        """GET /account: the one account that the keys open."""
        return self._get(ACCOUNT, "/account")

    def positions(self) -> RawPage:
        """GET /positions: all of them."""
        return self._get(POSITIONS, "/positions")

    def activities_between(self, first: date, end: date | None) -> RawPage:
        """GET /account/activities from the start of a UTC day until that of `end` (None: open), at most PAGE_SIZE.

        `after` leaves out its own instant, which is why it is the second before.
        """
        params = {"after": _midnight(first, timedelta(seconds=-1))}
        if end is not None:
            params["until"] = _midnight(end)
        return self._get(ACTIVITIES, "/account/activities", params | {"direction": "asc", "page_size": str(PAGE_SIZE)})

    def activities_of(self, day: date) -> RawPage:
        """GET /account/activities of one day: all of them, however many."""
        return self._get(ACTIVITIES, "/account/activities", {"date": day.isoformat(), "direction": "asc"})

    def _get(self, section: str, path: str, params: Mapping[str, str] | None = None) -> RawPage:
        answer = self._ask(path, params)
        if answer.status in _ASKED_TWICE:
            answer = self._ask(path, params)
        return RawPage(
            section=section,
            method="GET",
            path=path,
            params=params or {},
            status=answer.status,
            received_at=answer.received_at,
            body=answer.body,
            headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
            facts=self.facts,
        )

    def _ask(self, path: str, params: Mapping[str, str] | None) -> HttpAnswer:
        return self._http.get(f"{self._base_url}{path}", params=params, headers=self._headers)


def _midnight(day: date, shift: timedelta = timedelta(0)) -> str:
    return f"{datetime.combine(day, time(), UTC) + shift:%Y-%m-%dT%H:%M:%SZ}"


def _key(context: FetchContext, name: str, label: str) -> str:
    key = context.credentials.get(name, "").strip()
    if not _KEY.fullmatch(key):
        # Anything else can't be sent in a header, and the error of trying would print it.
        raise UserActionNeededError(
            ErrorCode.CREDENTIALS_REJECTED, f"The {label} is empty or has characters that Alpaca's never have."
        )
    return key
