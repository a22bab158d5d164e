"""The peers of a first load: the hand-written floor, and dlt in a throw-away environment."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.stack.deploy import ROOT
from tests.bench.environments import throwaway

DLT = "dlt[duckdb,parquet]==1.31.0"
COPIES = 25  # of an account with some 850 entries: dlt's fixed costs of a run are little beside that
ROUNDS = 3
RUN_SECONDS = 60


class PeerError(Exception):
    """A peer did not load what it should; says what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the peers load: one account at OANDA's simulator, and how many entries a ledger holds of it."""

    base_url: str
    token: str
    account: str
    entries: int


def floor(source: Source) -> float:
    """CPU seconds for which the floor loads the account once."""
    return _seconds([sys.executable, "-m", "tests.bench.peer_floor"], source)


def dlt_tuned(source: Source) -> float:
    """CPU seconds for which dlt does. Raises UnfitError where dlt can't be installed."""
    with TemporaryDirectory(prefix="brokersync-dlt-") as folder:
        python = throwaway(Path(folder) / "dlt", DLT)
        return _seconds([python, str(Path(__file__).with_name("peer_dlt.py"))], source)


def _seconds(command: Sequence[str], source: Source) -> float:
    return min(_load(command, source) for _ in range(ROUNDS))  # neighbours only ever add


def _load(command: Sequence[str], source: Source) -> float:
    with TemporaryDirectory(prefix="brokersync-peer-") as folder:
        arguments = [source.base_url, source.token, source.account, str(COPIES), folder]
        done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS)
    if done.returncode:
        raise PeerError(f"{Path(command[-1]).name} failed: {' '.join(done.stderr.split())[-500:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    if result["entries"] != source.entries * COPIES:
        raise PeerError(f"{Path(command[-1]).name} loaded {result['entries']} entries, not {source.entries * COPIES}")
    return result["cpu"] / COPIES
