"""The simulated bridge itself: its books add up, and it is as strict as bridges are."""

from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from local.simulators.mt5 import demo_specs
from local.simulators.mt5_book import CREDIT
from local.simulators.mt5_http import Style
from local.simulators.mt5_world import AccountSpec, World
from local.simulators.serving import RunningServer
from tests.simulators.conftest import Stage
from tests.simulators.mt5_sync import KEY, LOGIN, NOW, Simulated

HISTORY = f"/api/mt5/account/{LOGIN}/history"


@pytest.fixture
def served(stage: tuple[Stage, RunningServer]) -> Iterator[tuple[Simulated, httpx.Client]]:
    simulated = Simulated(stage, Style(), {}, 100, {})
    with httpx.Client(base_url=simulated.base_url, headers={"X-API-Key": KEY}) as client:
        yield simulated, client


@pytest.mark.parametrize("spec", demo_specs(7, 400, 4), ids=lambda spec: spec.currency + str(spec.hedging))
def test_the_deals_of_a_book_add_up_to_its_balance(spec: AccountSpec) -> None:
    # given / when
    book = World([spec]).accounts[spec.login].book
    # then
    moved = sum(
        (one.profit + one.swap + one.commission + one.fee for one in book.deals if one.type != CREDIT), Decimal(0)
    )
    assert moved == book.balance
    assert len([one for one in book.deals if one.type in (0, 1)]) == spec.executions
    assert len({one.ticket for one in book.deals}) == len(book.deals)
    # and what was bought and sold of each position is what is left of it
    for position_id in {one.position_id for one in book.deals if one.position_id}:
        lots = sum(
            (one.volume if one.type == 0 else -one.volume for one in book.deals if one.position_id == position_id),
            Decimal(0),
        )
        held = book.positions.get(position_id)
        assert lots == (held.lots if held else 0)


def test_the_same_seed_makes_the_same_account() -> None:
    spec, end = demo_specs(7, 120, 1)[0], 1_750_000_000 * 10**9
    assert World([spec], end=end).truth({}) == World([spec], end=end).truth({})


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (HISTORY, 422, "from: field required"),
        (f"{HISTORY}?from=1&to=x", 422, "to: value is not a valid integer"),
        (f"{HISTORY}?from=1&to=2&symbol=EURUSD", 422, "symbol: extra"),
        (f"{HISTORY}?from=2&to=1", 200, "Invalid params"),
        ("/api/mt5/account/999/info", 404, "Account 999 not found"),
        ("/api/mt5/elsewhere", 404, "Not Found"),
    ],
)
def test_a_question_that_is_wrong_is_refused(
    served: tuple[Simulated, httpx.Client], path: str, status: int, words: str
) -> None:
    answer = served[1].get(path)
    assert (answer.status_code, words in answer.text) == (status, True)


def test_a_wrong_key_opens_nothing_and_a_stopped_terminal_says_so(served: tuple[Simulated, httpx.Client]) -> None:
    simulated, client = served
    assert client.get(f"/api/mt5/account/{LOGIN}/info", headers={"X-API-Key": "other"}).status_code == 401
    client.post("/_sim/terminal", json={"account": LOGIN, "running": False})
    answer = client.get(f"/api/mt5/account/{LOGIN}/info")
    assert (answer.status_code, answer.json()) == (503, {"detail": "MT5 not initialized"})
    assert simulated.account.running is False


def test_more_than_a_hundred_requests_a_minute_are_refused_until_it_is_over(
    served: tuple[Simulated, httpx.Client],
) -> None:
    # given
    simulated, client = served
    path = f"/api/mt5/account/{LOGIN}/info"
    assert {client.get(path).status_code for _ in range(100)} == {200}
    # when
    refused = client.get(path)
    # then
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "61")
    simulated.now = NOW.replace(minute=NOW.minute + 1)
    assert client.get(path).status_code == 200


def test_things_happen_on_request(served: tuple[Simulated, httpx.Client]) -> None:
    # given
    _, client = served
    before = len(client.get("/_sim/truth").json()["accounts"][0]["executions"])
    # when
    for name in ("trade", "act", "equal", "late", "correct", "cancel"):
        assert client.post(f"/_sim/{name}", json={"account": LOGIN}).status_code == 200, name
    assert client.post("/_sim/move").status_code == 200
    assert client.post("/_sim/trade", json={"account": "1"}).status_code == 422
    # then
    assert len(client.get("/_sim/truth").json()["accounts"][0]["executions"]) > before
