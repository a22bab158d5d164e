"""OANDA's endpoints as raw pages, and what its error answers mean.

Source: developer.oanda.com/rest-live-v20: account-ep, trade-ep, transaction-ep, best-practices, troubleshooting-errors.
"""

import re
from collections.abc import Mapping
from typing import Final

from brokersync.brokers.oanda.manifest import OPEN_TRADES, SUMMARY, TRANSACTIONS
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    RetryLaterError,
    UserActionNeededError,
)
from brokersync.domain.pages import RawPage
from brokersync.ports.brokers import FetchContext, HttpAnswer

PAGE_SIZE: Final = 1000
"""The most transactions that OANDA gives in one answer."""

_KEPT_HEADERS = ("requestid", "date", "link")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ACCOUNT = re.compile(r"\d+(-\d+){3}")
_ASKED_TWICE = (401, 403)  # one refusal may be a hiccup of the login service; a second one is meant


_REJECTED = "OANDA rejects the token for this account: it was replaced, or belongs to another login or environment."

ERRORS: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    400: (ErrorCode.UNEXPECTED_ANSWER, "OANDA calls our request invalid."),
    401: (ErrorCode.CREDENTIALS_REJECTED, _REJECTED),
    403: (ErrorCode.CREDENTIALS_REJECTED, _REJECTED),
    404: (ErrorCode.ACCOUNT_CLOSED, "OANDA doesn't know this account (any more)."),
    405: (ErrorCode.UNEXPECTED_ANSWER, "OANDA forbids our request."),
    # Ids are checked against the summary before they are asked for: then OANDA contradicts itself.
    416: (ErrorCode.UNEXPECTED_ANSWER, "OANDA calls transactions out of range that its own summary counts."),
    429: (ErrorCode.RATE_LIMITED, "OANDA asks us to slow down."),
}
_SERVER_TROUBLE = (ErrorCode.BROKER_UNAVAILABLE, "OANDA can't answer right now.")
_UNKNOWN = (ErrorCode.UNEXPECTED_ANSWER, "OANDA gave an answer that we don't know.")

_NEXT: Final[Mapping[ErrorCode, type[RetryLaterError | UserActionNeededError]]] = {
    ErrorCode.CREDENTIALS_REJECTED: UserActionNeededError,
    ErrorCode.ACCOUNT_CLOSED: UserActionNeededError,
    ErrorCode.RATE_LIMITED: RetryLaterError,
    ErrorCode.BROKER_UNAVAILABLE: RetryLaterError,
}


def raise_error(page: RawPage) -> None:
    """Raise the SyncError that a page stands for, if it is no answer with data."""
    if page.status == 200:
        return
    code, message = ERRORS.get(page.status, _SERVER_TROUBLE if page.status >= 500 else _UNKNOWN)
    request_id = page.headers.get("requestid", "unknown")
    detail = f"{message} {page.method} {page.section} answered {page.status}, RequestID {request_id}"
    error = _NEXT.get(code)
    if error is None:
        raise BrokerChangedError(message, detail=detail)
    raise error(code, message, detail=detail)


class OandaClient:
    """The endpoints that a sync needs, for one account (empty: only the list of accounts).

    Raises UserActionNeededError for a token or an account number that can't be one.
    """

    def __init__(self, context: FetchContext, account: str = "") -> None:
        if account and not _ACCOUNT.fullmatch(account):
            raise UserActionNeededError(
                ErrorCode.WRONG_ACCOUNT, "The account number is not OANDA's: it looks like 101-004-1435156-001."
            )
        self._http = context.http
        self._base_url = context.base_url.rstrip("/")
        self._account = account
        self._headers = {
            "Authorization": f"Bearer {_token(context)}",
            "Accept-Datetime-Format": "RFC3339",
        }
        self.facts: Mapping[str, str] = {}
        """What pages from now on carry along."""

    def accounts(self) -> RawPage:
        """GET /accounts."""
        return self._get("accounts", "/accounts")

    def summary(self) -> RawPage:
        """GET /accounts/{id}/summary."""
        return self._get(SUMMARY, f"/accounts/{self._account}/summary")

    def open_trades(self) -> RawPage:
        """GET /accounts/{id}/openTrades."""
        return self._get(OPEN_TRADES, f"/accounts/{self._account}/openTrades")

    def transaction_pages(self, start: str) -> RawPage:
        """GET /accounts/{id}/transactions: the id ranges since a time (RFC 3339; empty: since the account exists)."""
        params = {"pageSize": str(PAGE_SIZE)} | ({"from": start} if start else {})
        return self._get(TRANSACTIONS, f"/accounts/{self._account}/transactions", params)

    def id_range(self, first: int, last: int) -> RawPage:
        """GET .../transactions/idrange, both ends included; at most 1,000 ids."""
        params = {"from": str(first), "to": str(last)}
        return self._get(TRANSACTIONS, f"/accounts/{self._account}/transactions/idrange", params)

    def since(self, transaction_id: int) -> RawPage:
        """GET .../transactions/sinceid: what follows this id, ascending, at most 1,000."""
        return self._get(TRANSACTIONS, f"/accounts/{self._account}/transactions/sinceid", {"id": str(transaction_id)})

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


def _token(context: FetchContext) -> str:
    token = context.credentials.get("token", "").strip()
    if not _TOKEN.fullmatch(token):
        # Anything else can't be sent in a header, and the error of trying would print it.
        raise UserActionNeededError(
            ErrorCode.CREDENTIALS_REJECTED, "The token is empty or has characters that OANDA's tokens never have."
        )
    return token
