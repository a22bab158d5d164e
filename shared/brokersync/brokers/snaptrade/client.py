"""SnapTrade's endpoints as raw pages, signed, and what its error answers mean. Source: docs.snaptrade.com/reference."""

import re
from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from brokersync.brokers.exact_json import decode
from brokersync.brokers.snaptrade.manifest import ACCOUNT, ACTIVITIES, BALANCES, CONNECTION, POSITIONS
from brokersync.brokers.snaptrade.models import ApiStatus
from brokersync.brokers.snaptrade.signing import query_text, signature
from brokersync.domain.errors import BrokerChangedError, ErrorCode, SyncError, UserActionNeededError
from brokersync.domain.pages import FetchStep, RawPage
from brokersync.ports.brokers import FetchContext, HttpAnswer

PAGE_SIZE: Final = 1000
"""The most activities that SnapTrade gives in one answer."""

COUNTED_ONLY: Final = "counted_only"
"""The fact of a page that was asked for its total alone. Its row is a part of the moment at which it happened: entries
that are equal to it are missing, and only of all of them together can be told which are held already."""

_KEPT_HEADERS = (
    "x-request-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-account-limit",
    "x-ratelimit-account-remaining",
    "x-ratelimit-account-reset",
    "deprecation",
    "date",
)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_POPULATING = 425

ERRORS: Final[Mapping[int, tuple[type[SyncError], ErrorCode, str]]] = {
    400: (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER, "SnapTrade calls our request invalid."),
    401: (
        UserActionNeededError,
        ErrorCode.CREDENTIALS_REJECTED,
        "SnapTrade rejects the client ID, the consumer key or the user.",
    ),
    402: (
        UserActionNeededError,
        ErrorCode.CONSENT_EXPIRED,
        "SnapTrade's connection to the broker is disabled: reconnect it on SnapTrade, then re-connect here.",
    ),
    403: (
        UserActionNeededError,
        ErrorCode.SETUP_INCOMPLETE,
        "SnapTrade's plan or this connection doesn't include what we ask for: ask SnapTrade to enable account data.",
    ),
    404: (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER, "SnapTrade doesn't know what we asked for."),
    410: (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER, "SnapTrade has retired an endpoint that we use."),
}
_UNKNOWN = (BrokerChangedError, ErrorCode.UNEXPECTED_ANSWER, "SnapTrade gave an answer that we don't know.")


class PopulatingError(Exception):
    """SnapTrade is still loading what was asked for (425): the answer is worth waiting for."""


def raise_error(page: RawPage) -> None:
    """Raise the SyncError that a page stands for, or PopulatingError, if it is no answer with data."""
    if page.status == 200:
        return
    if page.status == _POPULATING:
        raise PopulatingError
    kind, code, message = ERRORS.get(page.status, _UNKNOWN)
    request_id = page.headers.get("x-request-id", "unknown")
    detail = f"{message} {page.section} answered {page.status}, code {_code(page)}, X-Request-ID {request_id}"
    if kind is BrokerChangedError:
        raise BrokerChangedError(message, detail=detail)
    raise kind(code, message, detail=detail)


def asked(page: RawPage) -> Generator[FetchStep, None, RawPage]:
    """Yield a page, then raise what it means if it is an error."""
    yield page
    raise_error(page)
    return page


def _code(page: RawPage) -> str:
    """The code in an error's body, such as 3003; it has two names."""
    try:
        body = decode(page.body, "error")
    except BrokerChangedError:
        return "unknown"
    return str(body.get("code", body.get("default_code", "unknown")))[:20] if isinstance(body, dict) else "unknown"


