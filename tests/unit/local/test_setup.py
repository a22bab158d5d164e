"""The set-up on machines that are fit, and on those that are not."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup

ROOT = Path(__file__).resolve().parents[3]
TOLD_WHAT_CALLED_IT = "import sys; print(sys.version_info[0], sys.version_info[1], *sys.argv[1:])"


def executable(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A project with only the finder, on a machine with no Python but the ones a test puts on PATH."""
    (tmp_path / "project" / "tools").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "home").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "project" / "tools")
    (tmp_path / "project" / "tools" / "setup.py").write_text(TOLD_WHAT_CALLED_IT)
    (tmp_path / "bin" / "dirname").symlink_to(shutil.which("dirname") or "")
    return tmp_path


def find_python(machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("sh") or "/bin/sh", str(machine / "project" / "tools" / "setup.sh")],
        env={"PATH": str(machine / "bin"), "HOME": str(machine / "home"), **environment},
        capture_output=True,
        text=True,
    )


def test_shims_that_fail_are_passed_over(machine: Path) -> None:
    # given a pyenv shim for a version that is not active, before a Python that works
    executable(machine / "bin" / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    (machine / "bin" / "python3").symlink_to(sys.executable)
    # when Python is looked for
    found = find_python(machine)
    # then the one that works does the rest, and nobody is bothered with the other
    assert found.stdout.split() == [str(sys.version_info[0]), str(sys.version_info[1]), ".venv"]
    assert found.stderr == ""


def test_an_interpreter_of_pyenv_is_found_though_none_is_on_the_path(machine: Path) -> None:
    # given no Python on PATH, and one installed by pyenv
    folder = machine / "home" / ".pyenv" / "versions" / "3.11.9" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to(sys.executable)
    # when Python is looked for, then it is found
    assert find_python(machine).stdout.split()[-1] == ".venv"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("/no/such/python", "PYTHON=/no/such/python is not a working Python 3.11, 3.12 or 3.13: name another one."),
        ("", "no Python 3.11, 3.12 or 3.13 found: install one, or name it: make PYTHON=/path/to/python3.13 ..."),
    ],
)
def test_a_machine_without_a_fit_python_gets_one_sentence(machine: Path, named: str, expected: str) -> None:
    # given a Python that is too old
    executable(machine / "bin" / "python3", "exit 1")
    # when the set-up is asked for
    refused = find_python(machine, PYTHON=named)
    # then it says so in one sentence
    assert (refused.returncode, refused.stderr) == (1, f"brokersync: {expected}\n")


def test_a_python_without_the_venv_module_gets_one_sentence(machine: Path) -> None:
    # given a Python whose venv module is a package of its own, as on Debian
    executable(machine / "bin" / "python3", f'case "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"')
    # when the set-up is asked for
    refused = find_python(machine)
    # then it says what to install
    assert refused.returncode == 1
    assert refused.stderr.startswith("brokersync: python3 has no venv module: install it (Debian: apt-get install")
    assert refused.stderr.count("\n") == 1


def test_too_small_a_disk_is_named_with_what_is_free_and_needed(tmp_path: Path) -> None:
    # given a folder that is not made yet, when more is needed than any disk has, then the disk it will be on is named
    with pytest.raises(
        setup.UnfitError, match=rf"^{tmp_path} has \d+\.\d GB of free disk, 1000000000\.0 GB are needed"
    ):
        setup.check_disk(tmp_path / "not" / "made" / "yet", 10**18)


def test_what_is_set_up_already_costs_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given an environment that the lock in force has made
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "uv.lock").write_text("version = 1")
    venv = tmp_path / ".venv"
    venv.mkdir()
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (venv / setup.STAMP).write_text(json.dumps(setup.wanted_state(this)))

    def no_process(*command: str, **environment: str) -> None:
        raise AssertionError(command)

    monkeypatch.setattr(setup, "run", no_process)
    # when it is set up again, then nothing is run
    setup.set_up(venv)
    # but a changed lock is noticed
    (tmp_path / "uv.lock").write_text("version = 2")
    with pytest.raises(AssertionError):
        setup.set_up(venv)


def test_an_environment_of_another_python_is_recognised(tmp_path: Path) -> None:
    # given an environment as uv writes it, with an interpreter that is there and one that is gone
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.9.18\n")
    assert setup.python_of(tmp_path) == ""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    # then its version is told, whichever tool made it
    assert setup.python_of(tmp_path) == "3.9"
    (tmp_path / "pyvenv.cfg").write_text("version = 3.11.7\n")
    assert setup.python_of(tmp_path) == "3.11"
