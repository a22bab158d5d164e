"""What the crash matrices share."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from brokersync.aws import connections
from brokersync.ports.connections import Connection
from local.stack.laptop import Laptop, laptop
from tests.crash.laboratory import Laboratory
from tests.e2e.stage import surroundings


@pytest.fixture(scope="session")
def running() -> Iterator[Laptop]:
    """One stack for all matrices of a process: their feeds and queues are their own."""
    with laptop({}) as here:
        yield here


@pytest.fixture
def laboratory(running: Laptop) -> Iterator[Laboratory]:
    with surroundings(running):
        yield Laboratory(running)


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
