"""Alpaca's Trading API v2 over a simulated world: strict about keys, parameters, paging and request rates."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators import alpaca_views as views
from local.simulators.alpaca_admin import admin_routes
from local.simulators.alpaca_query import RefusedError, select
from local.simulators.alpaca_world import Account, World
from local.simulators.control import Control

REQUESTS_PER_MINUTE: Final = 200
KEY_ID, SECRET = "apca-api-key-id", "apca-api-secret-key"

Endpoint = Callable[[Account, Request], object]


def make_app(world: World, *, requests_per_minute: int = REQUESTS_PER_MINUTE) -> tuple[Starlette, Control]:
    """The simulator's app, and its back door for use from the same process."""
    control = Control(token_of=lambda request: request.headers.get(KEY_ID, ""), truth=world.truth)
    api = _Api(world, requests_per_minute)
    routes = [
        Route("/v2/account", api.serve(_account), methods=["GET"]),
        Route("/v2/account/activities", api.serve(api.activities), methods=["GET"]),
        Route("/v2/account/activities/{kind}", api.serve(api.activities), methods=["GET"]),
        Route("/v2/positions", api.serve(_positions), methods=["GET"]),
        *admin_routes(world),
        *control.routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=500), control.middleware()],
        exception_handlers={HTTPException: _no_such_endpoint},
    )
    return app, control


class _Api:
    """Checks every request: its keys, its rate, its parameters."""

    def __init__(self, world: World, requests_per_minute: int) -> None:
        self._world = world
        self._pace = _Pace(requests_per_minute)

    def serve(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint as a route's handler."""

        async def handler(request: Request) -> Response:
            headers = {"X-Request-ID": uuid.uuid4().hex}
            try:
                with self._world.lock:
                    account = self._account_of(request)
                    self._pace.check(account.spec.account, self._world.clock(), headers)
                    self._world.let_time_pass(account)
                    body = endpoint(account, request)
            except RefusedError as error:
                return JSONResponse({"code": error.code, "message": str(error)}, error.status, headers)
            return JSONResponse(body, headers=headers)

        return handler

    def activities(self, account: Account, request: Request) -> object:
        """GET /v2/account/activities, or those of one type."""
        params = dict(request.query_params)
        kind = request.path_params.get("kind")
        if kind is not None:
            if "category" in params or "activity_types" in params:
                raise RefusedError(42210000, "the type is in the path already")
            params["activity_types"] = str(kind)
        return [one.row for one in select(account.book.activities, params, self._world.rules)]

    def _account_of(self, request: Request) -> Account:
        account = self._world.account_of(request.headers.get(KEY_ID, ""), request.headers.get(SECRET, ""))
        if account is None:
            raise RefusedError(40110000, "request is not authorized.")
        return account


class _Pace:
    """At most so many requests in a minute of the clock, by account."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minutes: dict[str, tuple[int, int]] = {}

    def check(self, account: str, now: datetime, headers: dict[str, str]) -> None:
        """Count a request and tell of it in `headers`. Raises RefusedError when it is one too many."""
        minute = int(now.timestamp()) // 60
        before, sent = self._minutes.get(account, (minute, 0))
        sent = sent + 1 if before == minute else 1
        self._minutes[account] = (minute, sent)
        headers |= {
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": str(max(self._limit - sent, 0)),
            "X-RateLimit-Reset": str((minute + 1) * 60),
        }
        if sent > self._limit:
            raise RefusedError(42910000, "too many requests.")


async def _no_such_endpoint(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"code": status * 100_000 + 10_000, "message": "endpoint not found."}, status)


def _account(account: Account, _request: Request) -> object:
    return views.account(account.book)


def _positions(account: Account, _request: Request) -> object:
    return views.positions(account.book)
