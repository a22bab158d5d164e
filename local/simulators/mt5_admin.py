"""What makes things happen in the MT5 simulator: POST /_sim/accounts, /_sim/trade, /_sim/act, /_sim/late, ..."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.control import PREFIX
from local.simulators.mt5_world import AccountSpec, World

_SPEC = TypeAdapter(AccountSpec)


class _Doing(BaseModel):
    """Which account does something, and how often."""

    model_config = ConfigDict(extra="forbid")

    account: str
    count: int = Field(default=1, ge=1, le=10_000)


class _Terminal(BaseModel):
    """What becomes of an account's terminal."""

    model_config = ConfigDict(extra="forbid")

    account: str
    running: bool = True
    forgets: bool = False
    unloaded: int = Field(default=0, ge=0)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        spec = _SPEC.validate_json(body)
        world.open_account(spec)
        return {"account": spec.login}

    def doing(do: Callable[[str, int], object]) -> Callable[[bytes], object]:
        def done(body: bytes) -> object:
            asked = _Doing.model_validate_json(body)
            return {"executions": do(asked.account, asked.count)}

        return done

    def move(_body: bytes) -> object:
        world.move_prices()
        return {}

    def log_in(body: bytes) -> object:
        """From now on the bridge has one terminal, with this login (empty: one for each again)."""
        asked = TypeAdapter(dict[str, str]).validate_json(body)["account"]
        if asked and asked not in world.accounts:
            raise ValueError(f"account {asked} doesn't exist")
        world.logged_in = asked
        return {}

    def terminal(body: bytes) -> object:
        asked = _Terminal.model_validate_json(body)
        account = world.accounts[asked.account]
        account.running, account.forgets, account.unloaded = asked.running, asked.forgets, asked.unloaded
        return {}

    routes = {
        "accounts": open_account,
        "trade": doing(world.trade),
        "act": doing(world.act),
        "equal": doing(world.equal_fills),
        "late": doing(lambda login, _count: world.trade_late(login)),
        "correct": doing(lambda login, _count: world.correct(login)),
        "cancel": doing(lambda login, _count: world.cancel(login)),
        "move": move,
        "login": log_in,
        "terminal": terminal,
    }
    return [Route(f"{PREFIX}/{name}", _handler(do), methods=["POST"]) for name, do in routes.items()]


def _handler(do: Callable[[bytes], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(do(await request.body()))
        except (ValidationError, ValueError, KeyError) as error:
            return Response(str(error), status_code=422)

    return handle
