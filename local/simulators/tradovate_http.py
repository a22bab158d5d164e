"""Tradovate's REST API v1 over a simulated world: strict about tokens, parameters, request rates and penalties."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators import tradovate_views as views
from local.simulators.control import Control
from local.simulators.tradovate_admin import admin_routes
from local.simulators.tradovate_book import Book
from local.simulators.tradovate_gate import AnswerError, LoginSpec
from local.simulators.tradovate_views import Session
from local.simulators.tradovate_world import Account, World

PATH: Final = "/v1"
_BASES: Final = (PATH, "/org-{organisation:int}/v1")
_TICKET: Final = "p-ticket"
_IDS = re.compile(r"\d{1,18}(,\d{1,18})*")

Endpoint = Callable[[Sequence[Account], Request], object]


def make_app(world: World) -> tuple[Starlette, Control]:
    """The simulator's app, and its back door for use from the same process."""
    control = Control(token_of=_token, truth=world.truth, hidden=frozenset({_TICKET}))
    api = _Api(world)
    lists: Mapping[str, Callable[[Session], object]] = {
        "order": Session.orders,
        "fill": Session.fills,
        "fillFee": Session.fees,
        "fillPair": Session.pairs,
        "position": Session.positions,
        "cashBalance": Session.cash,
    }
    routes = [*admin_routes(world), *control.routes()]
    for base in _BASES:
        routes += [
            Route(f"{base}/auth/accesstokenrequest", api.sign_in, methods=["POST"]),
            Route(f"{base}/auth/renewaccesstoken", api.renew, methods=["GET"]),
            Route(f"{base}/account/list", api.serve("account", api.accounts), methods=["GET"]),
            Route(f"{base}/currency/list", api.serve("currency", _currencies), methods=["GET"]),
            Route(f"{base}/cashBalanceLog/ldeps", api.serve("cashBalanceLog", api.cash_log), methods=["GET"]),
            Route(
                f"{base}/cashBalance/getcashbalancesnapshot",
                api.serve("cashBalance", api.snapshot),
                methods=["POST"],
            ),
            *(
                Route(f"{base}/{entity}/list", api.serve(entity, api.listed(rows)), methods=["GET"])
                for entity, rows in lists.items()
            ),
            *(
                Route(f"{base}/{entity}/items", api.serve(entity, api.items(entity)), methods=["GET"])
                for entity in ("order", "contract", "contractMaturity", "product")
            ),
        ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=500), control.middleware()],
        exception_handlers={HTTPException: _no_such_endpoint},
    )
    return app, control


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


class _Api:
    """Checks every request: its server, its token, its rate, its penalty, its parameters."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def sign_in(self, request: Request) -> Response:
        """POST /auth/accesstokenrequest."""
        body = await _json(request)
        login = self._world.gate.logins.get(str(body.get("name", "")))
        return self._answer(
            request, login, body, lambda: self._world.gate.sign_in(_without_ticket(body), self._world.clock())
        )

    async def renew(self, request: Request) -> Response:
        """GET /auth/renewaccesstoken."""
        return self._answer(request, None, {}, lambda: self._world.gate.renew(_token(request), self._world.clock()))

    def serve(self, entity: str, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint as a route's handler."""

        async def handler(request: Request) -> Response:
            body = await _json(request) if request.method == "POST" else {}
            request.state.body = body
            gate, now = self._world.gate, self._world.clock()
            try:
                with self._world.lock:
                    login = gate.enter(_token(request), entity, now)
            except AnswerError as answer:
                return _refused(answer)
            return self._answer(request, login, body, lambda: endpoint(self._world.books_of(login), request))

        return handler

    def accounts(self, accounts: Sequence[Account], request: Request) -> object:
        """account/list."""
        _only(request, ())
        return [views.account(one.book, one.spec.name, one.login.user_id, one.opened) for one in accounts]

    def listed(self, rows: Callable[[Session], object]) -> Endpoint:
        """{entity}/list."""

        def endpoint(accounts: Sequence[Account], request: Request) -> object:
            _only(request, ())
            return rows(Session(_books(accounts), self._world.clock()))

        return endpoint

    def items(self, entity: str) -> Endpoint:
        """{entity}/items."""
        return lambda accounts, request: views.items(entity, _ids(request, "ids"), _books(accounts))

    def cash_log(self, accounts: Sequence[Account], request: Request) -> object:
        """cashBalanceLog/ldeps: of one's own accounts only."""
        wanted = _ids(request, "masterids")
        chosen = [one.book for one in accounts if one.spec.id in wanted]
        return Session(chosen, self._world.clock()).cash_log()

    def snapshot(self, accounts: Sequence[Account], request: Request) -> object:
        """cashBalance/getcashbalancesnapshot."""
        body: Mapping[str, object] = request.state.body
        found = next((one.book for one in accounts if one.spec.id == body.get("accountId")), None)
        if found is None:
            raise AnswerError(200, {"errorText": "Invalid or missed parameters"})
        return views.snapshot(found)

    def _answer(
        self, request: Request, login: LoginSpec | None, body: Mapping[str, object], make: Callable[[], object]
    ) -> Response:
        try:
            with self._world.lock:
                self._moved(request, login)
                self._penalised(request, body)
                return JSONResponse(make())
        except AnswerError as answer:
            return _refused(answer)

    def _moved(self, request: Request, login: LoginSpec | None) -> None:
        """A login that lives on another server is sent there, with the same request."""
        here = int(request.path_params.get("organisation", 0))
        if login is not None and here != login.organisation:
            base = f"/org-{login.organisation}/v1" if login.organisation else PATH
            raise AnswerError(307, f"{request.base_url}".rstrip("/") + base + _endpoint(request))

    def _penalised(self, request: Request, body: Mapping[str, object]) -> None:
        params = {name: value for name, value in request.query_params.items() if name != _TICKET}
        asked = json.dumps([request.method, params, _without_ticket(body)], sort_keys=True)
        ticket = str(body.get(_TICKET) or request.query_params.get(_TICKET, ""))
        self._world.gate.admit(_endpoint(request), asked, ticket, self._world.clock())


def _endpoint(request: Request) -> str:
    """/account/list, whichever server it is on."""
    return request.url.path.partition("/v1")[2]


async def _json(request: Request) -> Mapping[str, object]:
    try:
        body = await request.json()
    except (ValueError, ClientDisconnect):  # whoever has gone meanwhile gets an answer like everybody
        return {}
    return body if isinstance(body, dict) else {}


def _without_ticket(body: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in body.items() if name != _TICKET}


def _books(accounts: Sequence[Account]) -> Sequence[Book]:
    return [one.book for one in accounts]


def _currencies(_accounts: Sequence[Account], request: Request) -> object:
    _only(request, ())
    return views.currencies()


def _only(request: Request, known: Sequence[str]) -> None:
    if request.query_params.keys() - {*known, _TICKET}:
        raise AnswerError(400, "Unknown parameter")


def _ids(request: Request, name: str) -> Sequence[int]:
    _only(request, (name,))
    given = request.query_params.get(name, "")
    if not _IDS.fullmatch(given):
        raise AnswerError(200, {"errorText": "Invalid or missed parameters"})
    return [int(one) for one in given.split(",")]


def _refused(answer: AnswerError) -> Response:
    if answer.status == 307:
        return Response(status_code=307, headers={"Location": str(answer.body)})
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status)
    return JSONResponse(answer.body, answer.status)


async def _no_such_endpoint(_request: Request, error: Exception) -> Response:
    return Response("", error.status_code if isinstance(error, HTTPException) else 500)
