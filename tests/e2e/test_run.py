"""`make run` as a newcomer meets it: it proves itself, other terminals find it, and Ctrl-C leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.demo.people import ONE, TWO
from tests.e2e.processes import listening, processes_of

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
UP = "Ctrl-C ends everything"
PROVED = "each equal to its broker's; every status is as it has to be"
STARTED = "The laptop's AWS at "


class Run:
    """A `make run` in a terminal of its own, which others on this machine don't meddle with."""

    def __init__(self, tmp_path: Path, *arguments: str) -> None:
        self.output = tmp_path / "output.txt"
        self.temporary = tmp_path / "tmp"
        self.temporary.mkdir()
        self.stacks = tmp_path / "stacks"
        self._environment = {"PATH": os.defpath, "BROKERSYNC_STACKS": str(self.stacks)}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.run", *arguments],
                cwd=ROOT,
                env=self._environment | {"HOME": str(tmp_path), "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def shows(self, text: str, seconds: float = 120) -> str:
        """What it has printed, once that includes the text."""
        deadline = time.monotonic() + seconds
        while text not in (shown := self.output.read_text()):
            assert self.process.poll() is None, shown
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)
        return shown

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A `brokersync` command in another terminal."""
        return subprocess.run(
            [sys.executable, "-c", "from local.cli import main; main()", *arguments],
            cwd=ROOT,
            env=self._environment | {"AWS_PROFILE": "of-this-machine"},
            capture_output=True,
            text=True,
        )

    def left_behind(self) -> list[str]:
        """Processes and files that it has made and not put away."""
        return [*map(str, processes_of(self.temporary)), *map(str, self.temporary.iterdir())]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    started = Run(tmp_path)
    yield started
    started.process.terminate()
    started.process.wait(timeout=60)


def test_one_round_proves_itself_and_leaves_nothing(tmp_path: Path) -> None:
    # when one round is run
    once = Run(tmp_path, "--once")
    status = once.process.wait(timeout=240)
    shown = once.output.read_text()
    # then every account came out as it had to
    assert status == 0, shown
    assert PROVED in shown
    # and nothing is left of it
    assert once.left_behind() == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_proves_itself_and_stays_up_for_other_terminals_on_loopback_only_until_ctrl_c(run: Run) -> None:
    # given a run that is up
    shown = run.shows(UP)
    # then every account of its first round came out as it had to
    assert PROVED in shown
    address = shown.partition(STARTED)[2].split(",")[0]
    # and its processes listen on 127.0.0.1 only
    assert listening(processes_of(run.temporary) | {run.process.pid}) == {"127.0.0.1"}
    # and the API answers whoever has the token, and nobody else
    token = shown.partition("TOKEN=")[2].split()[0]
    accounts = shown.partition("$TOKEN\" '")[2].split("'")[0]
    assert accounts.startswith(address)
    assert httpx.get(accounts, headers={"Authorization": f"Bearer {token}"}).json()["accounts"]
    assert httpx.get(accounts).status_code == 401
    # and the command line finds it, whatever this shell is set up for
    for trader in (ONE, TWO):
        seen = run.command("status", trader)
        assert (seen.returncode, seen.stderr) == (0, "")
        assert "oanda" in seen.stdout
    # when a broker is broken and mended from another terminal; then its simulator does as it is told
    broker = shown.partition("Simulated oanda:practice at ")[2].split("/v3")[0]
    assert run.command("demo-fail", "oanda").returncode == 0
    assert [fault["status"] for fault in httpx.get(f"{broker}/_sim/faults").json()] == [503]
    assert run.command("demo-heal").returncode == 0
    assert httpx.get(f"{broker}/_sim/faults").json() == []
    refused = run.command("demo-fail", "nobodys")
    assert (refused.returncode, "which has" in refused.stderr) == (1, True)
    # when Ctrl-C is pressed, and somebody impatient goes on
    for ending in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        os.killpg(run.process.pid, ending)
        time.sleep(0.1)
    # then it ends in good order and nothing is left, not even the file by which it was found
    assert run.process.wait(timeout=30) == 0
    assert run.left_behind() == []
    assert list(run.stacks.iterdir()) == []
