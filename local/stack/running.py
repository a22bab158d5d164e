"""How a command in another terminal finds the stack that `make run` holds: a file that lives as long as the stack.

BROKERSYNC_STACKS names another folder for these files: who sets it finds only the stacks that were started with it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.stack.deploy import ROOT
from local.stack.laptop import Laptop

FOLDER = Path(os.environ.get("BROKERSYNC_STACKS", ROOT / ".local" / "stacks"))


class RunningStack(BaseModel):
    """A stack on this machine: by which variables AWS's clients find it, and user ids by trader's name.

    `brokers` are the simulators' addresses by the broker's slug.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    environment: Mapping[str, str]
    traders: Mapping[str, str]
    brokers: Mapping[str, str] = Field(default_factory=dict)


@contextmanager
def announced(
    running: Laptop, traders: Mapping[str, str], brokers: Mapping[str, str], folder: Path = FOLDER
) -> Iterator[None]:
    """Let other terminals find the stack while the `with` block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    stack = RunningStack(
        name=running.deployed.name, environment=running.emulator.environment, traders=traders, brokers=brokers
    )
    file = folder / f"{os.getpid()}.json"
    file.write_text(stack.model_dump_json())
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def find(folder: Path = FOLDER) -> RunningStack | None:
    """The stack that a `make run` holds on this machine, the newest if there are several."""
    found: list[tuple[float, RunningStack]] = []
    for file in folder.glob("*.json"):
        if not _is_alive(int(file.stem)):
            file.unlink(missing_ok=True)  # of a `make run` that was killed
            continue
        with suppress(OSError, ValidationError):  # it ends, or is just beginning, while we look
            found.append((file.stat().st_mtime, RunningStack.model_validate_json(file.read_bytes())))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
