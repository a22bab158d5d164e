"""What every test gets: no real AWS within reach, no network but loopback (see pyproject's pytest options)."""

import os

import pytest

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1")


@pytest.fixture(autouse=True)
def _no_leftover_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that sets environment variables does it by monkeypatch, so the next one starts clean."""
    monkeypatch.setenv("POWERTOOLS_DEV", "0")