class SnapTradeClient:
    """The endpoints that a sync needs. Raises UserActionNeededError for credentials that can't be any."""

    def __init__(self, context: FetchContext) -> None:
        self._http = context.http
        self._base_url = context.base_url.rstrip("/")
        self._consumer_key = _credential(context, "consumer_key", "consumer key")
        self._who = [("clientId", _credential(context, "client_id", "client ID"))]
        user, secret = (context.credentials.get(name, "").strip() for name in ("user_id", "user_secret"))
        self.is_personal = not user and not secret
        """Whether the key is a trader's own: SnapTrade counts its requests per account, too."""
        if not self.is_personal:
            self._user = [
                ("userId", _credential(context, "user_id", "user ID")),
                ("userSecret", _credential(context, "user_secret", "user secret")),
            ]
        else:
            self._user = []
        self.now = context.now
        """The time of the last answer, by our clock."""
        self._ahead = timedelta(0)  # how far SnapTrade's clock is before ours
        self.facts: Mapping[str, str] = {}
        """What pages from now on carry along."""

    def connections(self) -> RawPage:
        """GET /authorizations: all of the user's logins at institutions."""
        return self._get(CONNECTION, "/authorizations")

    def connection(self, connection_id: str) -> RawPage:
        """GET /authorizations/{id}."""
        return self._get(CONNECTION, f"/authorizations/{connection_id}")

    def accounts(self) -> RawPage:
        """GET /accounts: all of the user's accounts, of all connections."""
        return self._get(ACCOUNT, "/accounts")

    def account(self, account_id: str) -> RawPage:
        """GET /accounts/{id}."""
        return self._get(ACCOUNT, f"/accounts/{account_id}")

    def activities(self, account_id: str, first: date, last: date, offset: int) -> RawPage:
        """GET /accounts/{id}/activities of some days, both included, from the newest on."""
        return self._activities(account_id, first, last, offset, PAGE_SIZE)

    def count(self, account_id: str, first: date, last: date) -> RawPage:
        """As `activities`, to learn how many there are: nothing is read from its one row (COUNTED_ONLY)."""
        page = self._activities(account_id, first, last, 0, 1)
        return replace(page, facts={**page.facts, COUNTED_ONLY: "yes"})

    def _activities(self, account_id: str, first: date, last: date, offset: int, limit: int) -> RawPage:
        params = {
            "startDate": first.isoformat(),
            "endDate": last.isoformat(),
            "offset": str(offset),
            "limit": str(limit),
        }
        return self._get(ACTIVITIES, f"/accounts/{account_id}/activities", params)

    def balances(self, account_id: str) -> RawPage:
        """GET /accounts/{id}/balances."""
        return self._get(BALANCES, f"/accounts/{account_id}/balances")

    def positions(self, account_id: str) -> RawPage:
        """GET /accounts/{id}/positions/all."""
        return self._get(POSITIONS, f"/accounts/{account_id}/positions/all")

    def _get(self, section: str, path: str, params: Mapping[str, str] | None = None) -> RawPage:
        answer = self._ask(path, params or {})
        if answer.status == 401:
            # A signature is refused for its time, too: before the trader is blamed, the clocks are compared.
            self._compare_clocks()
            answer = self._ask(path, params or {})
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

    def _ask(self, path: str, params: Mapping[str, str]) -> HttpAnswer:
        url = f"{self._base_url}{path}"
        timestamp = int((self.now + self._ahead).timestamp())
        query = query_text([*self._who, ("timestamp", str(timestamp)), *self._user, *params.items()])
        signed = signature(self._consumer_key, urlsplit(url).path, query)
        answer = self._http.get(f"{url}?{query}", headers={"Signature": signed})
        self.now = answer.received_at
        return answer

    def _compare_clocks(self) -> None:
        """Ask SnapTrade for its time, and sign by that from now on. It needs no signature."""
        answer = self._http.get(f"{self._base_url}/")
        self.now = answer.received_at
        try:
            theirs = ApiStatus.model_validate(decode(answer.body, "API status")).timestamp
        except (BrokerChangedError, ValidationError):
            return
        if answer.status == 200 and theirs is not None:
            self._ahead = theirs - answer.received_at


def _credential(context: FetchContext, name: str, label: str) -> str:
    value = context.credentials.get(name, "").strip()
    if not _PRINTABLE.fullmatch(value):
        raise UserActionNeededError(
            ErrorCode.CREDENTIALS_REJECTED, f"The {label} is empty or has characters that SnapTrade's never have."
        )
    return value
