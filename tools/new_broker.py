"""Make a new broker's folder, saved answers' folder, simulator and kit, for the contract suite to lead on from there.

`make new-broker NAME=acme`. The files are tools/templates/broker with the name put in; nothing that exists is touched.
"""

import argparse
import keyword
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).parent / "templates" / "broker"
PLACES: Mapping[str, str] = {
    "__init__.py.tmpl": "shared/brokersync/brokers/acme/__init__.py",
    "README.md": "shared/brokersync/brokers/acme/README.md",
    "manifest.py.tmpl": "shared/brokersync/brokers/acme/manifest.py",
    "client.py.tmpl": "shared/brokersync/brokers/acme/client.py",
    "models.py.tmpl": "shared/brokersync/brokers/acme/models.py",
    "mapper.py.tmpl": "shared/brokersync/brokers/acme/mapper.py",
    "provider.py.tmpl": "shared/brokersync/brokers/acme/provider.py",
    "simulator.py.tmpl": "local/simulators/acme.py",
    "simulator_http.py.tmpl": "local/simulators/acme_http.py",
    "simulator_world.py.tmpl": "local/simulators/acme_world.py",
    "kit.py.tmpl": "local/simulators/kits/acme.py",
    "fixtures.md": "tests/fixtures/acme/README.md",
}
"""Which template becomes which file."""
MOST_LETTERS = 16


class BadNameError(ValueError):
    """The name can't be a broker's slug; says why, and what can."""


def new_broker(name: str, root: Path = ROOT) -> Sequence[Path]:
    """Make the files of a broker; returns them. Raises BadNameError, and writes nothing then."""
    _check(name, root)
    root = root.resolve()
    title = " ".join(word.capitalize() for word in name.split("_"))
    made = []
    for template, place in PLACES.items():
        target = root / place.replace("acme", name)
        text = (TEMPLATES / template).read_text()
        text = text.replace("AcmeClient", f"{title.replace(' ', '')}Client")
        text = text.replace("AcmeProvider", f"{title.replace(' ', '')}Provider")
        text = text.replace("Acme", title).replace("ACME", name.upper().replace("_", "")).replace("acme", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        made.append(target)
    _format([file for file in made if file.suffix == ".py"], root)
    return made


def _check(name: str, root: Path) -> None:
    well_formed = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is not None and not keyword.iskeyword(name)
    if not well_formed or len(name) > MOST_LETTERS:
        raise BadNameError(
            f"NAME: {name!r} can't be a broker's slug: take at most {MOST_LETTERS} lower-case letters and digits, "
            "words divided by _, such as acme or acme_futures"
        )
    there = [place.replace("acme", name) for place in PLACES.values() if (root / place.replace("acme", name)).exists()]
    if there:
        raise BadNameError(f"NAME: {name!r} is taken: {there[0]} is there already")


def _format(files: Sequence[Path], root: Path) -> None:
    """Put imports in order and lines in shape: both depend on the name."""
    ruff = (sys.executable, "-m", "ruff")
    subprocess.run([*ruff, "check", "--quiet", "--fix-only", "--select", "I", *files], cwd=root, check=True)
    subprocess.run([*ruff, "format", "--quiet", *files], cwd=root, check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; 1 for a name that can't be."""
    parser = argparse.ArgumentParser(prog="make new-broker", description=__doc__)
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="the slug: acme")
    try:
        made = new_broker(parser.parse_args(arguments).name)
    except BadNameError as error:
        print(f"brokersync: {error}", file=sys.stderr)
        return 1
    name = made[0].parent.name
    print("Made:")
    for file in made:
        print(f"  {file.relative_to(ROOT)}")
    print(f"The first failure says what to write next: .venv/bin/pytest tests/contract/brokers -x --tb=line -k {name}")
    print("The walk: docs/adding-a-broker.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
