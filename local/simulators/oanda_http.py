"""OANDA's v20 REST API over a simulated world: strict about tokens, accounts, parameters, ranges and request rates."""

import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators import oanda_views as views
from local.simulators.control import Control
from local.simulators.oanda_admin import admin_routes
from local.simulators.oanda_book import Book
from local.simulators.oanda_query import BadRequestError, Query, newest_trades, transaction_pages, transactions_between
from local.simulators.oanda_time import as_unix
from local.simulators.oanda_world import Account, World

REQUESTS_PER_SECOND: Final = 120
_REFUSED: Final = "Insufficient authorization to perform request."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body and what goes with it."""

    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


Endpoint = Callable[[Book, Query], Answer]


def make_app(world: World, *, requests_per_second: int = REQUESTS_PER_SECOND) -> tuple[Starlette, Control]:
    """The simulator's app, and its back door for use from the same process."""
    control = Control(token_of=_token, truth=world.truth)
    api = _Api(world, requests_per_second)
    account = "/v3/accounts/{account}"
    routes = [
        Route("/v3/accounts", api.accounts, methods=["GET"]),
        *(Route(f"{account}{path}", api.serve(endpoint), methods=["GET"]) for path, endpoint in _ENDPOINTS.items()),
        *admin_routes(world),
        *control.routes(),
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
    """Checks every request in the order a broker does: rate, token, account, parameters."""

    def __init__(self, world: World, requests_per_second: int) -> None:
        self._world = world
        self._pace = _Pace(requests_per_second)
        self._request_ids = itertools.count(24_600_000_000_000_001)

    async def accounts(self, request: Request) -> Response:
        """GET /accounts."""
        return self._answer(request, self._list)

    def serve(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint about one account, as a route's handler."""

        def about_one(request: Request, mine: list[Account]) -> Answer:
            number = str(request.path_params["account"])
            account = next((one for one in mine if one.spec.account == number), None)
            if account is None or account.spec.closed:
                raise self._unreachable(number)
            self._world.let_time_pass(account)
            return endpoint(account.book, Query(request))

        async def handler(request: Request) -> Response:
            return self._answer(request, about_one)

        return handler

    def _list(self, _request: Request, mine: list[Account]) -> Answer:
        return Answer(body={"accounts": [{"id": one.spec.account, "tags": []} for one in mine if not one.spec.closed]})

    def _unreachable(self, number: str) -> BadRequestError:
        if number.count("-") != 3 or not number.replace("-", "").isdigit():
            return BadRequestError("Invalid value specified for 'accountID'")
        other = self._world.accounts.get(number)
        if other is None or other.spec.closed:
            return BadRequestError("The Account specified does not exist", status=404)
        return BadRequestError(_REFUSED, status=403)

    def _answer(self, request: Request, respond: Callable[[Request, list[Account]], Answer]) -> Response:
        headers = {"RequestID": str(next(self._request_ids))}
        try:
            self._pace.check(request)
            form = Query(request).datetime_format()
            with self._world.lock:
                answer = respond(request, self._accounts_of(request))
        except BadRequestError as error:
            return JSONResponse({"errorMessage": str(error)}, error.status, headers)
        body = answer.body if form == "RFC3339" else as_unix(dict(answer.body))
        return JSONResponse(body, headers=headers | dict(answer.headers))

    def _accounts_of(self, request: Request) -> list[Account]:
        mine = self._world.accounts_of(_token(request))
        if not mine:
            raise BadRequestError(_REFUSED, status=401)
        return mine


class _Pace:
    """At most so many requests a second on one connection."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: dict[tuple[str, int], deque[float]] = {}

    def check(self, request: Request) -> None:
        """Count a request. Raises BadRequestError(429) when it is one too many."""
        connection = (request.client.host, request.client.port) if request.client else ("", 0)
        now = time.monotonic()
        recent = self._sent.setdefault(connection, deque(maxlen=self._limit))
        if len(recent) == self._limit and now - recent[0] < 1:
            raise BadRequestError("The rate of requests is above the limit", status=429)
        recent.append(now)
        if len(self._sent) > 1_000:
            self._sent = {key: times for key, times in self._sent.items() if now - times[-1] < 1}


async def _no_such_endpoint(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"errorMessage": "Not Found" if status == 404 else "Method Not Allowed"}, status)


# --- endpoints about one account ------------------------------------------------------------------------------------


def _whole(book: Book, _query: Query) -> Answer:
    return _with_last(book, {"account": views.whole(book)})


def _summary(book: Book, _query: Query) -> Answer:
    return _with_last(book, {"account": views.summary(book)})


def _open_positions(book: Book, _query: Query) -> Answer:
    return _with_last(book, {"positions": views.positions(book)})


def _open_trades(book: Book, _query: Query) -> Answer:
    return _with_last(book, {"trades": [views.trade_shown(book, one) for one in reversed(book.open_trades.values())]})


def _trades(book: Book, query: Query) -> Answer:
    found, older = newest_trades(book, query)
    link = {"Link": f'<{query.url(beforeID=str(older))}>; rel="next"'} if older else {}
    answer = _with_last(book, {"trades": [views.trade_shown(book, trade) for trade in found]})
    return Answer(body=answer.body, headers=link)


def _transactions(book: Book, query: Query) -> Answer:
    return _with_last(book, transaction_pages(book, query))


def _id_range(book: Book, query: Query) -> Answer:
    first, last = query.whole_number("from"), query.whole_number("to")
    if first > last:
        raise BadRequestError("Invalid value specified for 'to': it is before 'from'")
    if last - first >= 1000:
        raise BadRequestError("Maximum value for the range between 'from' and 'to' exceeded: 1000")
    if first < 1 or last > book.last_id:
        raise BadRequestError("The Transaction ID range specified is out of range", status=416)
    return _with_last(book, {"transactions": transactions_between(book, query, first, last)})


def _since_id(book: Book, query: Query) -> Answer:
    after = query.whole_number("id")
    if after > book.last_id:
        raise BadRequestError("The Transaction ID specified is out of range", status=416)
    last = min(after + 1000, book.last_id)
    return _with_last(book, {"transactions": transactions_between(book, query, after + 1, last)})


def _transaction(book: Book, query: Query) -> Answer:
    wanted = query.path("transaction")
    if not wanted.isdecimal() or not 1 <= int(wanted) <= book.last_id:
        raise BadRequestError("The transaction ID specified does not exist", status=404)
    return _with_last(book, {"transaction": book.transactions[int(wanted) - 1]})


def _changes(book: Book, query: Query) -> Answer:
    since = query.whole_number("sinceTransactionID")
    if since > book.last_id:
        raise BadRequestError("The Transaction ID specified is out of range", status=416)
    return _with_last(book, views.changes(book, since))


def _with_last(book: Book, body: Mapping[str, object]) -> Answer:
    return Answer(body={**body, "lastTransactionID": str(book.last_id)})


_ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "": _whole,
    "/summary": _summary,
    "/openPositions": _open_positions,
    "/positions": _open_positions,
    "/openTrades": _open_trades,
    "/trades": _trades,
    "/transactions": _transactions,
    "/transactions/idrange": _id_range,
    "/transactions/sinceid": _since_id,
    "/transactions/{transaction}": _transaction,
    "/changes": _changes,
}
