"""SnapTrade's REST API over a simulated world: strict about signatures, clocks, users, parameters and request rates."""

import base64
import hmac
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from local.simulators import snaptrade_views as views
from local.simulators.control import Control
from local.simulators.snaptrade_admin import admin_routes
from local.simulators.snaptrade_world import Account, Key, World

REQUESTS_PER_MINUTE: Final = 250
REQUESTS_PER_ACCOUNT: Final = 10
"""In a minute; only Personal keys are counted by account."""
PAGE_SIZE: Final = 1000
_CLOCK_MAY_DIFFER: Final = timedelta(minutes=5)
_MINUTE: Final = timedelta(minutes=1)
_WHO: Final = {"clientId", "timestamp", "userId", "userSecret"}
_OLD_PREFIX: Final = "/api/v1"


class RefusedError(Exception):
    """An error answer of SnapTrade; `body` is one of its several forms."""

    def __init__(self, status: int, body: dict[str, object]) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def make_app(
    world: World, *, per_minute: int = REQUESTS_PER_MINUTE, per_account: int = REQUESTS_PER_ACCOUNT
) -> tuple[Starlette, Control]:
    """The simulator's app, and its back door for use from the same process."""
    control = Control(
        token_of=lambda request: request.query_params.get("userId") or request.query_params.get("clientId", ""),
        truth=world.truth,
        hidden=frozenset(_WHO),
    )
    api = _Api(world, per_minute, per_account)
    routes = [
        Route("/", api.status, methods=["GET"]),
        Route("/authorizations", api.serve(api.connections), methods=["GET"]),
        Route("/authorizations/{id}", api.serve(api.connection), methods=["GET"]),
        Route("/accounts", api.serve(api.accounts), methods=["GET"]),
        Route("/accounts/{id}", api.serve(api.account), methods=["GET"]),
        Route("/accounts/{id}/activities", api.serve(api.activities), methods=["GET"]),
        Route("/accounts/{id}/balances", api.serve(api.balances), methods=["GET"]),
        Route("/accounts/{id}/positions/all", api.serve(api.positions), methods=["GET"]),
        Route("/accounts/{id}/positions", api.serve(api.retired), methods=["GET"]),
        Route("/accounts/{id}/holdings", api.serve(api.retired), methods=["GET"]),
    ]
    app = Starlette(
        routes=[*admin_routes(world), *control.routes(), Mount(_OLD_PREFIX, routes=routes), *routes],
        middleware=[Middleware(GZipMiddleware, minimum_size=500), control.middleware()],
        exception_handlers={404: _no_such_endpoint},
    )
    return app, control


