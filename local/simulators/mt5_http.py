"""An MT5 REST bridge over a simulated world: strict about keys, accounts, parameters and request rates.

Bridges differ, so this one can speak as each of those met in the wild: wrapped in success and data, or bare; with the
header, the path and the form of times that it is told.
"""

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.control import Control
from local.simulators.mt5_admin import admin_routes
from local.simulators.mt5_book import Deal, Position
from local.simulators.mt5_clock import MILLISECOND, SECOND, offset_minutes, wall_ms
from local.simulators.mt5_world import Account, World

REQUESTS_PER_MINUTE: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {"s": 1000, "ms": 1}
Json = Mapping[str, object] | Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a bridge speaks. `names_login`: whether its lists say whose they are. `converts`: it tells times in UTC.

    `stumbles`: it looks for a commission in each position, which none has, and fails over it.
    """

    envelope: Literal["wrapped", "bare"] = "wrapped"
    header: str = "X-API-Key"
    base_path: str = "/api/mt5/account/{id}"
    time_unit: Literal["s", "ms", "iso"] = "s"
    names_login: bool = False
    converts: bool = False
    stumbles: bool = False


class RefusedError(Exception):
    """A question that is answered with an error; `status` 200 is one with success false."""

    def __init__(self, status: int, text: str, *, retry_after: int = 0) -> None:
        super().__init__(text)
        self.status, self.retry_after = status, retry_after


def make_app(
    world: World, style: Style | None = None, *, requests_per_minute: int = REQUESTS_PER_MINUTE
) -> tuple[Starlette, Control]:
    """The simulator's app, and its back door for use from the same process."""
    style = style or Style()
    control = Control(token_of=lambda request: _key(request, style), truth=world.truth)
    bridge = _Bridge(world, style, requests_per_minute)
    account = style.base_path.replace("{id}", "{account}")
    routes = [
        Route(f"{account}/info", bridge.serve(bridge.info), methods=["GET"]),
        Route(f"{account}/positions", bridge.serve(bridge.positions), methods=["GET"]),
        Route(f"{account}/history", bridge.serve(bridge.history), methods=["GET"]),
        *admin_routes(world),
        *control.routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=500), control.middleware()],
        exception_handlers={HTTPException: _no_such_path},
    )
    return app, control


def _key(request: Request, style: Style) -> str:
    name, _, scheme = style.header.partition(": ")
    given = request.headers.get(name.lower(), "")
    if not scheme:
        return given
    said, _, key = given.partition(" ")
    return key if said == scheme else ""


