"""Every broker folder meets every test: parametrised by the slugs of the catalog, so that `-k acme` runs one broker."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import cache

import pytest

from brokersync.brokers.catalog import BrokerCatalog
from local.simulators.kit import BrokerKit, KitClock, Past, kit_of, stop_serving
from tests.contract.brokers.connected import Connected
from tests.contract.brokers.error_cases import cases_of
from tests.contract.brokers.recording import logs

Connect = Callable[..., Connected]

_ORDER = (
    "test_manifests",
    "test_kits",
    "test_syncs",
    "test_rows",
    "test_pages",
    "test_credentials",
    "test_errors",
    "test_honesty",
    "test_loads",
    "test_saved_answers",
    "test_recording",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "demands(*demands): runs for the brokers that have these; test_kits holds the others to their reasons",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Brokers with a kit (test_kits fails for the others), without those that lack a demand and have said why."""
    if "kit" not in metafunc.fixturenames:
        return
    demands = {demand for mark in metafunc.definition.iter_markers("demands") for demand in mark.args}
    kits = [kit for kit in _kits() if not demands & set(kit.lacks)]
    if "case" not in metafunc.fixturenames:
        metafunc.parametrize("kit", kits, ids=[kit.slug for kit in kits])
        return
    cases = [(kit, case) for kit in kits for case in cases_of(kit)]
    metafunc.parametrize(("kit", "case"), cases, ids=[f"{kit.slug}-{case.name}" for kit, case in cases])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order in which a new broker is written: so the first failure says what to write next.

    What no broker has yet is nobody's test: it begins to run with the first kit that offers it.
    """
    items[:] = [item for item in items if not _is_nobodys(item)]
    items.sort(key=lambda item: _ORDER.index(item.path.stem) if item.path.stem in _ORDER else len(_ORDER))


def _is_nobodys(item: pytest.Item) -> bool:
    return any("empty parameter set" in mark.kwargs.get("reason", "") for mark in item.iter_markers("skip"))


@cache
def _kits() -> Sequence[BrokerKit]:
    kits = []
    for slug in BrokerCatalog().slugs():
        with suppress(Exception):  # a kit that can't be loaded fails its own broker's test_kits, not everybody's tests
            kits.append(kit_of(slug))
    return kits


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    yield
    stop_serving()


@pytest.fixture
def connect(kit: BrokerKit) -> Iterator[Connect]:
    """Starts a scene with this past and connects a trader to it."""
    with ExitStack() as stack:

        def connected(past: Past = Past.SHORT, **options: object) -> Connected:
            clock = KitClock()
            scene = stack.enter_context(kit.start(clock, past))
            heard = stack.enter_context(logs())
            trader = Connected(kit, scene, clock, heard, **options)
            stack.callback(trader.close)
            return trader

        yield connected
