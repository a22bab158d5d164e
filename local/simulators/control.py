"""A simulator's back door under /_sim: plan faults, see the requests it got, ask what it truly holds.

No credential is needed and none comes out: requests are logged with a hash of theirs.
"""

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.simulators.faults import Fault, FaultPlan
from local.simulators.serving import cut_connection

PREFIX = "/_sim"
LOGGED_REQUESTS = 20_000
_FAULTS = TypeAdapter(Fault | list[Fault])


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as the simulator got it. `credential` is a hash; `hidden` params are left out."""

    ordinal: int
    method: str
    path: str
    params: Mapping[str, str]
    credential: str
    status: int
    faulty: bool


class Control:
    """Faults, request log and truth of one simulator.

    `token_of` reads the credential of a request, `hidden` names query parameters that never enter the log, `truth`
    answers /_sim/truth from its query parameters.
    """

    def __init__(
        self,
        *,
        token_of: Callable[[Request], str],
        truth: Callable[[Mapping[str, str]], object],
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self.faults = FaultPlan()
        self._token_of = token_of
        self._truth = truth
        self._hidden = hidden
        self._lock = threading.Lock()
        self._received = 0
        self._log: deque[LoggedRequest] = deque(maxlen=LOGGED_REQUESTS)

    def middleware(self) -> Middleware:
        """Applies the faults and keeps the log. Put it inside compression, so that a cut body is cut as text."""
        return Middleware(_FaultyAndLogged, control=self)

    def routes(self) -> list[Route]:
        """The routes under /_sim."""
        return [
            Route(f"{PREFIX}/faults", self._get_faults, methods=["GET"]),
            Route(f"{PREFIX}/faults", self._post_faults, methods=["POST"]),
            Route(f"{PREFIX}/faults", self._delete_faults, methods=["DELETE"]),
            Route(f"{PREFIX}/requests", self._get_requests, methods=["GET"]),
            Route(f"{PREFIX}/requests", self._delete_requests, methods=["DELETE"]),
            Route(f"{PREFIX}/truth", self._get_truth, methods=["GET"]),
        ]

    @property
    def requests(self) -> Sequence[LoggedRequest]:
        """The requests so far, oldest first (the newest 20,000)."""
        with self._lock:
            return list(self._log)

    def forget_requests(self) -> None:
        """Empty the log; ordinals go on."""
        with self._lock:
            self._log.clear()

    def token_of(self, request: Request) -> str:
        """The request's credential, empty if there is none."""
        return self._token_of(request)

    def log(self, request: Request, token: str, status: int, *, faulty: bool) -> None:
        """Add a request to the log; status 0 stands for no answer at all."""
        params = {name: value for name, value in request.query_params.items() if name not in self._hidden}
        credential = hashlib.sha256(token.encode()).hexdigest()[:12] if token else ""
        with self._lock:
            self._received += 1
            self._log.append(
                LoggedRequest(self._received, request.method, request.url.path, params, credential, status, faulty)
            )

    async def _get_faults(self, request: Request) -> Response:  # noqa: ARG002 (Starlette's signature)
        return JSONResponse(
            [
                {**fault.model_dump(exclude_defaults=True, exclude={"token"}), "hits": hits}
                for fault, hits in self.faults.state()
            ]
        )

    async def _post_faults(self, request: Request) -> Response:
        try:
            asked = _FAULTS.validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), status_code=422)
        self.faults.add(*(asked if isinstance(asked, list) else [asked]))
        return Response(status_code=204)

    async def _delete_faults(self, request: Request) -> Response:  # noqa: ARG002 (Starlette's signature)
        self.faults.clear()
        return Response(status_code=204)

    async def _get_requests(self, request: Request) -> Response:  # noqa: ARG002 (Starlette's signature)
        return JSONResponse([asdict(logged) for logged in self.requests])

    async def _delete_requests(self, request: Request) -> Response:  # noqa: ARG002 (Starlette's signature)
        self.forget_requests()
        return Response(status_code=204)

    async def _get_truth(self, request: Request) -> Response:
        return JSONResponse(self._truth(dict(request.query_params)))


class _FaultyAndLogged:
    """ASGI middleware: asks the plan before every request of the broker's protocol, and logs what was answered."""

    def __init__(self, app: ASGIApp, control: Control) -> None:
        self._app = app
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        token = self._control.token_of(request)
        fault = self._control.faults.take(scope["path"], token)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and fault.reset:
            self._control.log(request, token, 0, faulty=True)
            await cut_connection(scope, receive, reset=True)
            return
        start, body = await self._answer(fault, scope, receive)
        self._control.log(request, token, start["status"], faulty=fault is not None)
        await send(start)
        if fault and fault.drop_after is not None:
            await send({"type": "http.response.body", "body": body[: fault.drop_after], "more_body": True})
            await cut_connection(scope, receive, reset=False)
            return
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, fault: Fault | None, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The answer's start and whole body: the fault's own, or the app's, perhaps cut short."""
        held = _Held()
        if fault and fault.answers:
            own = Response(fault.body or "", fault.status or 200, fault.answer_headers())
            await own(scope, receive, held)
        else:
            await self._app(scope, receive, held)
        body = bytes(held.body)
        if fault and fault.keep_bytes is not None:
            body = body[: fault.keep_bytes]
            kept = [(name, value) for name, value in held.start["headers"] if name.lower() != b"content-length"]
            held.start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        return held.start, body


class _Held:
    """Holds an answer back until it is whole."""

    def __init__(self) -> None:
        self.start: Message = {}
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")
