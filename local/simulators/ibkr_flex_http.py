"""The IBKR simulator over HTTP, with its back door under /_sim."""

from datetime import datetime
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.control import PREFIX, Control
from local.simulators.ibkr_flex_service import LIMITS, FlexService
from local.simulators.ibkr_flex_world import World

PATH: Final = "/AccountManagement/FlexWebService"
"""Where the service is, below the server's base URL."""
OTHER_PATH: Final = "/other-host/FlexWebService"
"""Where envelopes say the statement will be: IBKR names another host there, which for some accounts alone answers."""


class _ClockSetting(BaseModel):
    """Set the clock to `now`, to run on from there or to stand still."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime
    frozen: bool = False


def make_app(world: World, *, strict_rates: bool = True) -> tuple[Starlette, Control]:
    """The simulator's app, and its back door for use from the same process."""
    control = Control(
        token_of=lambda request: request.query_params.get("t", ""), hidden=frozenset({"t"}), truth=world.truth
    )
    api = _Api(world, FlexService(world, limits=LIMITS if strict_rates else ()))
    app = Starlette(
        routes=[
            Route(f"{PATH}/SendRequest", api.send_request, methods=["GET"]),
            Route(f"{PATH}/GetStatement", api.get_statement, methods=["GET"]),
            Route(f"{OTHER_PATH}/GetStatement", api.get_statement, methods=["GET"]),
            Route(f"{PREFIX}/clock", api.clock, methods=["GET", "POST"]),
            *control.routes(),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=500), control.middleware()],
    )
    return app, control


class _Api:
    def __init__(self, world: World, service: FlexService) -> None:
        self._world = world
        self._service = service

    async def send_request(self, request: Request) -> Response:
        """GET SendRequest."""
        if not request.headers.get("user-agent"):
            return _refuse()
        other = f"{request.url.scheme}://{request.url.netloc}{OTHER_PATH}/GetStatement"
        with self._world.lock:
            return _xml(self._service.send_request(request.query_params, _address(request), other))

    async def get_statement(self, request: Request) -> Response:
        """GET GetStatement."""
        if not request.headers.get("user-agent"):
            return _refuse()
        with self._world.lock:
            return _xml(self._service.get_statement(request.query_params, _address(request)))

    async def clock(self, request: Request) -> Response:
        """GET or POST /_sim/clock."""
        clock = self._world.clock
        if request.method == "POST":
            try:
                setting = _ClockSetting.model_validate_json(await request.body())
            except ValidationError as error:
                return Response(str(error), status_code=422)
            clock.set(setting.now, frozen=setting.frozen)
        told: dict[str, str | bool] = {
            "now": _text(clock.now()),
            "frozen": clock.frozen,
            "built": self._world.built.isoformat(),
        }
        return JSONResponse(told)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _xml(body: str) -> Response:
    return Response(body, media_type="text/xml")


def _refuse() -> Response:
    """A request without User-Agent: not even an envelope."""
    return Response("<html><body><h1>403 Forbidden</h1></body></html>", 403, media_type="text/html")


def _text(moment: datetime) -> str:
    return moment.isoformat()
