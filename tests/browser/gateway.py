"""An HTTP server in the place of API Gateway: tokens, payload 2.0, and a path prefix like that of the laptop's AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from tests.unit.functions.api_world import ApiWorld, Context, answer_of, event

PREFIX = "/_aws/execute-api/a1b2c3d4/$default"
PUBLIC = ("/", "/health", "/openapi.json", "/static/")


@contextmanager
def serve(world: ApiWorld) -> Iterator[str]:
    """The page's address, while the world's API answers there. The token of a subject is `token-of-` and its name."""

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path)[2:4]
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode() if length else None
            assert path.startswith(PREFIX), f"the page asked for {path}, outside its own place"
            path = path.removeprefix(PREFIX)
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            subject = token.removeprefix("token-of-") if token.startswith("token-of-") else None
            if subject is None and path not in PUBLIC and not path.startswith("/static/"):
                self.reply(401, {"content-type": "application/json"}, b'{"message":"Unauthorized"}')
                return
            request = event(
                self.command,
                path,
                subject=subject,
                query=dict(parse_qsl(query)),
                body=body,
                headers={
                    name.lower(): value for name, value in self.headers.items() if name.lower() != "accept-encoding"
                },
            )
            answer = answer_of(world.app.resolve(request, Context()))
            self.reply(answer.status, answer.headers, answer.body.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def reply(self, status: int, headers, body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Gateway)  # one request at a time, as in one Lambda environment
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
