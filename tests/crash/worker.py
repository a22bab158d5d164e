"""A sync function's process, ready to be forked: one fork per delivery, so that ending it costs nothing.

Reads a request (JSON) per line from stdin, writes an answer per line to stdout. Started as `python -m
tests.crash.worker` with the function's environment, so it has one thread when it forks. A rehearsal is done without a
fork and forgotten: what a first sync imports and looks up is there for the forks then.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

# What this process prints from here on, log lines above all, goes to stderr: stdout is for the answers alone.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from brokersync.aws.session import AwsSession  # noqa: E402
from brokersync.services.sync_batch import JobMessage, SyncBatch  # noqa: E402
from brokersync.settings import SyncSettings, load  # noqa: E402
from functions.sync.app import build  # noqa: E402
from tests.crash.faults import Fault, When, watch  # noqa: E402

SERVICES: Sequence[Literal["dynamodb", "events", "kms", "s3", "sqs"]] = ("dynamodb", "events", "kms", "s3", "sqs")


class ShiftedClock:
    """The real clock, some seconds ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class Minute:
    """An invocation that has a minute left, always."""

    def seconds_left(self) -> float:
        return 60.0


def deliver(batch: SyncBatch, clock: ShiftedClock, request: dict[str, object], answer: int) -> None:
    """In the fork: take the delivery, write what became of it to the pipe, and end."""
    fault = request.get("fault")
    calls = watch(Fault(fault["call"], When(fault["when"])) if isinstance(fault, dict) else None)
    clock.ahead = timedelta(seconds=float(str(request["ahead"])))
    message = JobMessage(message_id="m-1", body=str(request["body"]), received=int(str(request["received"])))
    report = batch.run([message], Minute())
    outcomes = [run.run.outcome.value for run in report.runs]
    body = json.dumps({"calls": calls.names, "failed": list(report.failed_message_ids), "outcomes": outcomes})
    os.write(answer, body.encode())
    os._exit(0)


def rehearse(settings: SyncSettings, session: AwsSession, clock: ShiftedClock, request: dict[str, object]) -> None:
    """Take the delivery in this process; what it leaves is what is imported, and botocore's knowledge of its models."""
    clock.ahead = timedelta(seconds=float(str(request["ahead"])))
    # As a message that failed before it runs in this thread: no other one is there when the forks are made.
    message = JobMessage(message_id="m-0", body=str(request["body"]), received=2)
    build(settings, session, clock).run([message], Minute())
    for service in SERVICES:
        session.client(service).close()
    assert threading.active_count() == 1


def fork(batch: SyncBatch, clock: ShiftedClock, request: dict[str, object]) -> dict[str, object]:
    """Take the delivery in a process of its own; how that ended, and what it answered if it got so far."""
    mine, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            deliver(batch, clock, request, theirs)
        finally:
            os._exit(1)
    os.close(theirs)
    with os.fdopen(mine, "rb") as pipe:
        body = pipe.read()
    _, status = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), **json.loads(body or b"{}")}


def main() -> None:
    clock, settings = ShiftedClock(), load(SyncSettings)
    session = AwsSession(table_prefix=settings.table_prefix)
    batch = build(settings, session, clock)  # without a connection or a thread: each fork makes its own
    for line in sys.stdin:
        request = json.loads(line)
        if request["rehearsal"]:
            rehearse(settings, session, clock, request)
            answer: dict[str, object] = {"status": 0}
        else:
            answer = fork(batch, clock, request)
        print(json.dumps(answer), file=ANSWERS, flush=True)


if __name__ == "__main__":
    main()