class _Bridge:
    """Checks every request as a bridge does: key, rate, account, terminal, parameters."""

    def __init__(self, world: World, style: Style, requests_per_minute: int) -> None:
        self._world, self._style = world, style
        self._limit = requests_per_minute
        self._sent: dict[str, deque[int]] = {}

    def serve(self, endpoint: Callable[[Account, Request], Json]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint as a route's handler."""

        async def handler(request: Request) -> Response:
            try:
                with self._world.lock:
                    account = self._account(request)
                    self._known_parameters(request)
                    answer = endpoint(account, request)
            except RefusedError as refused:
                headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
                body = {"success": False, "error": str(refused)} if refused.status == 200 else {"detail": str(refused)}
                return _json(body, refused.status, headers)
            return _json(answer)

        return handler

    def info(self, account: Account, _request: Request) -> Json:
        """account_info()."""
        return self._wrapped(self._info(account))

    def positions(self, account: Account, _request: Request) -> Json:
        """positions_get()."""
        found = [self._position(account, one) for one in account.book.positions.values()]
        if found and self._style.stumbles:
            raise RefusedError(200, "'TradePosition' object has no attribute 'commission'")
        if self._style.envelope == "bare":
            return found
        total = sum((account.book.unrealised(one) for one in account.book.positions.values()), Decimal(0))
        listed: Mapping[str, object] = {"positions": found, "count": len(found), "total_profit": total}
        return self._wrapped({**listed, **self._whose(account)})

    def history(self, account: Account, request: Request) -> Json:
        """history_deals_get(): both ends are included, to the second, by the server's clock."""
        start, end = self._time(request, "from"), self._time(request, "to")
        if end < start:
            raise RefusedError(200, "(-2, 'Invalid params')")
        told = [(deal, self._clock_ms(account, deal.ns)) for deal in account.told()]
        found = [_deal(deal, at) for deal, at in told if start // 1000 <= at // 1000 <= end // 1000]
        if self._style.envelope == "bare":
            return found
        asked = {"from_date": _iso(start), "to_date": _iso(end)}
        return self._wrapped({"deals": found, "count": len(found), **asked, **self._whose(account)})

    # --- checks -----------------------------------------------------------------------------------------------------

    def _account(self, request: Request) -> Account:
        key = _key(request, self._style)
        mine = {one.spec.login: one for one in self._world.accounts.values() if one.spec.api_key == key}
        if not mine:
            raise RefusedError(401, "Invalid or missing API key")
        self._count(key)
        asked = str(request.path_params.get("account", ""))
        if self._world.logged_in:
            account = self._world.accounts[self._world.logged_in]
        elif asked in mine:
            account = mine[asked]
        elif not asked and len(mine) == 1:
            account = next(iter(mine.values()))
        else:
            raise RefusedError(404, f"Account {asked} not found")
        if not account.running:
            raise RefusedError(503, "MT5 not initialized")
        return account

    def _count(self, key: str) -> None:
        now = self._world.clock()
        recent = self._sent.setdefault(key, deque(maxlen=self._limit))
        if len(recent) == self._limit and (passed := now - recent[0]) < 60 * SECOND:
            raise RefusedError(429, "Rate limit exceeded: 100 per 1 minute", retry_after=61 - passed // SECOND)
        recent.append(now)

    def _known_parameters(self, request: Request) -> None:
        known = {"from", "to"} if request.url.path.endswith("/history") else set()
        for name in request.query_params.keys() - known:
            raise RefusedError(422, f"query.{name}: extra inputs are not permitted")

    def _time(self, request: Request, name: str) -> int:
        """A parameter in milliseconds of the server's clock."""
        given = request.query_params.get(name)
        if given is None:
            raise RefusedError(422, f"query.{name}: field required")
        if self._style.time_unit == "iso":
            try:
                moment = datetime.fromisoformat(given)
            except ValueError:
                raise RefusedError(422, f"query.{name}: invalid datetime format") from None
            if moment.tzinfo is not None:
                raise RefusedError(422, f"query.{name}: a time by the server's clock has no zone")
            return (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
        if not re.fullmatch(r"\d{1,13}", given):
            raise RefusedError(422, f"query.{name}: value is not a valid integer")
        return int(given) * _UNITS[self._style.time_unit]

    # --- words ------------------------------------------------------------------------------------------------------

    def _wrapped(self, data: Mapping[str, object]) -> Json:
        return data if self._style.envelope == "bare" else {"success": True, "data": data}

    def _whose(self, account: Account) -> Mapping[str, object]:
        return {"login": int(account.spec.login)} if self._style.names_login else {}

    def _clock_ms(self, account: Account, ns: int) -> int:
        return ns // MILLISECOND if self._style.converts else wall_ms(account.spec.zone, ns)

    def _info(self, account: Account) -> Mapping[str, object]:
        book, now = account.book, self._world.now()
        equity, used = book.equity(now), book.margin()
        told: dict[str, object] = {
            "login": int(account.spec.login),
            "trade_mode": 0,
            "leverage": 500,
            "margin_mode": 2 if book.hedging else 0,
            "currency_digits": 2,
            "balance": book.balance,
            "credit": book.credit,
            "profit": equity - book.balance - book.credit,
            "equity": equity,
            "margin": used,
            "margin_free": equity - used,
            "margin_level": float(equity / used * 100) if used else 0.0,
            "name": "Simulated Trader",
            "server": "Simulated-Demo",
            "currency": book.currency,
            "company": "Simulated Ltd",
        }
        if self._style.converts:
            told["broker_utc_offset_seconds"] = offset_minutes(account.spec.zone, now) * 60
        return told

    def _position(self, account: Account, one: Position) -> Mapping[str, object]:
        opened, touched = self._clock_ms(account, one.opened), self._clock_ms(account, one.touched)
        return {
            "ticket": one.id,
            "time": opened // 1000,
            "time_msc": opened,
            "time_update": touched // 1000,
            "time_update_msc": touched,
            "type": 0 if one.lots > 0 else 1,
            "magic": 0,
            "identifier": one.id,
            "reason": 0,
            "volume": abs(one.lots),
            "price_open": one.price,
            "sl": one.stop_loss,
            "tp": one.take_profit,
            "price_current": account.book.market.price(one.symbol),
            "swap": one.swap(one.lots, self._world.now()),
            "profit": account.book.unrealised(one),
            "symbol": one.symbol,
            "comment": "",
            "external_id": "",
        }


def _deal(deal: Deal, at_ms: int) -> Mapping[str, object]:
    return {
        "ticket": deal.ticket,
        "order": deal.order,
        "time": at_ms // 1000,
        "time_msc": at_ms,
        "type": deal.type,
        "entry": int(deal.entry),
        "magic": 0,
        "position_id": deal.position_id,
        "reason": deal.reason,
        "volume": deal.volume,
        "price": deal.price,
        "commission": deal.commission,
        "swap": deal.swap,
        "profit": deal.profit,
        "fee": deal.fee,
        "symbol": deal.symbol,
        "comment": deal.comment,
        "external_id": "",
    }


def _iso(at_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).replace(tzinfo=None).isoformat()


def _json(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Amounts go out as Python's floats, as they do from a terminal."""
    text = json.dumps(body, default=float, separators=(",", ":"))
    return Response(text, status, headers, media_type="application/json")


async def _no_such_path(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _json({"detail": "Not Found" if status == 404 else "Method Not Allowed"}, status)
