"""What makes things happen in the SnapTrade simulator: POST /_sim/accounts, trade, load, relink, disable, ..."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.control import PREFIX
from local.simulators.snaptrade_book import Event
from local.simulators.snaptrade_world import AccountSpec, World

_SPEC = TypeAdapter(AccountSpec)


class _Doing(BaseModel):
    """Which account (`INSTITUTION:id`) something happens to, and how often."""

    model_config = ConfigDict(extra="forbid")

    account: str
    count: int = Field(default=1, ge=1, le=10_000)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        spec = _SPEC.validate_json(body)
        world.open_account(spec)
        return {"account": spec.identity}

    def act(body: bytes) -> object:
        asked = _Doing.model_validate_json(body)
        return {"executions": world.act(asked.account, asked.count)}

    def happening(do: Callable[[str, int], Sequence[Event]]) -> Callable[[bytes], object]:
        def done(body: bytes) -> object:
            asked = _Doing.model_validate_json(body)
            return {"executions": len(do(asked.account, asked.count))}

        return done

    def changing(do: Callable[[str], object]) -> Callable[[bytes], object]:
        def done(body: bytes) -> object:
            do(_Doing.model_validate_json(body).account)
            return {}

        return done

    def move(_body: bytes) -> object:
        world.move_prices()
        return {}

    routes: dict[str, Callable[[bytes], object]] = {
        "accounts": open_account,
        "act": act,
        "trade": happening(world.trade),
        "equal": happening(world.equal_fills),
        "late": happening(lambda account, _count: world.late(account)),
        "correct": happening(lambda account, _count: world.correct(account)),
        "withdraw": happening(lambda account, _count: world.withdraw(account)),
        "load": changing(world.load),
        "relink": changing(world.relink),
        "reissue": changing(world.reissue),
        "disable": changing(world.disable),
        "enable": changing(world.enable),
        "remove": changing(world.remove),
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
