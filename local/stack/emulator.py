"""MiniStack on a free port of 127.0.0.1, in its own process group and folder, so that stopping it leaves nothing."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import boto3

ACCOUNT_ID = "111122223333"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}

# All that MiniStack and the function's workers get to see of this machine's environment: a stray AWS_PROFILE, proxy
# or PYTHONPATH would change what the handlers do.
INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never behind a proxy

LOG = "ministack.log"
START_SECONDS = 30.0
STOP_SECONDS = 1.0  # nothing of it is kept, so there is nothing to wait for
GONE_SECONDS = 3.0
REMOVE_SECONDS = 5.0
START_ATTEMPTS = 3


class EmulatorError(Exception):
    """MiniStack can't be started on this machine; says why."""


class Emulator:
    """A running MiniStack; use it in a `with` statement.

    With `enforce_iam`, each call of a function is checked against its role's policies, as AWS does. Raises
    EmulatorError when it can't be started.
    """

    def __init__(self, *, enforce_iam: bool = False) -> None:
        self._enforce_iam = enforce_iam
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""
        self.folder = Path()

    def __enter__(self) -> Self:
        """Start it."""
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="brokersync-aws-"))
        except OSError as error:
            raise EmulatorError(f"no folder can be made in {tempfile.gettempdir()}: {error.strerror}") from None
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def session(self) -> boto3.Session:
        """A boto3 session with the emulator's credentials; its clients need `endpoint_url=emulator.endpoint`."""
        return boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the AWS CLI, SAM and boto3 find the emulator and nothing else."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def log_tail(self, lines: int) -> str:
        """The last lines that MiniStack wrote."""
        return "\n".join(self._log()[-lines:])

    def errors(self, most: int = 5) -> str:
        """The last different errors of MiniStack and of the functions, to tell why something did not happen."""
        wrong = [line[:500] for line in self._log() if " ERROR [" in line or '"level":"ERROR"' in line]
        return "\n".join(list(dict.fromkeys(wrong))[-most:])

    def _log(self) -> list[str]:
        try:
            return (self.folder / LOG).read_text(errors="replace").splitlines()
        except OSError:
            return []

    def stop(self) -> None:
        """End MiniStack with all its workers and remove its folder; safe to repeat, and not to be interrupted."""
        with _uninterrupted():
            self._end()
            if self.folder != Path():
                _remove(self.folder)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end_group(process)

    def _start(self) -> None:
        for attempt in range(1, START_ATTEMPTS + 1):
            port = _free_port()
            self.endpoint = f"http://127.0.0.1:{port}"
            self._spawn(port)
            if self._becomes_healthy():
                return
            reason = self.log_tail(5)
            self._end()
            if attempt == START_ATTEMPTS or "already in use" not in reason:  # somebody else took the port meanwhile
                raise EmulatorError(f"the laptop's AWS (MiniStack) did not start:\n{reason}")

    def _spawn(self, port: int) -> None:
        with (self.folder / LOG).open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.stack.guarded", str(self.folder)],
                cwd=self.folder,
                env=self._process_environment(port),
                stdin=subprocess.PIPE,  # held open: its end is ours, see guarded
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: Ctrl-C is ours to handle, and ending the group ends all
            )

    def _process_environment(self, port: int) -> dict[str, str]:
        folder = str(self.folder)
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **CREDENTIALS,
            "HOME": folder,
            "TMPDIR": folder,
            "STATE_DIR": f"{folder}/state",
            "S3_DATA_DIR": f"{folder}/s3",
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{folder}/no-docker",  # it would clean up other people's containers
            "AUTH": "true" if self._enforce_iam else "false",
        }

    def _becomes_healthy(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            with contextlib.suppress(OSError, urllib.error.URLError):
                _DIRECT.open(f"{self.endpoint}/_ministack/health", timeout=2).close()
                return True
            time.sleep(0.03)
        return False


def forget_machine_settings() -> None:
    """Remove from this process what would send its calls elsewhere: AWS's variables and proxies."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]


def _free_port() -> int:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return int(server.getsockname()[1])
    except OSError as error:
        raise EmulatorError(f"no port can be opened on 127.0.0.1: {error.strerror}") from None


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process politely, then whatever is left of its group, and wait until that is gone."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    deadline = time.monotonic() + GONE_SECONDS
    with contextlib.suppress(ProcessLookupError):  # raised when there is none left
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.01)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _remove(folder: Path) -> None:
    """Remove a folder into which a process that was just killed may still have been writing."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C for a moment: an impatient second one must not leave processes and files behind."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which is where Ctrl-C arrives
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
