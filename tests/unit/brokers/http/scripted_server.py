"""An HTTP server on 127.0.0.1 that answers as a test scripts it, and keeps what it was asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Reply = Callable[[BaseHTTPRequestHandler], None]


class ScriptedServer:
    """Answers each request with the next reply of the script, and with the last one from then on."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.paths: list[str] = []
        self.headers: list[Message] = []
        self.bodies: list[tuple[str, bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits for an acknowledgement

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                server.bodies.append((self.headers.get("Content-Type", ""), self.rfile.read(length)))
                self.do_GET()

            def do_GET(self) -> None:
                server.paths.append(self.path)
                server.headers.append(self.headers)
                reply = server.script.pop(0) if len(server.script) > 1 else server.script[0]
                reply(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
                pass

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["ScriptedServer"]:
        thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            thread.join()
            self._http.server_close()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Reply:
    """A whole answer; header names are written with underscores."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True
