"""The sync function as it is deployed: its file, our package and the layer's locked dependencies, and nothing else.

In the project's own environment packages are found that no layer has (rich and h2, for which httpx looks), and imports
are dearer by them. Everything is compiled, so that what is measured is importing and not compiling.
"""

import compileall
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.stack.deploy import ROOT
from tests.bench.environments import throwaway
from tests.bench.processes import Child
from tools.setup import UnfitError

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Where it lies, and the Python that runs it."""

    python: str
    function: Path
    shared: Path

    def worker(self, environment: Mapping[str, str]) -> Child:
        """A process of the function."""
        # -P: the script's own folder is no place to import from.
        command = [self.python, "-P", str(WORKER), str(self.function)]
        return Child(command, {**environment, "PYTHONPATH": str(self.shared)})


@contextmanager
def packaged(say: Callable[[str], None]) -> Iterator[Package]:
    """Build it in a folder that goes afterwards.

    Where the dependencies can't be installed it says so and takes the project's own environment.
    """
    with TemporaryDirectory(prefix="brokersync-package-") as temporary:
        folder = Path(temporary)
        for source, target in ((ROOT / "shared", folder / "shared"), (ROOT / "functions" / "sync", folder / "sync")):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            compileall.compile_dir(target, quiet=2)
        requirements = ROOT / "layers" / "dependencies" / "requirements.txt"
        try:
            python = throwaway(folder / "layer", "--require-hashes", "--requirements", str(requirements))
        except UnfitError as unfit:
            say(f"The start is measured with packages that no layer has, as the layer can't be installed here: {unfit}")
            python = sys.executable
        yield Package(python=python, function=folder / "sync", shared=folder / "shared")
