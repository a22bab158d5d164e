"""A real Chromium without network of its own, and what every page opened in it has to keep to."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.extras import chromium

SWITCHES = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
BERLIN = {"locale": "en-GB", "timezone_id": "Europe/Berlin"}
SECRETS_ALLOWED_IN = {"POST", "PATCH"}


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """The browser, until the `with` block ends; skips the test where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=SWITCHES + QUIET)
        yield browser
        browser.close()


class Watched:
    """Pages of one browser, and what went wrong in them: script errors, a broken content policy, strangers asked."""

    def __init__(self, browser: Browser, *origins: str) -> None:
        self._browser = browser
        self._origins = origins
        self.wrong: list[str] = []

    def context(self, width: int = 1200, **options) -> BrowserContext:
        """A new visitor with a device of his own."""
        return self._browser.new_context(viewport={"width": width, "height": 900}, **(BERLIN | options))

    def open(self, address: str, width: int = 1200, **options) -> Page:
        """The page as that visitor sees it."""
        return self.watch(self.context(width, **options).new_page(), address)

    def watch(self, page: Page, address: str) -> Page:
        """Go there and note what goes wrong from then on."""
        page.on("request", self._check)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda line: self.wrong.append(line.text) if "Content Security" in line.text else None)
        page.goto(address)
        return page

    def close(self) -> None:
        """Close everything; fails when anything was wrong."""
        for context in self._browser.contexts:
            context.close()
        assert self.wrong == []

    def _check(self, request: Request) -> None:
        url = urlsplit(request.url)
        if f"{url.scheme}://{url.netloc}" not in self._origins:
            self.wrong.append(f"asked a stranger: {request.url}")
        if "token" in url.query:
            self.wrong.append(f"a token in an address: {request.url}")
