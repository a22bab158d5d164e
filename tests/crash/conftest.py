"""What the crash matrices share."""

from collections.abc import Callable

import pytest


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line of figures past pytest's capturing."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")

    return line
