"""How a command in another terminal finds the stack that `make run` holds: a file that lives as long as the stack."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from local.stack.deploy import ROOT
from local.stack.laptop import Laptop

FILE = ROOT / ".local" / "stack.json"


class RunningStack(BaseModel):
    """A stack on this machine: who holds it, by which variables AWS's clients find it, user ids by trader's name."""

    model_config = ConfigDict(frozen=True)

    pid: int
    name: str
    environment: Mapping[str, str]
    traders: Mapping[str, str]


@contextmanager
def announced(running: Laptop, traders: Mapping[str, str], file: Path = FILE) -> Iterator[None]:
    """Let other terminals find the stack while the `with` block lasts. Of two stacks the one started last is found."""
    file.parent.mkdir(exist_ok=True)
    stack = RunningStack(
        pid=os.getpid(), name=running.deployed.name, environment=running.emulator.environment, traders=traders
    )
    file.write_text(stack.model_dump_json())
    try:
        yield
    finally:
        if _read(file) == stack:
            file.unlink(missing_ok=True)


def find(file: Path = FILE) -> RunningStack | None:
    """The stack that `make run` holds on this machine, if one is running."""
    stack = _read(file)
    return stack if stack and _is_alive(stack.pid) else None


def _read(file: Path) -> RunningStack | None:
    try:
        return RunningStack.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
