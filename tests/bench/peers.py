"""The peers of a first load: the hand-written floor, and dlt in a throw-away environment. Trades per CPU second of each."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.stack.deploy import ROOT

DLT = "dlt[duckdb,parquet]==1.31.0"
COPIES = 40  # of an account with 500 trades: dlt's fixed costs per run are 2 % of that
ROUNDS = 3
INSTALL_SECONDS = 90
RUN_SECONDS = 60
HERE = Path(__file__).resolve().parent


class PeerError(Exception):
    """A peer could not be installed or run; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFrom:
    """Where the peers load from."""

    base_url: str
    token: str
    account: str


def floor(source: LoadFrom) -> float:
    """Trades per CPU second of the floor."""
    return _rate([sys.executable, "-m", "tests.bench.peer_floor"], source)


def dlt_tuned(source: LoadFrom) -> float:
    """Trades per CPU second of dlt. Raises PeerError where it can't be installed."""
    with tempfile.TemporaryDirectory(prefix="brokersync-dlt-") as folder:
        python = _install(Path(folder) / "venv", DLT)
        return _rate([python, str(HERE / "peer_dlt.py")], source)


def _install(venv: Path, requirement: str) -> str:
    """A new environment with one package; returns its Python."""
    own = Path(sys.executable).parent / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise PeerError("uv is neither in this environment nor on PATH (make setup brings it)")
    python = str(venv / "bin" / "python")
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], INSTALL_SECONDS)
    _run([uv, "pip", "install", "--quiet", "--python", python, requirement], INSTALL_SECONDS)
    return python


def _rate(command: Sequence[str], source: LoadFrom) -> float:
    rates = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="brokersync-peer-") as folder:
            arguments = [source.base_url, source.token, source.account, str(COPIES), folder]
            result = json.loads(_run([*command, *arguments], RUN_SECONDS).splitlines()[-1])
        rates.append(result["trades"] / result["cpu"])
    return statistics.median(rates)


def _run(command: Sequence[str], seconds: float) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise PeerError(f"{Path(command[0]).name} took longer than {seconds:g} s") from None
    if done.returncode:
        raise PeerError(f"{Path(command[0]).name} failed: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout
