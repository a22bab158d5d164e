"""Worker processes: each is one execution environment of the sync function, with an engine of its own.

Started as `python -m tests.chaos.worker IN:OUT...` with the function's environment and a pair of pipe ends for every
worker; forks one process per pair. A worker reads a delivery (JSON) per line and writes what became of it.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from brokersync.aws.session import AwsSession
from brokersync.services.sync_batch import JobMessage
from brokersync.settings import SyncSettings, load
from functions.sync.app import build


class AheadClock:
    """The real clock, some seconds ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Minute:
    """An invocation that has a minute left, always: a frozen process doesn't see the time that passes."""

    def seconds_left(self) -> float:
        return 60.0


@dataclass
class Calls:
    """Every call that leaves the process, to AWS or a broker; freezes the process before one of them."""

    freeze: Callable[[str], None]
    frozen_at: int | None = None
    names: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self) -> None:
        """Stand between this process and all it sends."""
        aws_send, broker_send = URLLib3Session.send, httpx.HTTPTransport.handle_request

        def to_aws(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            self._made(_operation(request))
            return aws_send(session, request)

        def to_broker(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            self._made(f"broker {request.url.path.rpartition('/')[2]}")
            return broker_send(transport, request)

        URLLib3Session.send = to_aws  # type: ignore[assignment, method-assign]
        httpx.HTTPTransport.handle_request = to_broker  # type: ignore[assignment, method-assign]

    def _made(self, name: str) -> None:
        with self._lock:
            number = len(self.names)
            self.names.append(name)
        if number == self.frozen_at:
            self.freeze(name)


def _operation(request: AWSPreparedRequest) -> str:
    target = request.headers.get("X-Amz-Target", b"")
    name = target.decode() if isinstance(target, bytes) else target
    return name.rpartition(".")[2] or f"{request.method} object"


class Worker:
    """Takes deliveries one after the other, like a function's execution environment."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests, self._answers = requests, answers
        self._clock = AheadClock()
        self._calls = Calls(self._freeze)
        self._calls.watch()
        settings = load(SyncSettings)
        self._batch = build(settings, AwsSession(table_prefix=settings.table_prefix), self._clock)

    def work(self) -> None:
        """Until nobody sends deliveries any more."""
        for line in self._requests:
            self._answer(self._deliver(json.loads(line)))

    def _deliver(self, request: dict[str, Any]) -> dict[str, Any]:
        self._clock.ahead = timedelta(seconds=request["ahead"])
        self._calls.names.clear()
        self._calls.frozen_at = request["frozen_at"]
        report = self._batch.run([JobMessage(**message) for message in request["messages"]], Minute())
        return {
            "outcomes": [one.run.outcome.value for one in report.runs],
            "failed": list(report.failed_message_ids),
            "calls": list(self._calls.names),
        }

    def _freeze(self, name: str) -> None:
        """Say where we stand still, and go on when told so, at a later time."""
        self._answer({"frozen_before": name})
        self._clock.ahead = timedelta(seconds=json.loads(self._requests.readline())["ahead"])

    def _answer(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()


def main() -> None:
    pairs = [tuple(map(int, argument.split(":"))) for argument in sys.argv[1:]]
    children = []
    for mine in pairs:
        child = os.fork()
        if child == 0:
            for other in pairs:
                if other != mine:
                    os.close(other[0])
                    os.close(other[1])
            with os.fdopen(mine[0]) as requests, os.fdopen(mine[1], "w") as answers:
                Worker(requests, answers).work()
            os._exit(0)
        children.append(child)
    for mine in pairs:
        os.close(mine[0])
        os.close(mine[1])
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
