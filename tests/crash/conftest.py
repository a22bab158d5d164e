"""What the crash matrices share."""

from collections.abc import Callable, Mapping

import pytest

from brokersync.aws import connections
from brokersync.ports.connections import Connection


@pytest.fixture(autouse=True)
def _cheap_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting takes no scrypt, which is slow on purpose; to a run, a fingerprint is a name in its limit's key."""

    def fingerprint(connection: Connection, secrets: Mapping[str, str]) -> str:
        return f"{connection.broker} {hash(tuple(sorted(secrets.items())))}"

    monkeypatch.setattr(connections, "fingerprint", fingerprint)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line of figures past pytest's capturing."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")

    return line
