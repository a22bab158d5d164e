"""The sync function in a process of its own, as Lambda runs it: init once, then one event after the other.

Reads commands from stdin and writes what came of each to stdout, one JSON object per line. What the function itself
prints goes to a file: it is the function's log, whose bytes are billed. CPU is that of all threads, in seconds.

The imports here are the standard library's and few, so that what a command imports is measured in full.
"""

import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FUNCTION = Path(__file__).resolve().parents[2] / "functions" / "sync"
RSS_UNIT = 1024 if sys.platform == "linux" else 1  # ru_maxrss is in kilobytes there, in bytes on macOS
ITEM = {
    "pk": {"S": "acc_01989f4c2b1ef00dcafe"},
    "sk": {"S": "4711"},
    **{f"field_{number}": {"S": f"a value of the usual length {number}"} for number in range(10)},
    **{f"number_{number}": {"N": f"1234.{number}678"} for number in range(5)},
}


class Context:
    """Lambda's context, at the start of an invocation that has a minute."""

    function_name = "sync"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:sync:live"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Worker:
    """One process of the sync function."""

    def __init__(self, log: int) -> None:
        self._log = log
        self._handler: Callable[[object, Context], object] | None = None
        self._dynamodb: Any = None

    def reference(self) -> dict[str, object]:
        """The unit R: boto3 and three clients on its default session."""
        begun = time.process_time()
        import boto3

        clients = [boto3.client(name) for name in ("sqs", "s3", "dynamodb")]
        return {"cpu": time.process_time() - begun, "clients": len(clients)}

    def start(self) -> dict[str, object]:
        """Import the function, which wires itself up."""
        sys.path.insert(0, str(FUNCTION))
        begun = time.process_time()
        from app import lambda_handler

        spent = time.process_time() - begun
        self._handler = lambda_handler
        return {"cpu": spent, "modules": len(sys.modules)}

    def sync(self, event: dict[str, object], times: int) -> dict[str, object]:
        """Handle an event, `times` over."""
        cpu = []
        for _ in range(times):
            begun = time.process_time()
            answer = self._handler(event, Context())
            cpu.append(time.process_time() - begun)
        return {"cpu": cpu, "answer": answer, "log": self._take_log(), "rss": _peak_rss()}

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
        with open(self._log, "rb", closefd=False) as log:
            log.seek(0)
            text = log.read().decode()
        os.ftruncate(self._log, 0)
        os.lseek(self._log, 0, os.SEEK_SET)
        return text


def _peak_rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def main() -> None:
    """Do what stdin says, until it ends."""
    with os.fdopen(os.dup(1), "w") as replies, tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)
        worker = Worker(log.fileno())
        for line in sys.stdin:
            command = json.loads(line)
            gc.collect()
            reply = getattr(worker, command.pop("do"))(**command)
            print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
