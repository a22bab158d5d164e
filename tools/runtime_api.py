"""As much of Lambda's Runtime API as an import needs: a handler that is imported asks for work, else it says why."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY = "ready"


@dataclass(slots=True)
class RuntimeApi:
    """Where the runtime client finds it, and what the client reported: `READY`, or why the import failed."""

    address: str
    reports: "queue.Queue[str]" = field(default_factory=queue.Queue)


@contextmanager
def serve() -> Iterator[RuntimeApi]:
    """A Runtime API on a free port of 127.0.0.1, without any work to give out."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # /runtime/invocation/next
            api.reports.put(READY)
            over.wait()  # as on AWS: there is no answer before there is work
            self.close_connection = True

        def do_POST(self) -> None:  # /runtime/init/error
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            api.reports.put(f"{body.get('errorType')}: {body.get('errorMessage')}")
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = RuntimeApi(f"127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        over.set()
        server.shutdown()
        server.server_close()
