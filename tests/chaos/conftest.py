"""One arena for all proofs: a stack whose own schedule and queues do nothing, and simulated brokers."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from local.simulators.oanda_http import make_app
from local.simulators.oanda_world import World
from local.simulators.serving import serve_in_thread
from local.stack.laptop import laptop
from tests.chaos.arena import Arena, Clock
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.scenes import Staged, endpoints, staged, until_tuesday_morning
from tests.e2e.roles import Role
from tests.e2e.schedule import consume, stop_schedule
from tests.e2e.stage import surroundings

OTHERS = ("ibkr_flex",)  # OANDA has a world of its own, with as many accounts as the proofs need


@pytest.fixture(scope="session")
def clock() -> Clock:
    clock = Clock()
    until_tuesday_morning(clock)
    return clock


@pytest.fixture(scope="session")
def scenes(clock: Clock) -> Iterator[Mapping[str, Staged]]:
    """One scene of each other broker."""
    with staged(clock, OTHERS) as made:
        yield made


@pytest.fixture(scope="session")
def arena(clock: Clock, scenes: Mapping[str, Staged]) -> Iterator[Arena]:
    world = World()
    app, control = make_app(world)
    with (
        serve_in_thread(app) as server,
        laptop({}, enforce_iam=True) as running,
        surroundings(running),
    ):
        stop_schedule(running)
        consume(running, "", False)
        yield Arena(running, clock, world, control, {"oanda:practice": f"{server.base_url}/v3", **endpoints(scenes)})


@pytest.fixture(scope="module", autouse=True)
def _in_the_arena(arena: Arena) -> Iterator[None]:
    """Tests of other folders have their own stacks in this process."""
    with surroundings(arena.laptop):
        yield


@pytest.fixture(scope="session")
def eight_workers(arena: Arena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Workers with the rights of the sync function, and no others."""
    credentials = Role(arena.laptop, "SyncRole", tmp_path_factory.mktemp("role")).credentials()
    with fleet(8, arena.worker_environment(credentials), tmp_path_factory.mktemp("workers") / "log") as workers:
        yield workers


Tell = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Prints a proof's line of figures, whatever pytest captures."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")

    return say
