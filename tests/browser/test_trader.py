"""What a trader does with the page, in Chromium against the whole stack: nothing here is faked but the broker."""

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from brokersync.domain.plans import Plan
from local.simulators.faults import Fault
from tests.browser.chromium import Watched
from tests.browser.traders import PATIENCE, Visitor, badge, path_of
from tests.e2e.stage import SECRET, Stage

pytestmark = [pytest.mark.stack, pytest.mark.browser]

SLOW = Fault(path="/transactions", delay=1.5, times=None)
CUT_SHORT = Fault(path="/summary", keep_bytes=20, times=None)


def press_until_focused(page: Page, name: str, role: str = "") -> None:
    """Tab on until something with this name has the focus: whoever has no mouse gets there, or not at all."""
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "(() => { const e = document.activeElement; const l = e.labels?.[0]?.textContent ?? '';"
            " return [e.tagName, (e.getAttribute('aria-label') || l || e.textContent || '').trim()] })()"
        )
        if seen[1].startswith(name):
            return
    raise AssertionError(f"no way to {name!r} by keyboard")


def test_a_newcomer_signs_in_connects_and_sees_the_first_sync_by_keyboard_alone(here: Stage, watched: Watched) -> None:
    # given somebody who has nothing connected, at a broker that takes its time
    visitor = Visitor(here, watched)
    visitor.breaks_down(SLOW)
    page = watched.open(f"{here.here.api_url}/")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()

    # when he signs in, chooses the broker and enters his token, all by keyboard
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/authorize"))
    press_until_focused(page, visitor.subject)
    page.keyboard.press("Enter")
    expect(page.locator(".headline")).to_have_text("There are none yet.", timeout=PATIENCE)
    press_until_focused(page, "Connect a broker")
    page.keyboard.press("Enter")
    press_until_focused(page, "OANDA")
    page.keyboard.press("Enter")
    press_until_focused(page, "Personal access token")
    page.keyboard.type(visitor.spec.token)
    page.keyboard.press("Enter")

    # then he sees that it is being loaded, and is not told that he can trust it
    expect(badge(page)).to_have_text("Syncing", timeout=PATIENCE)
    expect(page.locator(".headline")).to_contain_text("Not yet")
    expect(page.locator(".bar")).to_be_visible()

    # when the broker has answered; then the page says so by itself
    expect(badge(page)).to_have_text("Synced", timeout=PATIENCE)
    expect(page.locator(".headline")).to_have_text("Yes. Your account is up to date.")
    visitor.heals()

    # and the token is nowhere in the page, its storage or its address
    kept = page.evaluate(
        "JSON.stringify([document.documentElement.outerHTML, {...sessionStorage}, {...localStorage}, location.href])"
    )
    assert SECRET not in kept


def test_i5_a_failure_is_told_and_try_again_mends_it(here: Stage, watched: Watched) -> None:
    # given an account that is synced, whose broker then answers half sentences
    visitor = Visitor(here, watched)
    page = visitor.opens()
    visitor.connected(page)
    visitor.breaks_down(CUT_SHORT)

    # when a sync is asked for
    page.get_by_role("button", name="Sync now").click()

    # then the page says that it went wrong, and from when the data is
    expect(badge(page)).to_have_text("Failed", timeout=PATIENCE)
    expect(page.locator(".headline")).to_contain_text("1 of 1 accounts has a problem")
    expect(page.locator(".worries")).to_contain_text("OANDA")
    expect(page.locator(".error")).to_contain_text("our developers have been told")
    expect(page.locator(".facts time").first).to_be_visible()

    # when the broker is well again and the one button is pressed
    visitor.heals()
    page.get_by_role("button", name="Try again").click()

    # then all is well
    expect(badge(page)).to_have_text("Synced", timeout=PATIENCE)
    expect(page.locator(".error")).to_have_count(0)
    expect(page.locator(".headline")).to_have_text("Yes. Your account is up to date.")


def test_a_revoked_credential_is_told_and_a_new_one_mends_it(here: Stage, watched: Watched) -> None:
    # given an account whose token the broker does not take any more
    visitor = Visitor(here, watched)
    page = visitor.opens()
    visitor.connected(page)
    visitor.breaks_down(Fault(status=401, times=None))
    page.get_by_role("button", name="Sync now").click()
    expect(badge(page)).to_have_text("Re-connect", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Sync now")).to_have_count(0)

    # when one follows the one right button and enters a token, which is never shown
    visitor.heals()
    page.get_by_role("link", name="Re-connect").click()
    field = page.get_by_label("Personal access token")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "off")
    expect(field).to_have_value("")
    field.fill(visitor.spec.token)
    page.get_by_role("button", name="Save and check").click()

    # then it goes on from where it was
    expect(badge(page)).to_have_text("Synced", timeout=PATIENCE)
    assert path_of(page) == "/"


def test_a_form_says_which_field_is_wrong_and_loses_nothing(here: Stage, watched: Watched) -> None:
    # given the form of a broker
    visitor = Visitor(here, watched)
    page = visitor.opens()
    page.get_by_role("link", name="Connect a broker").click()
    page.get_by_role("link", name="OANDA").click()

    # when it is sent without a token; then the field says so and has the focus
    page.get_by_role("button", name="Connect", exact=True).click()
    field = page.get_by_label("Personal access token")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".said")).to_have_text("Some fields are still empty.")

    # when the service can't be reached; then what was typed stays
    field.fill("a-token")
    page.route("**/connections", lambda route: route.abort())
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("form .said")).to_contain_text("can't be reached")
    expect(field).to_have_value("a-token")


