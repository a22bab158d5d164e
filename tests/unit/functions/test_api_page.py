"""The status page in a real browser, served by the real handler under a path prefix."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect, sync_playwright

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Wanted
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.times import from_rfc3339
from brokersync.ports.feeds import Finish
from tests.extras import chromium
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import NEWS_NOTE, ApiWorld, a_feed, an_account
from tests.unit.functions.local_gateway import PREFIX, serve

pytestmark = pytest.mark.browser

SWITCHES = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
ALICE = "#token=token-of-alice"

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=SWITCHES + QUIET)
        yield browser
        browser.close()


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture
def open_page(browser: Browser, world: ApiWorld) -> Iterator[Open]:
    """Opens the page at the test's time, in Berlin. At the end, nothing may have gone wrong or elsewhere."""
    wrong: list[str] = []
    with serve(world) as address:

        def check(request: Request) -> None:
            url = urlsplit(request.url)
            if f"{url.scheme}://{url.netloc}" not in address or not url.path.startswith(PREFIX) or "token" in url.query:
                wrong.append(f"asked for {request.url}")

        def open_at(fragment: str = "", width: int = 1200, **options) -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": 800}, locale="en-GB", timezone_id="Europe/Berlin", **options
            )
            page = context.new_page()
            page.on("request", check)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda line: wrong.append(line.text) if "Content Security" in line.text else None)
            page.clock.install(time=START)
            page.goto(address + fragment)
            return page

        yield open_at
        for context in browser.contexts:
            context.close()
    assert wrong == []


def card(page: Page, account_id: str):
    return page.locator(f'[data-account-id="{account_id}"]')


def test_the_page_tells_each_account_and_all_together(world: ApiWorld, open_page: Open) -> None:
    # given a healthy account with trades, and one that waits for a retry
    world.add("acc_1")
    for number in range(25):
        world.trade("acc_1", f"t{number:02}", executed_at=from_rfc3339(f"2026-03-02T10:00:{number:02}Z"))
    world.add(
        "acc_2",
        outcome=Outcome.FAILED,
        error_code=ErrorCode.TIMEOUT,
        safe_message="The broker was too slow.",
        wanted=Wanted(job_id="job_7", kind=RequestedBy.RETRY, not_before=START + timedelta(minutes=5), attempt=1),
        last_successful_at=START - timedelta(hours=2),
    )

    # when
    page = open_page(ALICE)

    # then
    healthy, waiting = card(page, "acc_1"), card(page, "acc_2")
    expect(healthy.locator("h2")).to_have_text("Day trading")
    expect(healthy.locator(".broker")).to_have_text("Acme Markets · ...4711 · EUR")
    expect(healthy.locator(".title .badge")).to_have_text("Synced")
    expect(healthy.locator(".succeeded time")).to_have_text("11:29:00")
    expect(healthy.locator(".succeeded time")).to_have_attribute("title", "2026-03-02 10:29:00 UTC")
    expect(healthy.locator(".note")).to_have_text(NEWS_NOTE)
    expect(healthy.locator("summary")).to_contain_text("More than 20 trades, the latest: buy 100 EUR_USD, 11:00:24")
    expect(healthy.locator(".error")).to_be_hidden()
    expect(healthy.get_by_role("button")).to_have_text("Sync now")
    expect(waiting.locator(".title .badge")).to_have_text("Trying again at 11:35:00")
    expect(waiting.locator(".error .message")).to_have_text("The broker was too slow.")
    expect(waiting.locator(".error .step")).to_have_text("Nothing to do: we try again by ourselves.")
    expect(waiting.get_by_role("button")).to_have_text("Try again")
    expect(page.locator("#overall .badge")).to_have_text("Waiting")
    expect(page.locator("#overall .since time")).to_have_attribute("title", "2026-03-02 08:30:00 UTC")
    # and the latest trades open
    healthy.locator("summary").click()
    expect(healthy.locator("tbody tr")).to_have_count(20)


def test_the_token_leaves_the_address_and_survives_a_reload(world: ApiWorld, open_page: Open) -> None:
    # given
    world.add("acc_1")

    # when
    page = open_page(ALICE)
    expect(card(page, "acc_1")).to_be_visible()
    page.reload()

    # then
    expect(card(page, "acc_1")).to_be_visible()
    assert "token" not in page.url


def test_a_sync_is_followed_until_its_trades_are_there(world: ApiWorld, open_page: Open) -> None:
    # given a page that shows a failed account without trades
    feed = world.add("acc_1", outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, safe_message="Too slow.")
    page = open_page(ALICE)
    account = card(page, "acc_1")
    expect(account.locator(".trades")).to_have_text("No trades.")

    # when one tries again by keyboard
    account.get_by_role("button", name="Try again").focus()
    page.keyboard.press("Enter")

    # then it is queued, and the focus stays where it was
    expect(account.get_by_role("button")).to_have_text("Queued")
    expect(account.get_by_role("button")).to_be_focused()
    [(job, _, _)] = world.queue.jobs

    # when a worker takes it
    lease = world.hold("acc_1", job.job_id)

    # then the page says so by itself
    expect(account.locator(".title .badge")).to_have_text("Syncing")
    expect(page.locator("#overall .badge")).to_have_text("Syncing")

    # when it ends with a trade
    world.trade("acc_1", "t1")
    world.feeds.finish(
        lease,
        Finish(
            outcome=Outcome.SUCCEEDED,
            finished_at=START + timedelta(seconds=2),
            succeeded_at=START + timedelta(seconds=2),
            served_minute=None,
            wanted=None,
            runnable=True,
        ),
        replace(feed, wanted=world.feeds.get("acc_1").wanted),
    )

    # then
    expect(account.locator(".title .badge")).to_have_text("Synced")
    expect(account.locator("summary")).to_contain_text("1 trade, the latest")
    expect(account.locator(".error")).to_be_hidden()
    expect(account.get_by_role("button")).to_have_text("Sync now")


