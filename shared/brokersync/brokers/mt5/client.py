"""A bridge's endpoints as raw pages."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from brokersync.brokers.mt5 import errors
from brokersync.brokers.mt5.addresses import Resolve, refuse_inner, resolve
from brokersync.brokers.mt5.answers import Answer, Kind, recognise
from brokersync.brokers.mt5.manifest import HISTORY, INFO, POSITIONS
from brokersync.brokers.mt5.settings import Settings, TimeUnit, is_login, read_settings
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.pages import RawPage
from brokersync.ports.brokers import FetchContext, HttpAnswer

ENDPOINTS: Final = {INFO: "info", POSITIONS: "positions", HISTORY: "history"}
_KEPT_HEADERS = ("date", "x-request-id")
_ASKED_TWICE = (401, 403)  # one refusal may be a hiccup of the bridge; a second one is meant
_SHORTEST_SECRET = 8  # a shorter one would be found in any answer
_HIDDEN = b"[api key]"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BridgeClient:
    """The three endpoints, for one account (empty: of a bridge whose paths name none).

    Raises UserActionNeededError for settings that can't be right.
    """

    def __init__(self, context: FetchContext, login: str, *, resolving: Resolve = resolve) -> None:
        overridden = context.base_url != context.environment.base_url
        self.settings = read_settings(context.credentials, base_url=context.base_url.rstrip("/") if overridden else "")
        if login and not is_login(login):
            raise UserActionNeededError(
                ErrorCode.WRONG_ACCOUNT, "The account number is not MetaTrader's: it looks like 52557820."
            )
        self._http = context.http
        self._login = login
        self._resolving = None if overridden else resolving
        self.facts: Mapping[str, str] = {}
        """What pages from now on carry along."""

    def info(self, facts: Mapping[str, str] | None = None) -> RawPage:
        """The account's figures; `facts` are for this page alone."""
        return self._get(INFO, {}, facts or {})

    def positions(self) -> RawPage:
        """The open positions."""
        return self._get(POSITIONS, {}, {})

    def history(self, start_ms: int, end_ms: int) -> RawPage:
        """The deals between two times of the server's clock (milliseconds), both ends included."""
        unit = self.settings.time_unit
        return self._get(HISTORY, {"from": _written(start_ms, unit), "to": _written(end_ms, unit)}, {})

    def read(self, page: RawPage) -> Answer:
        """The answer of a page. Raises the SyncError that it means if it has no data."""
        if error := errors.of_status(page.status, page.section):
            raise error
        answer = recognise(page.body, page.section, page.section)
        if answer.kind is Kind.ERROR and answer.error is not None:
            raise errors.of_told(answer.error, page.section)
        return answer

    def _get(self, section: str, params: Mapping[str, str], facts: Mapping[str, str]) -> RawPage:
        path = self.settings.path(self._login, ENDPOINTS[section])
        answer = self._ask(path, params)
        if answer.status in _ASKED_TWICE:
            answer = self._ask(path, params)
        return RawPage(
            section=section,
            method="GET",
            path=path,
            params=params,
            status=answer.status,
            received_at=answer.received_at,
            body=_without_key(answer.body, self.settings),
            headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
            facts={**self.facts, **facts},
        )

    def _ask(self, path: str, params: Mapping[str, str]) -> HttpAnswer:
        if self._resolving is not None:
            refuse_inner(self.settings.base_url, resolving=self._resolving)
        url = f"{self.settings.base_url}{path}"
        return self._http.get(url, params=params, headers={**self.settings.headers, "Accept": "application/json"})


def _written(wall_ms: int, unit: TimeUnit) -> str:
    match unit:
        case TimeUnit.SECONDS:
            return str(wall_ms // 1000)
        case TimeUnit.MILLISECONDS:
            return str(wall_ms)
        case TimeUnit.ISO:
            return (_EPOCH + timedelta(seconds=wall_ms // 1000)).replace(tzinfo=None).isoformat()


def _without_key(body: bytes, settings: Settings) -> bytes:
    """A body as it came; only where a bridge repeats its key, the key is hidden before anything is kept (I7)."""
    key = settings.api_key.encode()
    return body.replace(key, _HIDDEN) if len(key) >= _SHORTEST_SECRET else body
