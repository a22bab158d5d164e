"""An AWS endpoint on 127.0.0.1 that answers as a test scripts it: for answers that moto never gives."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

LOST = None
Answer = Callable[[dict], dict | None]


@contextmanager
def aws_endpoint(*answers: Answer) -> Iterator[tuple[str, list[dict]]]:
    """Its URL, and the requests it got. Each request gets the next answer, the last one stays; LOST hangs up."""
    script, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(request)
            answer = (script.pop(0) if len(script) > 1 else script[0])(request)
            if answer is LOST:
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def lost(_request: dict) -> None:
    """It took effect, but nobody hears of it."""
    return LOST
