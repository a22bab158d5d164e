"""The whole stack and a real browser, for tests that use the page as traders do."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Watched, running_chromium
from tests.e2e.stage import Stage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as running:
        yield running


@pytest.fixture
def watched(browser: Browser, here: Stage) -> Iterator[Watched]:
    """Pages, for which nothing may go wrong or be asked elsewhere."""
    page = urlsplit(here.here.api_url)
    visited = Watched(browser, f"{page.scheme}://{page.netloc}", here.here.issuer.issuer)
    yield visited
    visited.close()
