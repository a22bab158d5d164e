"""What every test gets: no real AWS within reach, no network but loopback (see pyproject's pytest options)."""

import gc
import hashlib
import os
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

# How long an example takes says something about the machine, not about the code.
settings.register_profile("brokersync", deadline=None)
settings.load_profile("brokersync")

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1")

# Each HTTP client loads the machine's CA bundle, which takes longer than most tests; nothing here speaks TLS.
ssl.create_default_context = cache(ssl.create_default_context)  # the same for all, made once
# Connecting takes it, and it is slow on purpose; what is equal before it is equal after it.
hashlib.scrypt = cache(hashlib.scrypt)

OWN_AWS = {"unit", "contract", "simulators", "template"}  # folders whose tests know no stack that others hold
HOME = Path(__file__).parent


def pytest_collection_finish() -> None:
    """What stands by now stands until the end: looking through it for garbage takes a tenth of the tests' time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def _no_other_tests_aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that tests of another folder keep running in this process is not to be found by accident."""
    if request.path.relative_to(HOME).parts[0] in OWN_AWS:
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture(autouse=True)
def _metrics_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions emit metrics into a namespace of the tests."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "tests")


@pytest.fixture(scope="session")
def shared_stage() -> "Iterator[Stage]":
    """The stack with every permission enforced, for tests that mind their own traders only; it ticks when told to."""
    from tests.e2e.stage import stage  # what takes long to import is for those who need it

    with stage(enforce_iam=True) as made:
        yield made


@pytest.fixture(scope="module")
def here(shared_stage: "Stage") -> "Iterator[Stage]":
    """The stage of a file that has none of its own."""
    from tests.e2e.stage import surroundings

    with surroundings(shared_stage.here):
        shared_stage.dispatcher_is_up_to_date()
        yield shared_stage