def test_an_account_that_needs_its_user_offers_no_vain_button(world: ApiWorld, open_page: Open) -> None:
    # given
    world.add(
        "acc_1",
        runnable=False,
        outcome=Outcome.FAILED,
        error_code=ErrorCode.CREDENTIALS_REJECTED,
        safe_message="The broker refused the token.",
    )

    # when
    page = open_page(ALICE)

    # then
    account = card(page, "acc_1")
    expect(account.locator(".title .badge")).to_have_text("Re-connect")
    expect(account.locator(".error .step")).to_have_text("Re-connect: enter a valid credential for this broker.")
    expect(account.get_by_role("button")).to_have_count(0)


def test_a_refused_sync_says_why_and_what_to_do(world: ApiWorld, open_page: Open) -> None:
    # given a page whose account loses its credential after it was read
    feed = world.add("acc_1")
    page = open_page(ALICE)
    button = card(page, "acc_1").get_by_role("button", name="Sync now")
    expect(button).to_be_visible()
    world.feeds._feeds["acc_1"] = replace(
        feed, runnable=False, error_code=ErrorCode.CONSENT_EXPIRED, safe_message="The consent has expired."
    )

    # when
    button.click()

    # then
    expect(card(page, "acc_1").locator(".answer")).to_have_text(
        "The consent has expired. Re-connect: make a new token at the broker and enter it here."
    )


def test_without_a_token_one_is_asked_for_and_a_keyboard_is_enough(world: ApiWorld, open_page: Open) -> None:
    # given
    world.add("acc_1")
    page = open_page()
    expect(page.get_by_label("Token")).to_be_focused()

    # when
    page.keyboard.type("token-of-alice")
    page.keyboard.press("Enter")

    # then
    expect(card(page, "acc_1")).to_be_visible()
    expect(page.locator("#sign-in")).to_be_hidden()


def test_a_token_that_is_refused_is_forgotten_with_all_it_showed(world: ApiWorld, open_page: Open) -> None:
    # given a page that shows an account
    world.add("acc_1")
    page = open_page(ALICE)
    expect(card(page, "acc_1")).to_be_visible()

    # when the token has expired at the next look
    page.evaluate("sessionStorage.setItem('token', 'expired')")
    page.clock.fast_forward("02:00")

    # then
    expect(page.locator("#sign-in-reason")).to_contain_text("not accepted any more")
    expect(page.locator(".account")).to_have_count(0)
    assert page.evaluate("sessionStorage.getItem('token')") is None


def test_i7_an_answer_that_comes_after_signing_out_is_not_shown(world: ApiWorld, open_page: Open) -> None:
    # given a page whose next look is answered late
    world.add("acc_1")
    page = open_page(ALICE)
    expect(card(page, "acc_1")).to_be_visible()
    late: list[Route] = []
    page.route("**/trading-accounts", lambda route: late.append(route))
    with page.expect_request("**/trading-accounts"):
        page.clock.fast_forward("02:00")

    # when one signs out before it comes
    page.get_by_role("button", name="Sign out").click()
    with page.expect_response("**/trading-accounts"):
        late[0].continue_()

    # then nothing is shown, and nothing more was asked for
    page.wait_for_timeout(200)
    expect(page.locator(".account")).to_have_count(0)
    expect(page.locator("#sign-in-reason")).to_have_text("The token is forgotten in this tab.")
    expect(page.get_by_label("Token")).to_be_focused()


def test_i5_what_may_be_old_is_said_to_be_and_mends_itself(world: ApiWorld, open_page: Open) -> None:
    # given a page, and an API that breaks
    world.add("acc_1")
    page = open_page(ALICE)
    expect(card(page, "acc_1")).to_be_visible()
    accounts, world.own._accounts = world.own._accounts, None

    # when it looks again
    page.clock.fast_forward("02:00")

    # then what it knew stays, and it says that this may be old
    expect(page.locator("#trouble")).to_contain_text("What you see may be old")
    expect(card(page, "acc_1")).to_be_visible()

    # when the API is well again
    world.own._accounts = accounts
    page.clock.fast_forward("02:00")

    # then
    expect(page.locator("#trouble")).to_be_hidden()


def test_what_a_broker_calls_an_account_is_text(world: ApiWorld, open_page: Open) -> None:
    # given
    feed = a_feed("acc_1", START)
    world.feeds.create(feed)
    name = "<img src=x onerror=alert(1)>"
    world.accounts.ensure(replace(an_account("acc_1", feed), name=name))

    # when
    page = open_page(ALICE)

    # then
    expect(card(page, "acc_1").locator("h2")).to_have_text(name)
    expect(page.locator("img")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_all_without_scrolling_sideways(world: ApiWorld, open_page: Open, scheme: str) -> None:
    # given an account with open trades
    world.add("acc_1")
    world.trade("acc_1", "t1", symbol="A" * 30)

    # when
    page = open_page(ALICE, width=360, color_scheme=scheme)
    card(page, "acc_1").locator("summary").click()

    # then
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    button = card(page, "acc_1").get_by_role("button").bounding_box()
    assert button["height"] >= 44
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(244, 245, 247)", "dark": "rgb(20, 23, 28)"}[scheme]
