"""The page for everybody: axe finds nothing on any screen, light and dark, wide and on a phone, and it all fits."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Watched
from tests.browser.traders import PATIENCE, Visitor, badge
from tests.e2e.stage import Stage

pytestmark = [pytest.mark.stack, pytest.mark.browser]

PHONE, WIDE = 360, 1280
TOUCH = 44  # px, the least height of what a finger has to hit
TABS = ("trades", "round-trips", "positions", "performance", "log")
SCREENS = ["", "/connect", "/connect/mt5", *(f"/account/{{}}/{tab}" for tab in TABS)]


@pytest.fixture(scope="module")
def visitor(browser: Browser, here: Stage) -> Iterator[Visitor]:
    """Somebody with an account in good order and one that was refused."""
    watched = Watched(browser, here.here.api_url.split("/_aws")[0], here.here.issuer.issuer)
    somebody = Visitor(here, watched, executions=120, days=6)
    page = somebody.opens()
    somebody.connected(page)
    somebody.connects(page, token="not-the-brokers")
    expect(page.locator(".error")).to_be_visible(timeout=PATIENCE)
    watched.close()
    return somebody


def violations(page: Page) -> list[str]:
    """What axe finds, each with the elements it is about."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_every_screen_is_accessible_and_fits(visitor: Visitor, watched: Watched, width: int) -> None:
    # given a visitor's device
    visitor._watched = watched
    page = visitor.opens(width)
    account = page.locator(".group h3 a").first.get_attribute("href").split("/")[-1]
    wrong = []
    for screen in SCREENS:
        # when each screen is opened, by day and by night
        page.evaluate("(hash) => { location.hash = hash }", screen.format(account))
        expect(page.locator("[aria-busy]")).to_have_count(0, timeout=PATIENCE)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # then axe finds nothing, and nothing has to be scrolled sideways
            wrong += [f"{screen} ({scheme}): {one}" for one in violations(page)]
            wrong += [f"{screen} ({scheme}): {overflow(page)} px too wide"] if overflow(page) > 0 else []
    assert wrong == []


def test_the_login_page_and_the_first_screen_are_accessible(here: Stage, watched: Watched) -> None:
    # given nobody
    page = watched.open(f"{here.here.api_url}/", PHONE)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    # then the first screen is in order
    assert violations(page) == []
    # and so is the login page
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/authorize**")
    assert violations(page) == []


def test_a_finger_hits_every_control_on_a_phone(visitor: Visitor, watched: Watched) -> None:
    # given the overview on a phone
    visitor._watched = watched
    page = visitor.opens(PHONE, has_touch=True)
    expect(badge(page)).to_be_visible()
    # then every button, choice and switch is high enough
    low = page.evaluate(
        "(least) => [...document.querySelectorAll('button, .button, select, .switch')]"
        ".filter((e) => e.getBoundingClientRect().height < least).map((e) => e.outerHTML.slice(0, 80))",
        TOUCH,
    )
    assert low == []


def test_letters_twice_as_big_lose_nothing(visitor: Visitor, watched: Watched) -> None:
    # given a reader who needs letters of twice the size
    visitor._watched = watched
    page = visitor.opens(WIDE)
    page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    # then nothing has to be scrolled sideways
    assert overflow(page) <= 0
    # and the answer is still there to read
    expect(page.locator(".headline")).to_be_in_viewport()


def test_the_broken_account_is_found_from_the_top(visitor: Visitor, watched: Watched) -> None:
    # given an overview that says which account has a problem
    visitor._watched = watched
    page = visitor.opens(PHONE)
    link = page.locator(".worries a").first
    # when one follows it by keyboard
    link.focus()
    page.keyboard.press("Enter")
    # then that account is on the screen and has the focus
    focused = page.locator(".group:focus")
    expect(focused).to_be_in_viewport()
    expect(focused.locator(".error")).to_be_visible()


def test_what_a_broker_calls_an_account_is_text(here: Stage, watched: Watched) -> None:
    # given an account that the broker calls by something that looks like HTML
    somebody = Visitor(here, watched)
    page = somebody.opens()
    alias = "<img src=x onerror=alert(1)>"
    somebody.connected(page)
    page.route(
        "**/connections",
        lambda route: route.fulfill(body=route.fetch().text().replace('"name":"Simulated"', f'"name":"{alias}"')),
    )
    # when it is shown; then it is text
    page.reload()
    expect(page.locator(".accounts")).to_contain_text(alias, timeout=PATIENCE)
    expect(page.locator("main img")).to_have_count(0)
