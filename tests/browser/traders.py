"""Traders with accounts at the simulated OANDA who use nothing but the page."""

import re
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from brokersync.aws.users import DynamoUsers
from brokersync.domain.identity import user_id
from brokersync.domain.plans import Plan
from local.simulators.faults import Fault
from local.simulators.oanda_world import AccountSpec
from local.stack.identity import Person
from tests.browser.chromium import Watched
from tests.e2e.stage import SECRET, Stage

PATIENCE = 30_000  # ms; what takes long is MiniStack starting a function's process


class Visitor:
    """Somebody who can sign in, with an account at the broker."""

    def __init__(self, here: Stage, watched: Watched, *, plan: Plan = Plan.ELITE, **spec: object) -> None:
        self._here, self._watched = here, watched
        number = uuid.uuid4().int % 10_000_000
        usual: dict[str, object] = {
            "account": f"101-004-{number:07d}-001",
            "token": f"{SECRET}{uuid.uuid4().hex}",
            "seed": 11,
            "executions": 60,
            "days": 4,
        }
        self.spec = AccountSpec(**(usual | spec))  # type: ignore[arg-type]
        here.world.open_account(self.spec)
        self.subject = f"visitor-{uuid.uuid4().hex[:8]}"
        here.here.issuer.admit(Person(subject=self.subject, about=f"Plan {plan}"))
        DynamoUsers(here.stack.session).set_plan(user_id(here.here.issuer.issuer, self.subject), plan)

    def opens(self, width: int = 1200, **options) -> Page:
        """The page, signed in through the issuer's login page."""
        page = self._watched.open(f"{self._here.here.api_url}/", width, **options)
        self.signs_in(page)
        return page

    def signs_in(self, page: Page) -> None:
        """From the page to the login and back."""
        page.locator("main button").click()
        page.get_by_role("button", name=self.subject).click()
        expect(page.locator(".answer")).to_be_visible(timeout=PATIENCE)

    def connects(self, page: Page, token: str = "") -> None:
        """Through the form, to the overview again."""
        page.get_by_role("link", name=re.compile("Connect (a|another) broker")).click()
        page.get_by_role("link", name="OANDA").click()
        page.get_by_label("Personal access token").fill(token or self.spec.token)
        page.get_by_role("button", name="Connect", exact=True).click()

    def connected(self, page: Page) -> None:
        """Connect, and wait for the first sync's end."""
        self.connects(page)
        expect(badge(page)).to_have_text("Synced", timeout=PATIENCE)

    def breaks_down(self, *faults: Fault) -> None:
        """The broker answers this visitor's requests so from now on."""
        self._here.control.faults.add(*(fault.model_copy(update={"token": self.spec.token}) for fault in faults))

    def heals(self) -> None:
        """The broker is well again for this visitor."""
        left = [fault for fault, _ in self._here.control.faults.state() if fault.token != self.spec.token]
        self._here.control.faults.clear()
        self._here.control.faults.add(*left)

    def truth(self) -> Sequence[dict[str, object]]:
        """The executions in the broker's own books."""
        (account,) = self._here.world.truth({"account": self.spec.account})["accounts"]  # type: ignore[index]
        return account["executions"]


def badge(page: Page) -> Locator:
    """The first account's badge."""
    return page.locator(".group .badge").first


def path_of(page: Page) -> str:
    """Which screen the address names."""
    return urlsplit(page.url).fragment
