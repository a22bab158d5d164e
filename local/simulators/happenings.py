"""What makes things happen in a simulator, for all of them: POST /_sim/{name} with what it is about as JSON."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.control import PREFIX

Happening = Callable[[bytes], object]
"""Takes the request's body, returns the answer's; ValueError and KeyError refuse."""


class Doing(BaseModel):
    """Which account does something (empty: all of them, where that makes sense), and how often."""

    model_config = ConfigDict(extra="forbid")

    account: str = ""
    count: int = Field(default=1, ge=1, le=10_000)


def happening_routes(happenings: Mapping[str, Happening]) -> Sequence[Route]:
    """A route for each."""
    return [Route(f"{PREFIX}/{name}", _handler(happen), methods=["POST"]) for name, happen in happenings.items()]


def several(do: Callable[[str, int], object], told: str = "executions") -> Happening:
    """An account does something so many times; what comes of it is told under this name."""

    def happen(body: bytes) -> object:
        asked = Doing.model_validate_json(body or b"{}")
        return {told: do(asked.account, asked.count)}

    return happen


def once(do: Callable[[str], object], told: str = "executions") -> Happening:
    """Something that happens to an account one at a time."""
    return several(lambda account, _count: do(account), told)


def quietly(do: Callable[[], object]) -> Happening:
    """Something that happens to everybody, and of which there is nothing to tell."""

    def happen(_body: bytes) -> object:
        do()
        return {}

    return happen


def _handler(happen: Happening) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(happen(await request.body()))
        except (ValidationError, ValueError, KeyError) as error:
            return Response(str(error), status_code=422)

    return handle
