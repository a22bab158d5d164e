"""The sync function in a process of its own, as Lambda runs it: init once, then one event after the other.

The argument is the function's folder. Reads commands from stdin and writes what came of each to stdout, one JSON object
per line; what the function itself prints is its log and comes with the reply. CPU is that of all threads, in seconds.
Of the standard library only what is needed is imported, so that what a command imports is measured in full.
"""

import json
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

ITEM = {
    "pk": {"S": "acc_01989f4c2b1ef00dcafe"},
    "sk": {"S": "4711"},
    **{f"field_{number}": {"S": f"a value of the usual length {number}"} for number in range(10)},
    **{f"number_{number}": {"N": f"1234.{number}678"} for number in range(5)},
}


class Context:
    """Lambda's context of an invocation that begins now and has a minute."""

    function_name = "sync"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:sync:live"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def __init__(self) -> None:
        self._ends = time.monotonic() + 60

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - time.monotonic()) * 1000)


class MovedClock:
    """The machine's clock, moved; it sleeps by moving on."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class Worker:
    """One process of the sync function."""

    def __init__(self, folder: str, log: int) -> None:
        self._folder = folder
        self._log = log
        self._clock: MovedClock | None = None
        self._app: Any = None
        self._dynamodb: Any = None

    def reference(self) -> dict[str, object]:
        """The unit R: boto3 and three clients on its default session."""
        begun = time.process_time()
        import boto3

        clients = [boto3.client(name) for name in ("sqs", "s3", "dynamodb")]
        return {"cpu": time.process_time() - begun, "rss": _peak_rss(), "clients": len(clients)}

    def start(self) -> dict[str, object]:
        """Import the function, which wires itself up."""
        sys.path.insert(0, self._folder)
        begun = time.process_time()
        import app

        spent = time.process_time() - begun
        self._app = app
        return {"cpu": spent, "rss": _peak_rss(), "modules": len(sys.modules)}

    def move_clock(self, to: str) -> dict[str, object]:
        """Give the function a clock that shows this time (ISO 8601) now, or leave it where it is ahead of that."""
        ahead = datetime.fromisoformat(to) - datetime.now(UTC)
        if self._clock is None:
            from brokersync.aws.session import AwsSession

            self._clock = MovedClock(ahead)
            session = AwsSession(table_prefix=self._app.settings.table_prefix)
            self._app.service = self._app.build(self._app.settings, session, self._clock)
        self._clock.ahead = max(ahead, self._clock.ahead)
        return {}

    def sync(self, event: dict[str, object], times: int = 1, apart: float = 0.0) -> dict[str, object]:
        """Handle an event, `times` over, so many seconds apart by a moved clock."""
        begun = time.process_time()
        for _ in range(times):
            answer = self._app.lambda_handler(event, Context())
            if self._clock is not None:
                self._clock.sleep(apart)
        cpu = (time.process_time() - begun) / times
        return {"cpu": cpu, "rss": _peak_rss(), "answer": answer, "log": self._take_log()}

    def puts(self, times: int) -> dict[str, object]:
        """Conditional puts of a small item by a plain botocore client."""
        if self._dynamodb is None:
            from botocore.session import Session

            self._dynamodb = Session().create_client("dynamodb")
            self.puts(20)
        begun = time.process_time()
        for _ in range(times):
            self._dynamodb.put_item(TableName="puts", Item=ITEM, ConditionExpression="attribute_not_exists(pk)")
        return {"cpu": (time.process_time() - begun) / times}

    def _take_log(self) -> str:
        sys.stdout.flush()
        text = os.pread(self._log, os.fstat(self._log).st_size, 0).decode()
        os.ftruncate(self._log, 0)
        os.lseek(self._log, 0, os.SEEK_SET)
        return text


def _peak_rss() -> int:
    """Bytes. Linux's ru_maxrss counts the parent's memory too, from before the exec."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123 (pathlib would be imported for it)
            peak = next(line for line in status if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes on macOS


def main() -> None:
    """Do what stdin says, until it ends."""
    with os.fdopen(os.dup(1), "w") as replies, tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)
        worker = Worker(sys.argv[1], log.fileno())
        for line in sys.stdin:
            command = json.loads(line)
            reply = getattr(worker, command.pop("do"))(**command)
            print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
