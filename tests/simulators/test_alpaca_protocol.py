"""The Alpaca simulator is as strict as the broker: who asks, for what, in which form, and how often."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from local.simulators.alpaca_http import make_app
from local.simulators.alpaca_world import AccountSpec, Rules, World
from local.simulators.serving import RunningServer, serve_in_thread
from tests.extras import ROOT
from tests.simulators.alpaca_sync import ACCOUNT, KEYS, NOW, Simulated
from tests.simulators.conftest import Stage

HEADERS = {"APCA-API-KEY-ID": KEYS["api_key_id"], "APCA-API-SECRET-KEY": KEYS["api_secret_key"]}


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage, Rules(), {"executions": 250})


@pytest.fixture
def client(simulated: Simulated) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulated.base_url, headers=HEADERS) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"APCA-API-KEY-ID": KEYS["api_key_id"]},
        HEADERS | {"APCA-API-SECRET-KEY": "wrong"},
        HEADERS | {"APCA-API-KEY-ID": "wrong"},
        {"Authorization": f"Bearer {KEYS['api_secret_key']}"},
    ],
)
def test_without_both_keys_there_is_nothing(simulated: Simulated, headers: dict[str, str]) -> None:
    for path in ("/account", "/account/activities", "/positions"):
        answer = httpx.get(f"{simulated.base_url}{path}", headers=headers)
        assert (answer.status_code, answer.json()) == (
            401,
            {"code": 40110000, "message": "request is not authorized."},
        )


def test_a_pair_of_keys_opens_its_own_account_only(simulated: Simulated, client: httpx.Client) -> None:
    # given another login
    simulated.world.open_account(AccountSpec(account="PA3OTHER", key_id="PKOTHER", secret="others", executions=5))
    # when / then
    others = {"APCA-API-KEY-ID": "PKOTHER", "APCA-API-SECRET-KEY": "others"}
    assert client.get("/account").json()["account_number"] == ACCOUNT
    assert client.get("/account", headers=others).json()["account_number"] == "PA3OTHER"
    ids = {row["id"] for row in client.get("/account/activities", headers=others).json()}
    assert ids.isdisjoint(simulated.truth())
    assert client.get("/account", headers=HEADERS | {"APCA-API-SECRET-KEY": "others"}).status_code == 401


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 200),
        ({"page_size": "100"}, 200),
        ({"page_size": "101"}, 422),
        ({"page_size": "0"}, 422),
        ({"page_size": "ten"}, 422),
        ({"page_size": "101", "date": "2026-05-11"}, 200),
        ({"date": "2026-05-11", "after": "2026-05-10"}, 422),
        ({"date": "yesterday"}, 422),
        ({"after": "2026-05-10T00:00:00"}, 422),
        ({"after": "2026-02-30"}, 422),
        ({"after": "2026-05-10T00:00:00Z", "until": "2026-05-11"}, 200),
        ({"direction": "up"}, 422),
        ({"activity_types": "FILL,DIV"}, 200),
        ({"activity_types": "FFFFF"}, 422),
        ({"category": "trade_activity"}, 200),
        ({"category": "trade_activity", "activity_types": "FILL"}, 422),
    ],
)
def test_parameters_are_checked(client: httpx.Client, params: dict[str, str], status: int) -> None:
    answer = client.get("/account/activities", params=params)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == 42210000


def test_unknown_paths_and_methods_are_refused(client: httpx.Client) -> None:
    assert client.get("/nothing").json()["code"] == 40410000
    assert client.post("/account").status_code == 405
    assert client.get("/account/activities/FFFFF").json() == {
        "code": 42210000,
        "message": "invalid activity type: FFFFF",
    }
    assert {row["activity_type"] for row in client.get("/account/activities/FILL").json()} == {"FILL"}


def test_pages_are_limited_and_days_are_not(simulated: Simulated, client: httpx.Client) -> None:
    # given more fills on a day than fit a page
    at = datetime(2026, 5, 11, 15, tzinfo=UTC)
    share = simulated.account.book.assets["AAPL"]
    simulated.account.trader.order(at, share, "buy", [Decimal(1)] * 130, equal_times=True)
    # when / then
    assert len(client.get("/account/activities").json()) == 100
    assert len(client.get("/account/activities", params={"after": "2026-05-10"}).json()) == 100
    assert len(client.get("/account/activities", params={"date": "2026-05-11"}).json()) >= 130
    assert len(client.get("/account/activities", params={"date": "2026-05-11", "page_size": "7"}).json()) == 7


def test_tokens_page_in_both_directions_and_lose_fills_of_one_millisecond(
    simulated: Simulated, client: httpx.Client
) -> None:
    def read(direction: str) -> list[str]:
        found: list[str] = []
        token: dict[str, str] = {}
        while rows := client.get("/account/activities", params={"direction": direction, **token}).json():
            found += [row["id"] for row in rows]
            token = {"page_token": found[-1]}
        return found

    # given 150 fills of one millisecond, the newest ones
    share = simulated.account.book.assets["AAPL"]
    tied = {one.id for one in simulated.account.trader.order(NOW, share, "buy", [Decimal(1)] * 150)}
    # when
    falling, rising = read("desc"), read("asc")
    # then what comes is in order and without repetition
    assert falling == sorted(set(falling), reverse=True)
    assert rising == sorted(set(rising))
    # and what of the millisecond didn't fit the first page is gone
    assert len(tied.intersection(falling)) == 100


def test_the_documented_limit_is_told_with_each_answer(simulated: Simulated) -> None:
    app, _ = make_app(simulated.world)
    with serve_in_thread(app) as server:
        headers = httpx.get(f"{server.base_url}/v2/account", headers=HEADERS).headers
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("200", "199")


def test_more_requests_than_the_limit_are_refused_until_the_minute_is_over() -> None:
    # given a limit, and time that stands still
    now = NOW
    world = World(clock=lambda: now)
    world.open_account(AccountSpec(account="A", key_id="a", secret="a", blank=True))
    world.open_account(AccountSpec(account="B", key_id="b", secret="b", blank=True))
    app, _ = make_app(world, requests_per_minute=20)
    keys = {name: {"APCA-API-KEY-ID": name, "APCA-API-SECRET-KEY": name} for name in "ab"}
    with serve_in_thread(app) as server, httpx.Client(base_url=f"{server.base_url}/v2") as client:
        for left in range(19, -1, -1):
            answer = client.get("/positions", headers=keys["a"])
            assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, str(left))
        # when one more comes
        refused = client.get("/positions", headers=keys["a"])
        # then it is refused, and told until when; other accounts are not concerned
        assert (refused.status_code, refused.json()["code"]) == (429, 42910000)
        assert refused.headers["X-RateLimit-Limit"] == "20"
        assert int(refused.headers["X-RateLimit-Reset"]) == (NOW + timedelta(minutes=1)).timestamp()
        assert client.get("/positions", headers=keys["b"]).status_code == 200
        now = NOW + timedelta(minutes=1)
        assert client.get("/positions", headers=keys["a"]).status_code == 200


def test_it_runs_alone_and_says_where_and_with_which_keys() -> None:
    command = [sys.executable, "-m", "local.simulators.alpaca", "--port", "0", "--executions", "20", "--accounts", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            where, *accounts = [process.stdout.readline() for _ in range(3)]
            base_url = where.split()[2].rstrip(",")
            for line in accounts:
                _, number, _, key, _, secret = line.split()
                keys = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
                assert httpx.get(f"{base_url}/account", headers=keys).json()["account_number"] == number
            # and what it does can be asked for
            sim = base_url.replace("/v2", "/_sim")
            body = json.dumps({"account": number, "count": 2})
            for what in ("trade", "act", "late", "correct", "move"):
                assert httpx.post(f"{sim}/{what}", content=body).status_code == 200
            assert httpx.post(f"{sim}/trade", content='{"account": "none"}').status_code == 422
            (truth,) = httpx.get(f"{sim}/truth", params={"account": number}).json()["accounts"]
            assert len(truth["executions"]) > 20
        finally:
            process.terminate()