def test_the_schedule_is_the_traders_choice_within_the_plan(here: Stage, watched: Watched) -> None:
    # given a trader on the plan pro with a synced account
    visitor = Visitor(here, watched, plan=Plan.PRO)
    page = visitor.opens()
    visitor.connected(page)
    interval = page.get_by_label("How often")

    # then what the plan does not allow can be seen and not chosen
    expect(interval.locator("option[value='5']")).to_be_disabled()
    expect(page.locator("footer")).to_contain_text("Plan pro")

    # when another interval is chosen, and auto-sync is switched off
    interval.select_option("30")
    expect(interval).to_have_value("30")
    page.wait_for_timeout(300)
    page.get_by_role("switch").click()

    # then the page says that nothing comes by itself, also after a reload
    expect(page.locator(".facts")).to_contain_text("auto-sync is off", timeout=PATIENCE)
    page.reload()
    expect(page.get_by_role("switch")).not_to_be_checked(timeout=PATIENCE)

    # when it is switched on again; then it has the interval that was chosen
    page.get_by_role("switch").click()
    expect(page.get_by_label("How often")).to_have_value("30", timeout=PATIENCE)


def test_yesterdays_trades_and_what_they_came_to_are_two_clicks_away(here: Stage, watched: Watched) -> None:
    # given an account with trades of several days
    visitor = Visitor(here, watched, executions=200, days=5)
    page = visitor.opens()
    visitor.connected(page)

    # when the account is opened and yesterday chosen
    page.locator("h3 a").first.click()
    page.get_by_role("button", name="Yesterday").click()

    # then there are yesterday's trades, by the trader's own day, each one that the broker has
    expect(page.locator(".sums")).to_be_visible(timeout=PATIENCE)
    shown = page.locator("tbody tr").count()
    day = page.get_by_label("From", exact=True).input_value()
    assert page.get_by_label("To", exact=True).input_value() == day
    seconds = [int(str(one["executed_at_ns"])) / 1e9 for one in visitor.truth()]
    in_berlin = [datetime.fromtimestamp(one, ZoneInfo("Europe/Berlin")).date().isoformat() for one in seconds]
    assert shown == in_berlin.count(day) > 0

    # and the other screens have their content
    for tab, content in {
        "Round trips": "tbody tr",
        "Positions": ".facts dd",
        "Profit and loss": "h3",
        "Sync log": ".run",
    }.items():
        page.get_by_role("navigation").get_by_role("link", name=tab).click()
        expect(page.locator(f"main section {content}").first).to_be_visible(timeout=PATIENCE)


def test_another_language_is_spoken_at_once_and_remembered(here: Stage, watched: Watched) -> None:
    # given a page in English
    visitor = Visitor(here, watched)
    page = visitor.opens()
    visitor.connected(page)

    # when Vietnamese is chosen; then page and service speak it
    page.get_by_label("Language").select_option("vi")
    expect(page.locator(".question")).to_have_text("Tôi có thể tin các số liệu này không?")
    expect(badge(page)).to_have_text("Đã đồng bộ", timeout=PATIENCE)
    expect(page.locator("html")).to_have_attribute("lang", "vi")

    # when one comes back from another device; then it is French as chosen there last
    page.locator("header select").select_option("fr")
    expect(badge(page)).to_have_text("Synchronisé", timeout=PATIENCE)
    other = visitor.opens(locale="en-GB")
    expect(other.locator(".question")).to_have_text("Puis-je me fier à ces chiffres\u00a0?", timeout=PATIENCE)


def test_times_are_in_the_readers_zone_with_utc_beside_them(here: Stage, watched: Watched) -> None:
    # given a page read in Berlin
    visitor = Visitor(here, watched)
    page = visitor.opens()
    visitor.connected(page)
    time = page.locator(".facts time").first

    # then a time is Berlin's, and UTC is on hover
    moment = datetime.fromisoformat(str(time.get_attribute("datetime")))
    expect(time).to_have_text(re.compile(f"^{moment.astimezone(ZoneInfo('Europe/Berlin')):%H:%M:%S}"))
    expect(time).to_have_attribute("title", f"{moment:%Y-%m-%d %H:%M:%S} UTC")

    # when another zone is chosen; then all times are in that one, and the service knows
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(time).to_have_text(re.compile(f"{moment.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M:%S}"))
    page.reload()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo", timeout=PATIENCE)


def test_disconnecting_asks_first_and_forgets_the_credential(here: Stage, watched: Watched) -> None:
    # given a connection
    visitor = Visitor(here, watched)
    page = visitor.opens()
    visitor.connected(page)

    # when disconnecting is asked for and put away; then nothing happens
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(badge(page)).to_have_text("Synced")

    # when it is confirmed, with all that was loaded
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_label("Also erase everything that was loaded").check()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()

    # then there is nothing to trust any more, and a receipt
    expect(page.locator(".headline")).to_have_text("There are none yet.", timeout=PATIENCE)
    page.locator(".ended summary").click()
    expect(page.locator(".ended")).to_contain_text("Erased:", timeout=PATIENCE)


def test_i7_whoever_signs_out_leaves_nothing_behind(here: Stage, watched: Watched) -> None:
    # given a page that shows an account
    visitor = Visitor(here, watched)
    page = visitor.opens()
    visitor.connected(page)

    # when he signs out
    page.get_by_role("button", name="Sign out").click()

    # then nothing of his is left in the page or the tab
    expect(page.locator("main")).to_contain_text("You are signed out.")
    expect(page.locator(".card.welcome")).to_be_visible()
    assert visitor.spec.account[-3:] not in page.locator("main").inner_text()
    assert json.loads(page.evaluate("JSON.stringify({...sessionStorage})")) == {}

    # and another one who signs in here sees his own: nothing
    Visitor(here, watched).signs_in(page)
    expect(page.locator(".headline")).to_have_text("There are none yet.")
