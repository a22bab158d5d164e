"""What every test gets: no real AWS within reach, no network but loopback (see pyproject's pytest options)."""

import os

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, not about the code.
settings.register_profile("brokersync", deadline=None)
settings.load_profile("brokersync")

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1")


@pytest.fixture(autouse=True)
def _metrics_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions emit metrics into a namespace of the tests."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "tests")
