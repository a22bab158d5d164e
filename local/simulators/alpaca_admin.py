"""What makes things happen in the Alpaca simulator: POST /_sim/accounts, trade, act, late, correct, cancel, move."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.alpaca_world import AccountSpec, World
from local.simulators.control import PREFIX

_SPEC = TypeAdapter(AccountSpec)


class _Doing(BaseModel):
    """Which account does something (trade: empty for all), and how often."""

    model_config = ConfigDict(extra="forbid")

    account: str = ""
    count: int = Field(default=1, ge=1, le=10_000)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        spec = _SPEC.validate_json(body)
        world.open_account(spec)
        return {"account": spec.account}

    def trade(body: bytes) -> object:
        asked = _Doing.model_validate_json(body or b"{}")
        return {"ids": world.trade(asked.account, asked.count)}

    def act(body: bytes) -> object:
        asked = _Doing.model_validate_json(body)
        return {"executions": world.act(asked.account, asked.count)}

    def of_one(do: Callable[[str], list[str]]) -> Callable[[bytes], object]:
        return lambda body: {"ids": do(_Doing.model_validate_json(body).account)}

    def move(_body: bytes) -> object:
        world.move_prices()
        return {}

    routes: dict[str, Callable[[bytes], object]] = {
        "accounts": open_account,
        "trade": trade,
        "act": act,
        "late": of_one(world.late),
        "correct": of_one(world.correct),
        "cancel": of_one(world.cancel),
        "move": move,
    }
    return [Route(f"{PREFIX}/{name}", _handler(do), methods=["POST"]) for name, do in routes.items()]


def _handler(do: Callable[[bytes], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(do(await request.body()))
        except (ValidationError, ValueError, KeyError) as error:
            return Response(str(error), status_code=422)

    return handle
