"""Bring the project's environment to what uv.lock says: standard library only, run by tools/setup.sh.

A machine that can't hold or run the project gets one sentence on stderr and exit status 1. What is there already is
recognised by a stamp (hash of uv.lock and pyproject.toml), so that the second time costs nothing.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "brokersync-setup.json"
PROJECT_BYTES = 2_000_000_000  # the environment takes 0.5 GB, uv's cache as much, builds and runs the rest
TEMP_BYTES = 300_000_000  # a run unpacks its functions and keeps its tables there


class UnfitError(Exception):
    """The machine can't hold or run the project; says why, and what to do."""


def check_disk(folder: Path, needed: int) -> None:
    """Raises UnfitError when less than `needed` bytes are free where `folder` is (or will be)."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise UnfitError(
            f"{existing} has {free / 1e9:.1f} GB of free disk, {needed / 1e9:.1f} GB are needed: free some, "
            "or move the project (or TMPDIR) to another disk."
        )


def check_loopback() -> None:
    """Raises UnfitError when no port can be opened and reached on 127.0.0.1, where the laptop's AWS listens."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=2).close()
    except OSError as error:
        raise UnfitError(f"no port can be opened on 127.0.0.1 ({error}): the laptop's AWS listens there.") from None


def wanted_state(python: str) -> dict[str, str]:
    """What the stamp of an environment that is up to date says."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "uv.lock"):
        digest.update((ROOT / name).read_bytes())
    return {"project": str(ROOT), "python": python, "lock": digest.hexdigest()}


def read_stamp(venv: Path) -> dict[str, str]:
    """The state at the last set-up; empty when there was none or it did not finish."""
    try:
        state = json.loads((venv / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def python_of(venv: Path) -> str:
    """Major and minor version of the environment's Python; empty when there is none that could run."""
    if not (venv / "bin" / "python").exists():
        return ""
    version = re.search(r"^version(?:_info)? = (\d+\.\d+)", (venv / "pyvenv.cfg").read_text(), re.MULTILINE)
    return version[1] if version else ""


def run(step: str, *command: str, **environment: str) -> None:
    """Run one step; its own output is shown only when it fails. Raises UnfitError."""
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command, cwd=ROOT, env=inherited | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise UnfitError(f"{step} failed (see above): {' '.join(command)}")


def find_uv(venv: Path) -> str:
    """The uv of the environment or from PATH; else it is put into the environment."""
    own, python = venv / "bin" / "uv", str(venv / "bin" / "python")
    if not own.exists():
        if found := shutil.which("uv"):
            return found
        if not (venv / "bin" / "pip").exists():
            run("installing pip", python, "-m", "ensurepip")
        run("installing uv", python, "-m", "pip", "install", "--quiet", "uv")
    return str(own)


def set_up(venv: Path) -> None:
    """Make the environment what the lock says for the running Python, unless it is. Raises UnfitError."""
    stamp, wanted = read_stamp(venv), wanted_state(f"{sys.version_info[0]}.{sys.version_info[1]}")
    if stamp == wanted:
        return
    started = time.monotonic()
    print(f"Setting up {venv.name} with Python {wanted['python']} ...", flush=True)
    check_disk(venv, PROJECT_BYTES)
    check_disk(Path(tempfile.gettempdir()), TEMP_BYTES)
    check_loopback()
    if python_of(venv) != wanted["python"] or stamp.get("project", wanted["project"]) != wanted["project"]:
        run("making the environment", sys.executable, "-m", "venv", "--clear", str(venv))
    (venv / STAMP).unlink(missing_ok=True)
    run(
        "installing the locked packages",
        *(find_uv(venv), "sync", "--frozen", "--no-progress", "--python", str(venv / "bin" / "python")),
        UV_PROJECT_ENVIRONMENT=str(venv),
        UV_PYTHON_DOWNLOADS="never",
    )
    (venv / STAMP).write_text(json.dumps(wanted))
    print(f"{venv.name} is ready ({time.monotonic() - started:.0f} s).", flush=True)


def main() -> int:
    """Set up the environment that the first argument names, one at a time."""
    venv = (ROOT / sys.argv[1]).absolute()
    lock = ROOT / ".local" / "setup.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two `make` at once set up once
        try:
            set_up(venv)
        except UnfitError as unfit:
            print(f"brokersync: {unfit}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
