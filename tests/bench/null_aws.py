"""An AWS that answers at once what it was taught, so that what is left is the client's own work.

As a process it prints its port, then reads lessons from stdin, one JSON object of answers by request key (wire.py) per
line, and acknowledges each with a line. A request it was not taught is the client's error (400): its sync fails.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.processes import Child, module
from tests.bench.wire import Answer, read

if TYPE_CHECKING:
    from tests.bench.counting import Recording


class NullAws:
    """The process, as the benchmark sees it."""

    def __init__(self, process: Child) -> None:
        self._process = process
        self.endpoint = f"http://127.0.0.1:{process.read_line()}"

    def teach(self, recording: "Recording") -> None:
        """Let it answer these requests as they were answered; of those with the same key the last one counts."""
        self._teach({one.key: one.answer for one in recording.requests})

    def teach_puts(self, table: str) -> None:
        """Let it take any item into a table."""
        answer = Answer(status=200, headers={"Content-Type": "application/x-amz-json-1.0"}, body=b"{}")
        self._teach({f"dynamodb PutItem {table} ": answer})

    def _teach(self, answers: Mapping[str, Answer]) -> None:
        self._process.tell({key: base64.b64encode(_rendered(one)).decode() for key, one in answers.items()})


@contextmanager
def null_aws() -> Iterator[NullAws]:
    """Run one."""
    with Child(module("tests.bench.null_aws")) as process:
        yield NullAws(process)


def _rendered(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in answer.headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(answer.body)}", "", ""]).encode() + answer.body


class _Connection(asyncio.Protocol):
    """One client's connection: HTTP/1.1, kept alive, one request at a time."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self._answers = answers
        self._received = b""
        self._promised = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        method, headers = _parsed(head)
        if "100-continue" in headers.get("expect", "") and not self._promised:
            self._promised = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(body) >= int(headers.get("content-length", 0)):
            self._received, self._promised = b"", False
            key = read(method, headers, body).key
            self._transport.write(self._answers.get(key) or _untaught(key))


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    start, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return start.partition(" ")[0], {name.lower(): value.strip() for name, _, value in pairs}


def _untaught(key: str) -> bytes:
    body = json.dumps({"__type": "UntaughtException", "message": f"never answered before: {key}"}).encode()
    return _rendered(Answer(status=400, headers={"Content-Type": "application/x-amz-json-1.0"}, body=body))


async def _serve() -> None:
    answers: dict[str, bytes] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answers |= {key: base64.b64decode(text) for key, text in json.loads(line).items()}
        print(len(answers), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
