"""The laptop's AWS as a guest of this machine: where it listens, what it sees, and what it leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import emulator as emulators
from local.stack.emulator import Emulator, forget_machine_settings
from local.stack.packaging import zip_folder
from tests.e2e.processes import listening, processes_of

pytestmark = pytest.mark.stack

ECHO_ENVIRONMENT = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"


def create_echo_function(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(ECHO_ENVIRONMENT)
    emulator.session.client("lambda", endpoint_url=emulator.endpoint).create_function(
        FunctionName="echo",
        Runtime=f"python{sys.version_info[0]}.{sys.version_info[1]}",
        Role="arn:aws:iam::111122223333:role/any",
        Handler="app.handler",
        Code={"ZipFile": zip_folder(tmp_path / "code")},
    )


def invoke_echo(emulator: Emulator) -> dict[str, str]:
    answer = emulator.session.client("lambda", endpoint_url=emulator.endpoint).invoke(FunctionName="echo")
    return json.loads(answer["Payload"].read())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_everything_listens_on_loopback_only_and_stopping_leaves_nothing(tmp_path: Path) -> None:
    # given an emulator with a function's worker alive
    with Emulator() as emulator:
        create_echo_function(emulator, tmp_path)
        invoke_echo(emulator)
        pids = processes_of(emulator.folder)
        addresses = listening(pids)
        assert len(pids) == 2

    # then it listens on 127.0.0.1 and nowhere else
    assert addresses == {"127.0.0.1"}
    # and afterwards neither process nor file is left
    assert processes_of(emulator.folder) == set()
    assert not emulator.folder.exists()


def test_functions_see_nothing_of_this_machines_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a shell that is set up for a real account behind a proxy
    names = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "https_proxy", "PYTHONPATH")
    monkeypatch.setattr(os, "environ", dict(os.environ) | dict.fromkeys(names, "of-this-machine"))
    with Emulator() as emulator:
        # when this process forgets it, and a function that was started from the shell tells its environment
        forget_machine_settings()
        create_echo_function(emulator, tmp_path)
        seen = invoke_echo(emulator)

    # then calls go to the emulator, and nothing of the shell is in the function
    assert seen["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert "of-this-machine" not in seen.values()


def test_a_port_that_somebody_else_takes_meanwhile_costs_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a port that was free when it was looked for, and is taken since
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = somebody.getsockname()[1]
        ports = iter([taken, emulators._free_port()])
        monkeypatch.setattr(emulators, "_free_port", lambda: next(ports))
        # when the emulator is started
        with Emulator() as emulator:
            # then it listens on another one, and answers there
            assert emulator.endpoint != f"http://127.0.0.1:{taken}"
            session = emulator.session
            assert session.client("sqs", endpoint_url=emulator.endpoint).list_queues().get("QueueUrls", []) == []


HOLDS_AN_EMULATOR = textwrap.dedent(
    """
    import signal
    import time
    from local.stack.emulator import Emulator
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs behind nohup and & is started to ignore it
    with Emulator() as emulator:
        print(emulator.folder, flush=True)
        time.sleep(60)
    """
)


def folder_of(program: "subprocess.Popen[str]") -> Path:
    """The emulator's folder, once the emulator runs."""
    assert program.stdout is not None
    folder = Path(program.stdout.readline().strip())
    assert processes_of(folder)
    return folder


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    """A program that holds an emulator, and tells its folder."""
    with subprocess.Popen([sys.executable, "-c", HOLDS_AN_EMULATOR], stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_leaves_no_process_and_no_file(program: "subprocess.Popen[str]") -> None:
    # given a program that holds an emulator
    folder = folder_of(program)
    # when it is interrupted, twice as impatient people do
    program.send_signal(signal.SIGINT)
    program.send_signal(signal.SIGINT)
    program.wait(timeout=20)
    # then nothing is left
    assert processes_of(folder) == set()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_program_that_is_killed_takes_its_emulator_along(program: "subprocess.Popen[str]") -> None:
    # given a program that holds an emulator
    folder = folder_of(program)
    # when it is killed, which leaves it no time to put anything away
    program.kill()
    # then its emulator ends by itself
    deadline = time.monotonic() + 20
    while processes_of(folder) or folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
