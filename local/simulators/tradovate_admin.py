"""What makes things happen in the Tradovate simulator: POST /_sim/trade, equal, late, correct, bust, penalise, ..."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.control import PREFIX
from local.simulators.tradovate_world import AccountSpec, World

_SPEC = TypeAdapter(AccountSpec)


class _Doing(BaseModel):
    """Which account does something (trade: empty for all), and how often."""

    model_config = ConfigDict(extra="forbid")

    account: str = ""
    count: int = Field(default=1, ge=1, le=10_000)


class _Cash(BaseModel):
    """Cash that moves, by Tradovate's cashChangeType; positive is into the account."""

    model_config = ConfigDict(extra="forbid")

    account: str
    kind: str
    amount: Decimal


class _Penalty(BaseModel):
    """The next request to this path (`/fill/list`) is penalised for so many seconds."""

    model_config = ConfigDict(extra="forbid")

    path: str
    seconds: int = Field(default=60, ge=0, le=3600)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        """`login` and the fields of AccountSpec."""
        asked = TypeAdapter(dict[str, object]).validate_json(body)
        spec = _SPEC.validate_python({name: value for name, value in asked.items() if name != "login"})
        world.open_account(str(asked["login"]), spec)
        return {"account": spec.id}

    def trade(body: bytes) -> object:
        asked = _Doing.model_validate_json(body or b"{}")
        return {"ids": world.trade(asked.account, asked.count)}

    def equal(body: bytes) -> object:
        asked = _Doing.model_validate_json(body)
        return {"ids": world.equal_fills(asked.account, asked.count)}

    def of_one(do: Callable[[str], list[str]]) -> Callable[[bytes], object]:
        return lambda body: {"ids": do(_Doing.model_validate_json(body).account)}

    def cash(body: bytes) -> object:
        asked = _Cash.model_validate_json(body)
        return {"ids": world.move_cash(asked.account, asked.kind, asked.amount)}

    def move(_body: bytes) -> object:
        world.move_prices()
        return {}

    def end_sessions(body: bytes) -> object:
        world.gate.end_sessions(TypeAdapter(dict[str, str]).validate_json(body)["login"])
        return {}

    def penalise(body: bytes) -> object:
        asked = _Penalty.model_validate_json(body)
        world.gate.penalise_next(asked.path, timedelta(seconds=asked.seconds))
        return {}

    routes: dict[str, Callable[[bytes], object]] = {
        "accounts": open_account,
        "trade": trade,
        "equal": equal,
        "out_of_order": of_one(world.out_of_order),
        "late": of_one(world.late),
        "late_cost": of_one(world.charge_late),
        "carry": of_one(world.carry_order),
        "correct": of_one(world.correct),
        "bust": of_one(world.bust),
        "cash": cash,
        "move": move,
        "end_sessions": end_sessions,
        "penalise": penalise,
    }
    return [Route(f"{PREFIX}/{name}", _handler(do), methods=["POST"]) for name, do in routes.items()]


def _handler(do: Callable[[bytes], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(do(await request.body()))
        except (ValidationError, ValueError, KeyError) as error:
            return Response(str(error), status_code=422)

    return handle
