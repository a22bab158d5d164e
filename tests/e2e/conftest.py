"""The laptop's AWS for tests: started once per file, emptied between tests by whoever needs it empty."""

from collections.abc import Iterator

import pytest

from local.stack.emulator import Emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """MiniStack without a stack in it."""
    with Emulator() as running:
        yield running
