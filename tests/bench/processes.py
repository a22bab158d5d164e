"""The benchmark's own child processes: started with a clean environment, spoken to by lines, ended with their group."""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from local.stack.deploy import ROOT
from local.stack.emulator import CREDENTIALS, INHERITED

REPLY_SECONDS = 120.0
STOP_SECONDS = 5.0


class ChildError(Exception):
    """A child process died or did not answer; says what it wrote last."""


class Child:
    """A command in a process of its own; use it in a `with` statement.

    It inherits nothing of this machine's environment that could change what is measured.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._command = list(command)
        self._environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **(environment or {}),
        }
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what it did not read any more
                pipe.close()

    def read_line(self) -> str:
        """The next line that it writes. Raises ChildError when there comes none."""
        process = self._running()
        ready, _, _ = select.select([process.stdout], [], [], REPLY_SECONDS)
        line = process.stdout.readline() if ready else ""
        if not line:
            state = f"ended with {process.poll()}" if process.poll() is not None else "does not answer"
            raise ChildError(f"{' '.join(self._command)} {state}")
        return line.strip()

    def tell(self, document: object) -> str:
        """Write a line of JSON; returns the line that it answers."""
        process = self._running()
        process.stdin.write(json.dumps(document) + "\n")
        process.stdin.flush()
        return self.read_line()

    def do(self, command: str, **arguments: object) -> Any:
        """Let a worker carry out a command; returns its reply."""
        return json.loads(self.tell({"do": command, **arguments}))

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise ChildError("not started")
        return self._process


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this project."""
    return [sys.executable, "-m", name, *arguments]


def lambda_environment(settings: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """What Lambda gives to the sync function, with its AWS at `endpoint`."""
    return {
        **CREDENTIALS,
        **settings,
        "AWS_REGION": CREDENTIALS["AWS_DEFAULT_REGION"],
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "sync",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
