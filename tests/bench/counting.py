"""A proxy between the sync function and the laptop's AWS: what was really sent, what it costs, what was answered."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3

from local.stack.emulator import Emulator
from tests.bench.dynamo_costs import DynamoCosts, Units
from tests.bench.units import TableShape
from tests.bench.wire import Answer, read

_OF_THIS_CONNECTION = {"connection", "content-length", "date", "expect", "keep-alive", "server", "transfer-encoding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One request with its costs; `key` and `answer` serve to replay it. `entries`: events, in a PutEvents."""

    service: str
    operation: str
    table: str
    entries: int
    units: Units
    key: str
    answer: Answer

    def __str__(self) -> str:
        units = f" {self.units.wru:g} WRU" * bool(self.units.wru) + f" {self.units.rru:g} RRU" * bool(self.units.rru)
        return f"{self.service} {self.operation} {self.table}".rstrip() + units


@dataclass
class Recording:
    """The requests of one sync, in order."""

    requests: list[Counted] = field(default_factory=list)

    def count(self, service: str, operation: str = "") -> int:
        """How many requests went to a service, or to one operation of it."""
        return sum(one.service == service and operation in ("", one.operation) for one in self.requests)

    @property
    def events(self) -> int:
        """Events put on a bus."""
        return sum(one.entries for one in self.requests if one.service == "events")

    @property
    def wru(self) -> float:
        """Write units in all."""
        return sum(one.units.wru for one in self.requests)

    @property
    def rru(self) -> float:
        """Read units in all."""
        return sum(one.units.rru for one in self.requests)


class CountingProxy:
    """Passes requests on one by one, because what one costs depends on what is stored at that moment."""

    def __init__(self, emulator: Emulator, tables: Mapping[str, TableShape]) -> None:
        self._endpoint = emulator.endpoint
        self._costs = DynamoCosts(emulator.session.client("dynamodb", endpoint_url=emulator.endpoint), tables)
        self._pool = urllib3.PoolManager(retries=False)
        self._one_at_a_time = threading.Lock()
        self._requests: list[Counted] = []
        self._problems: list[Exception] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen on a free port of 127.0.0.1; gives the endpoint for AWS_ENDPOINT_URL."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Record while the `with` block lasts. Raises what went wrong in counting, so that no figure is a guess."""
        recording = Recording()
        with self._one_at_a_time:
            self._requests = recording.requests
        yield recording
        with self._one_at_a_time:
            self._requests = []
            if self._problems:
                raise self._problems[0]

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Pass a request on, count it, and give its answer."""
        with self._one_at_a_time:
            call = read(method, {name.lower(): value for name, value in headers.items()}, body)
            dynamodb = call.service == "dynamodb"
            before = self._costs.images(call) if dynamodb else ()
            answer = self._ask(method, path, headers, body)
            self._requests.append(
                Counted(
                    service=call.service,
                    operation=call.operation,
                    table=str(call.document.get("TableName", "")),
                    entries=len(call.document.get("Entries", ())),
                    units=self._costs.units(call, before, answer.status) if dynamodb else Units(),
                    key=call.key,
                    answer=answer,
                )
            )
            return answer

    def failed(self, problem: Exception) -> None:
        """Remember that a request could not be counted."""
        self._problems.append(problem)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        response = self._pool.request(
            method, self._endpoint + path, body=body, headers=_end_to_end(headers), redirect=False
        )
        return Answer(status=response.status, headers=_end_to_end(response.headers), body=response.data)


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_THIS_CONNECTION}


def _handler(proxy: CountingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                answer = proxy.forward(self.command, self.path, dict(self.headers.items()), body)
            except Exception as problem:  # noqa: BLE001 (whatever it is, the recording raises it)
                proxy.failed(problem)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, *args: object) -> None:
            """The recording is the log."""

    return Handler
