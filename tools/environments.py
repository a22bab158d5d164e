"""Tools that can't share the project's environment: each gets one of its own under .tools/, hash-locked.

`tools/NAME/requirements.txt` says what is in it, made from `requirements.in` beside it by the command in its first
lines. An environment that is up to date is recognised by a stamp, so that the second time costs nothing.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.setup import ROOT, UnfitError, find_uv, run

STAMP = "brokersync-tool.json"


def environment(name: str, *, python: str = sys.executable) -> Path:
    """The folder of programs of a tool's environment, made with this Python unless it is there.

    Raises UnfitError when it can't be installed.
    """
    requirements = ROOT / "tools" / name / "requirements.txt"
    folder = ROOT / ".tools" / name
    wanted = {
        "project": str(ROOT),
        "python": python,
        "requirements": hashlib.sha256(requirements.read_bytes()).hexdigest(),
    }
    if _stamp(folder) != wanted:
        uv = find_uv(Path(sys.prefix))
        shutil.rmtree(folder, ignore_errors=True)
        run(f"making the environment of {name}", uv, "venv", "--quiet", "--python", python, str(folder))
        run(
            f"installing {name}",
            *(uv, "pip", "install", "--quiet", "--no-progress", "--require-hashes", "--only-binary", ":all:"),
            *("--python", str(folder / "bin" / "python"), "--requirements", str(requirements)),
        )
        (folder / STAMP).write_text(json.dumps(wanted))
    return folder / "bin"


def find_python(version: str) -> str:
    """A working interpreter of that version ("3.13"). Raises UnfitError when there is none.

    A pyenv shim is on PATH but answers only for the version that is active, so pyenv's own folders are looked at too.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    managed_by_uv = Path.home() / ".local" / "share" / "uv" / "python"
    candidates = [
        f"python{version}",
        *map(str, pyenv.glob(f"versions/{version}.*/bin/python3")),
        *map(str, managed_by_uv.glob(f"cpython-{version}.*/bin/python3")),
    ]
    for candidate in candidates:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            if version_of(candidate) == version:
                return executable_of(candidate)
    raise UnfitError(f"Python {version} is needed, because the build is for it, and there is none: install it.")


def version_of(python: str) -> str:
    """Major and minor version of an interpreter. Raises OSError or CalledProcessError when it doesn't run."""
    return _ask(python, "'%d.%d' % sys.version_info[:2]")


def executable_of(python: str) -> str:
    """Path of an interpreter, links and shims followed."""
    return _ask(python, "sys.executable")


def _ask(python: str, expression: str) -> str:
    asked = subprocess.run(
        (python, "-c", f"import sys; print({expression})"), check=True, capture_output=True, text=True
    )
    return asked.stdout.strip()


def _stamp(folder: Path) -> dict[str, str]:
    try:
        state = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
