"""How the page follows what goes on, by a clock that the test moves: the real handler over tables in memory."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome
from tests.browser.chromium import Watched
from tests.browser.gateway import serve
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import ISSUER, ApiWorld

pytestmark = pytest.mark.browser

DISCOVERY = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
}
Open = Callable[..., Page]


@pytest.fixture
def world() -> ApiWorld:
    made = ApiWorld()
    made.connect()
    return made


@pytest.fixture
def open_page(browser, world: ApiWorld) -> Iterator[Open]:
    """Opens the page as alice, at the test's time; the browser's clock stands still until it is moved."""
    with serve(world) as address:
        watched = Watched(browser, address.split("/_aws")[0], ISSUER)

        def opened(path: str = "", *, token: str | None = "", refresh: str = "") -> Page:
            ends = int((START + timedelta(days=1)).timestamp() * 1000)
            tokens = {"id": "1", "access_token": token or "token-of-alice", "refresh_token": refresh, "ends": ends}
            page = watched.context().new_page()
            if token is not None:  # somebody is signed in
                page.add_init_script(f"sessionStorage.tokens ??= {json.dumps(json.dumps(tokens))}")
            page.route(f"{ISSUER}/.well-known/openid-configuration", lambda route: route.fulfill(json=DISCOVERY))
            page.clock.install(time=START)
            return watched.watch(page, address + path)

        yield opened
        watched.close()


def badge(page: Page):
    return page.locator(".group .badge").first


def looks(page: Page) -> list[str]:
    """The conditional looks of the page from now on, by their answers' status."""
    seen: list[str] = []
    page.on("response", lambda answer: seen.append(str(answer.status)) if answer.url.endswith("/connections") else None)
    return seen


def pass_time(page: Page, world: ApiWorld, seconds: int, step: int = 1) -> None:
    """Let time go on, in the browser as at the service."""
    for _ in range(0, seconds, step):
        world.clock.advance(seconds=step)
        page.clock.run_for(step * 1000)
        page.wait_for_timeout(3)  # what was asked for meanwhile is answered


def test_a_quiet_page_asks_seldom_and_is_told_that_nothing_changed(world: ApiWorld, open_page: Open) -> None:
    # given a page that shows an account whose next sync is an hour away
    world.add("acc_1", interval_min=60)
    page = open_page()
    expect(badge(page)).to_have_text("Synced")
    seen = looks(page)

    # when ten minutes pass
    pass_time(page, world, 600, step=5)

    # then it has looked every two minutes at most, and the looks were cheap: nothing came with them
    assert 3 <= len(seen) <= 8
    assert seen.count("304") >= len(seen) - 1


def test_a_sync_that_was_asked_for_is_seen_to_begin_and_to_end_within_seconds(world: ApiWorld, open_page: Open) -> None:
    # given a page
    feed = world.add("acc_1")
    page = open_page()
    button = page.get_by_role("button", name="Sync now")
    expect(button).to_be_visible()

    # when a sync is asked for; then it is queued, and the focus stays where it was
    with page.expect_response("**/sync"):  # the button says so before the service has answered
        button.click()
    queued = page.get_by_role("button", name="Queued")
    expect(queued).to_be_focused()
    expect(queued).to_have_attribute("aria-disabled", "true")

    # when a worker takes the job; then the page says so within six seconds
    [(job, _, _)] = world.queue.jobs
    world.hold("acc_1", job.job_id)
    pass_time(page, world, 6)
    expect(badge(page)).to_have_text("Syncing")

    # when it ends; then that is seen as soon
    world.feeds._feeds["acc_1"] = replace(feed, wanted=None, lease=None, last_attempted_at=world.clock.now())
    pass_time(page, world, 6)
    expect(badge(page)).to_have_text("Synced")
    expect(page.get_by_role("button", name="Sync now")).to_be_focused()


def test_whoever_comes_back_after_an_hour_gets_a_sync_and_only_one(world: ApiWorld, open_page: Open) -> None:
    # given a page with old figures, opened in two tabs
    world.add("acc_1", last_attempted_at=START - timedelta(hours=2))
    first, second = open_page(), open_page()

    # then one job was made, whoever came first
    for page in (first, second):
        expect(page.get_by_role("button", name="Queued")).to_be_visible()
    assert len(world.queue.jobs) == 1


def test_whoever_comes_back_within_the_hour_only_looks(world: ApiWorld, open_page: Open) -> None:
    # given a page with figures of this hour
    world.add("acc_1", last_attempted_at=START - timedelta(minutes=50))
    page = open_page()
    expect(badge(page)).to_be_visible()

    # when it goes to the background and comes back
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(200)

    # then no sync was asked for
    assert world.queue.jobs == []