class _Api:
    """Checks every request: its signature and clock, its user, its rate, its parameters."""

    def __init__(self, world: World, per_minute: int, per_account: int) -> None:
        self._world = world
        self._client_pace = _Pace(per_minute, "")
        self._account_pace = _Pace(per_account, "Account-")

    def serve(self, endpoint: Callable[[Key, Request], object]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint as a route's handler."""

        async def handler(request: Request) -> Response:
            headers = {"X-Request-ID": uuid.uuid4().hex}
            if request.url.path.startswith(_OLD_PREFIX):
                headers["Deprecation"] = "true"
            try:
                with self._world.lock:
                    body = endpoint(self._key_of(request, headers), request)
            except RefusedError as error:
                return JSONResponse(error.body, error.status, headers)
            return JSONResponse(body, headers=headers)

        return handler

    async def status(self, _request: Request) -> Response:
        """GET /: whether SnapTrade works, and its time; for anybody."""
        return JSONResponse({"version": 151, "timestamp": self._world.clock().isoformat(), "online": True})

    def connections(self, key: Key, _request: Request) -> object:
        """GET /authorizations."""
        now = self._world.clock()
        return [views.connection(one.connection, now) for one in self._world.of(key)]

    def connection(self, key: Key, request: Request) -> object:
        """GET /authorizations/{id}."""
        wanted = request.path_params["id"]
        for one in self._world.of(key):
            if one.connection.id == wanted:
                return views.connection(one.connection, self._world.clock())
        raise _unknown()

    def accounts(self, key: Key, _request: Request) -> object:
        """GET /accounts."""
        return [views.account(self._world, one) for one in self._world.of(key)]

    def account(self, key: Key, request: Request) -> object:
        """GET /accounts/{id}."""
        return views.account(self._world, self._one(key, request))

    def activities(self, key: Key, request: Request) -> object:
        """GET /accounts/{id}/activities: days of New York, both included, newest first."""
        one = self._one(key, request)
        params = _parameters(request, {"startDate", "endDate", "type", "offset", "limit"})
        first, last = _day(params, "startDate", date.min), _day(params, "endDate", date.max)
        offset, limit = _number(params, "offset", 0, least=0), _number(params, "limit", PAGE_SIZE, least=1)
        if first > last or limit > PAGE_SIZE:
            raise _invalid()
        if self._world.clock() < one.ready:
            raise RefusedError(
                425, {"detail": "The resource is currently being populated. Please try again later.", "code": 3012}
            )
        types = set(params["type"].split(",")) if "type" in params else None
        rows = [
            (name, event)
            for name, event in self._world.activities(one)
            if first <= event.day <= last and (types is None or event.type in types)
        ]
        told = rows[offset : offset + limit]
        for name, event in told:
            event.first_id = event.first_id or name
        return {
            "data": [views.activity(one, name, event) for name, event in told],
            "pagination": {"offset": offset, "limit": limit, "total": len(rows)},
        }

    def balances(self, key: Key, request: Request) -> object:
        """GET /accounts/{id}/balances."""
        return views.balances(self._one(key, request))

    def positions(self, key: Key, request: Request) -> object:
        """GET /accounts/{id}/positions/all."""
        return views.positions(self._one(key, request), self._world.clock())

    def retired(self, key: Key, request: Request) -> object:
        """What customers made after May 2026 don't get any more."""
        self._one(key, request)
        raise RefusedError(410, {"detail": "This endpoint is not available for this customer.", "status_code": 410})

    def _one(self, key: Key, request: Request) -> Account:
        wanted = request.path_params["id"]
        for one in self._world.of(key):
            if one.id == wanted:
                return one
        raise _unknown()

    def _key_of(self, request: Request, headers: dict[str, str]) -> Key:
        """Who asks. Raises RefusedError for a wrong signature, clock or user, and for one request too many."""
        query = request.scope["query_string"].decode()
        params = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
        secret = self._world.consumer_keys.get(params.get("clientId", ""))
        now = self._world.clock()
        if secret is None or not params.get("timestamp", "").isdecimal():
            raise _unsigned()
        signed = _signature(secret, request.url.path, query)
        late = abs(now.timestamp() - int(params["timestamp"])) > _CLOCK_MAY_DIFFER.total_seconds()
        if late or not hmac.compare_digest(signed, request.headers.get("signature", "")):
            raise _unsigned()
        key = Key(params["clientId"], params.get("userId", ""))
        if self._world.user_secrets.get(key) != params.get("userSecret", ""):
            raise _unsigned()
        self._client_pace.check(key.client_id, now, headers)
        if not key.user_id and "id" in request.path_params and request.url.path.find("/accounts/") >= 0:
            self._account_pace.check(request.path_params["id"], now, headers)
        return key


class _Pace:
    """At most so many requests in any minute of the clock."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._times: dict[str, deque[datetime]] = {}

    def check(self, whose: str, now: datetime, headers: dict[str, str]) -> None:
        """Count a request and tell of it in `headers`. Raises RefusedError when it is one too many."""
        times = self._times.setdefault(whose, deque())
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        wait = int((times[0] + _MINUTE - now).total_seconds()) + 1 if times else 60
        headers |= {
            f"X-RateLimit-{self._name}Limit": str(self._limit),
            f"X-RateLimit-{self._name}Remaining": str(max(self._limit - len(times) - 1, 0)),
            f"X-RateLimit-{self._name}Reset": str(wait),
        }
        if len(times) >= self._limit:
            raise RefusedError(
                429,
                {
                    "detail": f"Request was throttled. Expected available in {wait} seconds.",
                    "status_code": 429,
                    "code": "0000",
                },
            )
        times.append(now)


def _parameters(request: Request, known: set[str]) -> dict[str, str]:
    params = request.query_params.multi_items()
    names = [name for name, _ in params]
    if set(names) - known - _WHO or len(set(names)) != len(names):
        raise _invalid()
    return dict(params)


def _day(params: dict[str, str], name: str, default: date) -> date:
    try:
        return date.fromisoformat(params[name]) if name in params else default
    except ValueError:
        raise _invalid() from None


def _number(params: dict[str, str], name: str, default: int, *, least: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise _invalid()
    return int(text)


def _signature(consumer_key: str, path: str, query: str) -> str:
    """What a GET has to be signed with: written out here, so that a mistake in ours isn't made twice."""
    quoted = query.replace("\\", "\\\\").replace('"', '\\"')
    content = f'{{"content":null,"path":"{path}","query":"{quoted}"}}'
    digest = hmac.new(consumer_key.encode("utf-8"), content.encode("utf-8"), "sha256").digest()
    return base64.b64encode(digest).decode("ascii")


def _unsigned() -> RefusedError:
    return RefusedError(401, {"default_detail": "Unable to verify signature sent", "default_code": 1076})


def _invalid() -> RefusedError:
    return RefusedError(400, {"default_detail": "Unable to verify data sent", "default_code": 1076})


def _unknown() -> RefusedError:
    return RefusedError(404, {"default_detail": "The requested resource does not exist.", "default_code": 1011})


async def _no_such_endpoint(_request: Request, _error: Exception) -> Response:
    error = _unknown()
    return JSONResponse(error.body, error.status)
