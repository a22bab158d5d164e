"""`make screenshots`: the README's pictures, taken of the demo as a visitor of `make run` sees it.

They are taken of the whole stack after the demo's first round; nothing is drawn or cropped by hand.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from brokersync.domain.identity import user_id
from local.commands.stack import Stack
from local.demo.brokers import demo_brokers
from local.demo.people import ONE, PLANS, TWO, people
from local.demo.round import connect_all, sync_all
from local.stack.emulator import forget_machine_settings
from local.stack.laptop import Laptop, laptop
from tests.browser.chromium import BERLIN, running_chromium

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PATIENCE = 30_000  # ms
WIDE, PHONE = (1200, 1000), (390, 844)
TRADED = "...-003"  # the account of the demo with the longest history


def main() -> None:
    """`python -m tests.browser.screenshots [FOLDER]`."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    forget_machine_settings()
    with demo_brokers() as brokers, laptop({one.key: one.endpoint for one in brokers}, people=people()) as here:
        os.environ.update(here.emulator.environment)
        stack = Stack(here.deployed.name, {trader: user_id(here.issuer.issuer, trader) for trader in PLANS})
        connected = connect_all(stack, [connection for broker in brokers for connection in broker.connections])
        sync_all(here, stack, connected, print)
        with running_chromium() as browser:
            for name, take in PICTURES.items():
                take(browser, here, folder / f"{name}.png")
                print(folder / f"{name}.png")


def signed_in(browser: Browser, here: Laptop, trader: str, size: tuple[int, int], **options) -> Page:
    """The page as this trader of the demo sees it."""
    viewport = {"width": size[0], "height": size[1]}
    page = browser.new_context(viewport=viewport, **(BERLIN | options)).new_page()
    page.goto(f"{here.api_url}/")
    page.locator("main button").click()
    page.get_by_role("button", name=trader).click()
    expect(page.locator(".answer")).to_be_visible(timeout=PATIENCE)
    page.wait_for_load_state("networkidle")
    return page


def picture(trader: str, size: tuple[int, int], tab: str = "", **options) -> Callable[[Browser, Laptop, Path], None]:
    """What takes a picture of the overview, or of a tab of the account with the longest history."""

    def take(browser: Browser, here: Laptop, file: Path) -> None:
        page = signed_in(browser, here, trader, size, **options)
        if tab:
            page.locator(".group", has_text=TRADED).locator("h3 a").click()
            page.locator(".tabs a").nth(TABS.index(tab)).click()
            expect(page.locator("[aria-busy]")).to_have_count(0, timeout=PATIENCE)
        time.sleep(1)  # lists of runs are read after the overview
        page.screenshot(path=file)
        page.context.close()

    return take


TABS = ("trades", "round-trips", "positions", "performance", "log")
PICTURES: dict[str, Callable[[Browser, Laptop, Path], None]] = {
    "page": picture(TWO, WIDE),
    "page-phone": picture(TWO, PHONE, locale="fr-FR", color_scheme="dark"),
    "trades": picture(ONE, WIDE, "trades"),
    "performance": picture(ONE, WIDE, "performance"),
}

if __name__ == "__main__":
    main()
