"""Serves a simulator with uvicorn on 127.0.0.1, in a thread of this process or in the foreground."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HOST = "127.0.0.1"
START_SECONDS = 10.0
STOP_SECONDS = 10.0
TRANSPORT = "simulator.transport"
"""The ASGI extension through which a fault reaches its request's connection: a function that returns the transport."""


class RunningServer:
    """A simulator that listens. Leave its `with` block, or call `stop`, to end it."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        self.base_url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name=f"simulator-{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and end the server's thread. Safe to repeat."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve_in_thread(app: ASGIApp, port: int = 0) -> RunningServer:
    """Serve the app in a thread (port 0: a free one); it accepts connections when this returns.

    Raises OSError when the port is taken.
    """
    listener = _listen(port)
    return RunningServer(_server(app), listener)


def serve_forever(app: ASGIApp, port: int, *, announce: Callable[[str], None]) -> None:
    """Serve the app until Ctrl-C; `announce` gets the base URL once connections are accepted.

    Raises OSError when the port is taken.
    """
    with _listen(port) as listener, suppress(KeyboardInterrupt):
        announce(f"http://{HOST}:{listener.getsockname()[1]}")
        _server(app).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    # Bound and listening before uvicorn starts: clients queue in the backlog, so nobody has to poll for readiness.
    listener = socket.create_server((HOST, port), backlog=512)
    listener.setblocking(False)
    # asyncio sets it for sockets that say they are TCP's, which those of create_server don't: each answer on a kept
    # connection would wait 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _server(app: ASGIApp) -> uvicorn.Server:
    handed_over = _HandsOverTransport(app)
    server = uvicorn.Server(
        uvicorn.Config(
            handed_over,
            http="httptools",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    handed_over.server = server
    return server


class _HandsOverTransport:
    """Lets a request find its connection, which ASGI hides: only so can a fault cut or reset it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.server: uvicorn.Server | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("extensions", {})[TRANSPORT] = lambda: self._transport_of(scope["client"])
        await self._app(scope, receive, send)

    def _transport_of(self, client: tuple[str, int]) -> asyncio.Transport:
        connections = self.server.server_state.connections if self.server else ()
        return next(
            connection.transport
            for connection in connections
            if isinstance(connection, HttpToolsProtocol) and connection.client == tuple(client)
        )


async def cut_connection(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """End the request's connection: after what was sent so far, or (`reset`) at once with a TCP reset."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]()
    if reset:
        # Linger for 0 seconds: the kernel then sends RST instead of FIN.
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