def test_i5_what_may_be_old_is_said_to_be_and_mends_itself(world: ApiWorld, open_page: Open) -> None:
    # given a page, and a service that breaks
    world.add("acc_1")
    page = open_page()
    expect(badge(page)).to_be_visible()
    page.route(
        "**/connections", lambda route: route.fulfill(status=503, json={"detail": "Down.", "next_step": "Wait."})
    )

    # when it looks again
    pass_time(page, world, 150, step=10)

    # then what it knew stays, and it says that this may be old
    expect(page.locator("#notice")).to_contain_text("What you see may be old")
    expect(badge(page)).to_be_visible()

    # when the service is well again; then the page is, too
    page.unroute("**/connections")
    pass_time(page, world, 150, step=10)
    expect(page.locator("#notice")).to_be_empty()


def test_a_token_that_is_refused_is_renewed_once_without_being_noticed(world: ApiWorld, open_page: Open) -> None:
    # given a page whose token the service does not take, though its time is not over
    world.add("acc_1")
    asked: list[str] = []

    def renew(route: Route) -> None:
        asked.append(route.request.post_data or "")
        route.fulfill(json={"access_token": "token-of-alice", "refresh_token": "next", "expires_in": 3600})

    context_page = open_page(token="withdrawn", refresh="good-once")
    context_page.route(f"{ISSUER}/token", renew)

    # when it is loaded anew
    context_page.reload()

    # then it renews the token, once, and goes on
    expect(badge(context_page)).to_be_visible()
    assert [("grant_type=refresh_token" in body, "refresh_token=good-once" in body) for body in asked] == [(True, True)]


def test_a_session_that_is_over_shows_nothing_any_more(world: ApiWorld, open_page: Open) -> None:
    # given a page that shows an account
    world.add("acc_1")
    page = open_page()
    expect(badge(page)).to_be_visible()

    # when its token is refused, and there is no other
    page.evaluate("sessionStorage.tokens = JSON.stringify({...JSON.parse(sessionStorage.tokens), access_token: 'old'})")
    pass_time(page, world, 150, step=10)

    # then it asks to sign in again, and has forgotten everything
    expect(page.locator("main")).to_contain_text("Your session has ended.")
    expect(page.locator(".group")).to_have_count(0)
    assert page.evaluate("sessionStorage.tokens") is None


def test_i7_an_answer_that_comes_after_signing_out_is_not_shown(world: ApiWorld, open_page: Open) -> None:
    # given a page whose next look is answered late
    world.add("acc_1")
    page = open_page()
    expect(badge(page)).to_be_visible()
    late: list[Route] = []
    page.route("**/connections", lambda route: late.append(route))
    pass_time(page, world, 130, step=10)
    assert late

    # when one signs out before it comes
    page.get_by_role("button", name="Sign out").click()
    late[0].continue_()
    page.wait_for_timeout(200)

    # then nothing is shown
    expect(page.locator(".group")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("You are signed out.")


def test_whoever_signs_out_is_told_so_whatever_was_under_way(world: ApiWorld, open_page: Open) -> None:
    # given a page on which a choice was made, whose answer is late
    page = open_page()
    late: list[Route] = []
    page.route("**/me", lambda route: late.append(route))
    page.get_by_label("Language").select_option("fr")
    expect(page.get_by_role("button", name="Se déconnecter")).to_be_visible()

    # when one signs out before it comes
    page.get_by_role("button", name="Se déconnecter").click()
    assert late
    late[0].continue_()
    page.wait_for_timeout(200)

    # then it isn't said that the session had ended by itself
    expect(page.locator("main")).to_contain_text("Vous êtes déconnecté.")


@pytest.mark.parametrize("answer", ["?code=stolen&state=guessed", "?error=access_denied&state=guessed"])
def test_i7_an_answer_to_a_sign_in_that_nobody_began_is_refused(world: ApiWorld, open_page: Open, answer: str) -> None:
    # when somebody who is not signed in follows a link with another one's code in it
    page = open_page(answer, token=None)

    # then nobody is signed in, and the code has left the address
    expect(page.locator("main")).to_contain_text("Signing in did not work.")
    assert "?" not in page.url


def test_what_is_typed_and_folded_out_stays_while_the_page_follows(world: ApiWorld, open_page: Open) -> None:
    # given an account's screen with a run folded out and a symbol being typed
    world.add("acc_1")
    page = open_page()
    page.evaluate("location.hash = '#/account/acc_1/trades'")
    symbol = page.get_by_label("Symbol")
    symbol.press_sequentially("EUR_")

    # when the account's status changes meanwhile
    feed = world.feeds.get("acc_1")
    world.feeds._feeds["acc_1"] = replace(
        feed, outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, safe_message="Too slow."
    )
    pass_time(page, world, 130, step=10)

    # then that is shown, and what was typed is still there, with the cursor in it
    expect(badge(page)).to_have_text("Failed")
    expect(symbol).to_have_value("EUR_")
    expect(symbol).to_be_focused()
