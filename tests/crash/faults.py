"""Counts every call that leaves the process, to AWS or to a broker, and ends the process at one of them."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

DEAD = 86  # exit status of a worker that was ended on purpose


class When(StrEnum):
    """Where a call is hit."""

    BEFORE = "before"
    AFTER = "after"
    LOST = "lost"  # it took effect, but its answer never came


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at call number `call` (from 0)."""

    call: int
    when: When


@dataclass
class Calls:
    """The calls made so far, by name, in order; hits one of them if there is a fault."""

    fault: Fault | None
    names: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def through(self, name: str, send: Callable[[], Any], lose: Callable[[], Exception]) -> Any:
        """Make a call, unless this is the one that ends the process or whose answer is lost."""
        with self._lock:
            number = len(self.names)
            self.names.append(name)
        hit = self.fault.when if self.fault is not None and self.fault.call == number else None
        if hit is When.BEFORE:
            os._exit(DEAD)
        answer = send()
        if hit is When.AFTER:
            os._exit(DEAD)
        if hit is When.LOST:
            raise lose()
        return answer


def watch(fault: Fault | None) -> Calls:
    """Put ourselves between this process and every call it makes, for the rest of its life."""
    calls = Calls(fault)
    aws_send, broker_send = URLLib3Session.send, httpx.HTTPTransport.handle_request

    def to_aws(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        return calls.through(
            f"aws {_operation(request)}",
            lambda: aws_send(session, request),
            lambda: ConnectionClosedError(endpoint_url=request.url),
        )

    def to_broker(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return calls.through(
            f"broker {request.method} {request.url.path}",
            lambda: broker_send(transport, request),
            lambda: httpx.ReadError("the answer was lost", request=request),
        )

    URLLib3Session.send = to_aws  # type: ignore[method-assign]
    httpx.HTTPTransport.handle_request = to_broker  # type: ignore[method-assign]
    return calls


def _operation(request: AWSPreparedRequest) -> str:
    target = request.headers.get("X-Amz-Target")
    if target:
        name = target.decode() if isinstance(target, bytes) else target
        return name.partition("_")[0] + "." + name.partition(".")[2]
    return f"{request.method} {request.url.split('?')[0].split('/', 3)[-1].split('/')[0]}"
