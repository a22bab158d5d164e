"""Throw-away environments, made by uv."""

import sys
from pathlib import Path

from tools.setup import find_uv, run


def throwaway(folder: Path, *requirements: str) -> str:
    """A new environment with these requirements, compiled; returns its Python. Raises UnfitError."""
    uv, python = find_uv(Path(sys.prefix)), str(folder / "bin" / "python")
    run(f"making {folder.name}", uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    run(
        f"installing {folder.name}",
        *(uv, "pip", "install", "--quiet", "--no-progress", "--compile-bytecode", "--python", python),
        *requirements,
    )
    return python
