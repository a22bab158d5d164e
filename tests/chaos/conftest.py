"""One arena for all proofs: a stack whose own schedule and queues do nothing, and an OANDA without accounts."""

from collections.abc import Callable, Iterator

import pytest

from local.simulators.oanda_http import make_app
from local.simulators.oanda_world import World
from local.simulators.serving import serve_in_thread
from local.stack.laptop import laptop
from tests.chaos.arena import Arena
from tests.chaos.fleet import Fleet, fleet
from tests.e2e.schedule import stop_schedule


@pytest.fixture(scope="session")
def arena() -> Iterator[Arena]:
    world = World()
    app, control = make_app(world)
    with (
        serve_in_thread(app) as server,
        laptop({"oanda:practice": f"{server.base_url}/v3"}) as running,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in running.emulator.environment.items():
            environment.setenv(name, value)
        stop_schedule(running)
        yield Arena(running, world, control)


@pytest.fixture(scope="session")
def eight_workers(arena: Arena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(8, arena.worker_environment, tmp_path_factory.mktemp("workers") / "log") as workers:
        yield workers


Tell = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Prints a proof's line of figures, whatever pytest captures."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")

    return say
