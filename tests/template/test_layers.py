"""layers/dependencies/requirements.txt is what uv.lock says, and no more than what runs on AWS."""

import re
import tomllib

from tests.template.reading import ROOT

LOCK = {package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
REQUIREMENTS = (ROOT / "layers" / "dependencies" / "requirements.txt").read_text()
PINNED = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", REQUIREMENTS, re.MULTILINE))


def needed() -> set[str]:
    """What the project needs on AWS, with all that this needs in turn, on every platform."""
    found: set[str] = set()
    waiting = ["brokersync"]
    while waiting:
        for dependency in LOCK[waiting.pop()].get("dependencies", ()):
            if dependency["name"] not in found:
                found.add(dependency["name"])
                waiting.append(dependency["name"])
    return found


def test_the_layer_has_what_the_project_needs_and_nothing_of_its_tests() -> None:
    # given the lock's own account of what the project needs; then the layer has that
    assert set(PINNED) == needed()
    # and none of what only tests and laptop need
    assert not {"moto", "ministack", "pytest", "awslambdaric", "typer"} & PINNED.keys()


def test_the_layer_has_the_versions_of_the_lock_by_hash() -> None:
    # given every pin; then its version is the lock's
    assert {name: LOCK[name]["version"] for name in PINNED} == PINNED
    # and every file that may be installed is one that the lock knows
    locked = {
        file["hash"]
        for name in PINNED
        for file in [*LOCK[name].get("wheels", ()), *filter(None, [LOCK[name].get("sdist")])]
    }
    hashes = set(re.findall(r"--hash=(sha256:\w+)", REQUIREMENTS))
    assert hashes
    assert hashes <= locked
