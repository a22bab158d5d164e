"""`make new-broker`, tried in a copy of the tree: what it makes is in shape, and the suite leads on from there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.extras import ROOT

COPIED = ("shared", "local", "tests", "tools", "functions", "pyproject.toml")
NAME = "zebra_futures_20"  # as long as can be, sorts after everything, has digits and _


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the new broker in it."""
    copy = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copy(ROOT / name, copy / name)
    made = run(copy, "tools.new_broker", NAME)
    assert made.returncode == 0, made.stderr
    return copy


def run(tree: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A module of the tree, in the tree."""
    program = [sys.executable, "-m", module, *arguments]
    environment = {"PYTHONPATH": f"{tree}:{tree / 'shared'}", "PATH": "/usr/bin:/bin"}
    return subprocess.run(program, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def files_with(tree: Path, name: str) -> list[str]:
    return [str(file) for file in sorted(tree.rglob("*.py")) if name in str(file.relative_to(tree))]


def test_what_is_made_is_in_shape(tree: Path) -> None:
    # given the files of a new broker
    made = files_with(tree, NAME)
    assert len(made) == 10
    # when they are checked as all others are
    style = run(tree, "ruff", "check", *made)
    form = run(tree, "ruff", "format", "--check", *made)
    types = run(tree, "mypy", *made)
    # then nothing is wrong with them, and no other name is left in them
    assert (style.returncode, form.returncode, types.returncode) == (0, 0, 0), style.stdout + form.stdout + types.stdout
    assert [file for file in made if "acme" in Path(file).read_text().lower()] == []


def test_the_suite_says_what_to_write_next(tree: Path) -> None:
    # given a new broker in which nothing is written yet
    # when the suite is run over it, and over another broker
    some = "manifests or kits or test_syncs or credentials or saved"
    whole = run(tree, "pytest", "tests/contract/brokers", "-q", "--tb=line", "-k", f"{NAME} and ({some})")
    first = run(tree, "pytest", "tests/contract/brokers", "-q", "--tb=line", "-k", NAME, "-x")
    other = run(tree, "pytest", "tests/contract/brokers", "-q", "-k", "oanda and (test_kits or test_manifests)")
    # then it fails, and names each file with what to write there
    assert whole.returncode == 1, whole.stdout[-2000:]
    folder = f"shared/brokersync/brokers/{NAME}"
    for words in (
        f"{folder}/manifest.py: documentation_url: where the broker documents its API",
        f"{folder}/manifest.py: help: where the trader finds token",
        f"{folder}/manifest.py: base_url: where live is asked",
        f"{folder}/provider.py: fetch: ask",
        f"{folder}/provider.py: list_accounts: the accounts",
        f"local/simulators/kits/{NAME}.py: `errors` has no row",
        f"local/simulators/kits/{NAME}.py says nothing about expired, session_ends",
        f"{NAME} has no saved answers: put some into tests/fixtures/{NAME}/",
    ):
        assert words in whole.stdout, words
    # and the first failure is the first thing to write
    assert f"{folder}/manifest.py: documentation_url" in first.stdout
    # and no other broker is touched
    assert other.returncode == 0, other.stdout[-2000:]


def test_a_folder_without_a_kit_fails_with_what_to_write(tree: Path) -> None:
    # given a broker whose kit is not there
    kit = tree / "local" / "simulators" / "kits" / f"{NAME}.py"
    text = kit.read_text()
    kit.unlink()
    # when the suite is run over it
    ended = run(tree, "pytest", "tests/contract/brokers", "-q", "--tb=line", "-k", f"{NAME} and has_a_kit")
    kit.write_text(text)
    # then it says so
    assert ended.returncode == 1
    assert f"{NAME} has no kit: write its simulator, and local/simulators/kits/{NAME}.py" in ended.stdout


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "can't be a broker's slug"),
        ("Acme", "can't be a broker's slug"),
        ("2acme", "can't be a broker's slug"),
        ("acme-2", "can't be a broker's slug"),
        ("import", "can't be a broker's slug"),
        ("../acme", "can't be a broker's slug"),
        ("oanda", "is taken: shared/brokersync/brokers/oanda/__init__.py is there already"),
        (NAME, "is taken"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_made(tree: Path, name: str, problem: str) -> None:
    # given a tree
    before = {file: file.read_bytes() for file in tree.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    # when a broker of this name is asked for
    refused = run(tree, "tools.new_broker", name)
    # then the reason is told, and the tree is as it was
    assert refused.returncode == 1
    assert problem in refused.stderr
    after = {file: file.read_bytes() for file in tree.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert after == before
