"""The Tradovate simulator is as strict as the broker: tokens, counts, penalties, parameters, and lists that end."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from local.simulators.serving import RunningServer
from local.simulators.tradovate import demo_specs
from local.simulators.tradovate_gate import FAILED_SIGN_INS_PER_HOUR, RENEWALS_PER_HOUR, TOKEN_LIVES
from local.simulators.tradovate_time import trade_date
from local.simulators.tradovate_world import AccountSpec, World, truth_of
from tests.simulators.conftest import Stage
from tests.simulators.tradovate_sync import FIRST, LOGIN, NOW, SECOND, Simulated

BODY = {
    "name": LOGIN.username,
    "password": LOGIN.password,
    "appId": "test",
    "appVersion": "1.0",
    "deviceId": "a-device",
    "cid": LOGIN.cid,
    "sec": LOGIN.sec,
}
SESSION_LISTS = ("order/list", "fill/list", "fillFee/list", "fillPair/list", f"cashBalanceLog/ldeps?masterids={FIRST}")


class Client:
    """Asks the simulator, signed in or not."""

    def __init__(self, simulated: Simulated) -> None:
        self.simulated = simulated
        self.http = httpx.Client(base_url=f"{simulated.base_url}/v1", timeout=10)
        self.token = ""

    def sign_in(self, **changed: object) -> Mapping[str, Any]:
        """Sign in, and keep the token."""
        told = self.http.post("/auth/accesstokenrequest", json=BODY | changed).json()
        self.token = told.get("accessToken", self.token)
        return told

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        """GET with the token, or another one; empty: with none."""
        used = self.token if token is None else token
        return self.http.get(f"/{path}", headers={"Authorization": f"Bearer {used}"} if used else {})

    def list(self, path: str) -> Any:
        """What a list answers."""
        return self.get(path).json()


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage)


@pytest.fixture
def client(simulated: Simulated) -> Iterator[Client]:
    client = Client(simulated)
    with client.http:
        yield client


@pytest.mark.parametrize("missing", BODY)
def test_a_sign_in_needs_every_field(client: Client, missing: str) -> None:
    assert client.sign_in(**{missing: ""}) == {"errorText": "Invalid or missed parameters"}


def test_a_wrong_login_is_refused_with_200_and_too_many_need_a_captcha(client: Client) -> None:
    # given a password that is mistyped as often as the hour allows
    told = [client.sign_in(password="mistyped") for _ in range(FAILED_SIGN_INS_PER_HOUR)]
    # when it is typed once more, even well
    locked = client.sign_in()
    # then
    assert all(set(one) == {"errorText"} for one in told)
    assert locked["p-captcha"] is True
    # and an hour later it is forgotten
    client.simulated.after(hours=1)
    assert client.sign_in()["userStatus"] == "Active"


def test_a_token_ends_and_a_renewed_one_goes_on(client: Client) -> None:
    # given a token
    client.sign_in()
    first = client.token
    client.simulated.now += TOKEN_LIVES - timedelta(minutes=1)
    # when it is renewed before its end
    renewed = client.list("auth/renewaccesstoken")["accessToken"]
    client.simulated.after(minutes=2)
    # then only the new one lets in, and the old one can't be renewed any more
    assert client.get("account/list", first).status_code == 401
    assert client.get("account/list", first).json() == {"errorText": "Expired Access Token"}
    assert client.get("auth/renewaccesstoken", first).status_code == 401
    assert client.get("account/list", renewed).status_code == 200


def test_two_sessions_at_once_are_the_most(client: Client) -> None:
    client.sign_in()
    oldest = client.token
    client.sign_in()
    assert client.get("account/list", oldest).status_code == 200
    client.sign_in()
    assert client.get("account/list", oldest).status_code == 401


def test_renewals_are_counted_though_they_succeed(client: Client) -> None:
    client.sign_in()
    told = [client.list("auth/renewaccesstoken") for _ in range(RENEWALS_PER_HOUR + 1)]
    assert ["accessToken" in one for one in told] == [True] * RENEWALS_PER_HOUR + [False]
    assert set(told[-1]) == {"p-ticket", "p-time"}


@pytest.mark.parametrize("token", ["", "made-up"])
def test_without_a_token_nothing_is_told(client: Client, token: str) -> None:
    client.sign_in()
    for path in ("account/list", "fill/list", "contract/items?ids=1", "auth/renewaccesstoken"):
        assert client.get(path, token).status_code == 401


def test_the_hours_requests_are_counted_by_login(client: Client) -> None:
    # given a login that may ask three times an hour
    client.simulated.world.gate.requests_per_hour = 3
    client.sign_in()
    assert [client.get("account/list").status_code for _ in range(4)] == [200, 200, 200, 429]
    # then a refusal says nothing, and the hour rolls
    assert client.get("account/list").content == b""
    client.simulated.after(minutes=59)
    assert client.get("account/list").status_code == 429
    client.simulated.after(minutes=1)
    assert client.get("account/list").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("fill/list?accountId=1", 400, None),
        ("contract/items", 200, {"errorText": "Invalid or missed parameters"}),
        ("contract/items?ids=a", 200, {"errorText": "Invalid or missed parameters"}),
        ("contract/items?ids=1,2", 200, []),
        (f"cashBalanceLog/ldeps?masterid={FIRST}", 400, None),
        ("fill/everything", 404, None),
        ("fill/item?id=1", 404, None),
    ],
)
def test_parameters_are_checked(client: Client, path: str, status: int, body: object) -> None:
    client.sign_in()
    answer = client.get(path)
    assert answer.status_code == status
    assert body is None or answer.json() == body


def test_a_penalised_request_needs_its_ticket_its_time_and_the_same_body(client: Client) -> None:
    # given a list that is penalised for half a minute
    client.sign_in()
    client.simulated.world.gate.penalise_next("/fill/list", timedelta(seconds=30))
    ticket = client.list("fill/list")["p-ticket"]
    # when it comes too early, without its ticket, or as another request
    early = client.list(f"fill/list?p-ticket={ticket}")
    client.simulated.after(seconds=31)
    without = client.list("fill/list")
    other = client.list(f"order/list?p-ticket={ticket}")
    # then it is not executed, and others are not concerned
    assert all(set(one) == {"p-ticket", "p-time"} for one in (early, without))
    assert isinstance(other, list)
    # and with all of that it is
    assert isinstance(client.list(f"fill/list?p-ticket={ticket}"), list)
    assert isinstance(client.list("fill/list"), list)


def test_lists_end_with_their_session(client: Client) -> None:
    # given accounts that traded
    client.sign_in()
    before = {path: client.list(path) for path in SESSION_LISTS}
    cash, positions = client.list("cashBalance/list"), client.list("position/list")
    # when it is 17:00 in Chicago
    client.simulated.at("2026-05-12T16:59:59-05:00")
    client.sign_in()
    assert {path: client.list(path) for path in SESSION_LISTS} == before
    client.simulated.at("2026-05-12T17:00:00-05:00")
    # then what happened before can't be had any more; what is held stays
    assert all(before.values())
    assert [client.list(path) for path in SESSION_LISTS] == [[]] * len(SESSION_LISTS)
    assert (client.list("cashBalance/list"), client.list("position/list")) == (cash, positions)
    assert {row["netPos"] for row in positions} > {0}


def test_an_order_of_a_former_session_can_be_asked_for_by_its_id(client: Client) -> None:
    client.sign_in()
    (filled,) = client.simulated.world.carry_order(FIRST)
    (fill,) = [row for row in client.list("fill/list") if str(row["id"]) == filled]
    assert fill["orderId"] not in {row["id"] for row in client.list("order/list")}
    (order,) = client.list(f"order/items?ids={fill['orderId']}")
    assert str(order["accountId"]) == FIRST


def test_a_trade_date_begins_at_five_in_chicago_and_skips_the_weekend(client: Client) -> None:
    days = {
        "2026-05-12T16:59:59-05:00": "2026-05-12",
        "2026-05-12T17:00:00-05:00": "2026-05-13",
        "2026-05-15T17:00:00-05:00": "2026-05-18",
        "2026-05-17T17:00:00-05:00": "2026-05-18",
    }
    for moment, day in days.items():
        client.simulated.at(moment)
        assert trade_date(client.simulated.now).isoformat() == day


def test_i7_a_login_sees_its_own_accounts_alone(client: Client) -> None:
    # given another login with an account
    other = replace(LOGIN, username="another", user_id=811)
    client.simulated.world.add_login(other, [AccountSpec(id=8100099, name="DEMO8100099", executions=5)])
    client.sign_in()
    # when this one asks for everything, and for that account by its id
    texts = [client.get(path).text for path in ("account/list", "order/list", "position/list", "cashBalance/list")]
    log = client.list("cashBalanceLog/ldeps?masterids=8100099")
    headers = {"Authorization": f"Bearer {client.token}"}
    snapshot = client.http.post(
        "/cashBalance/getcashbalancesnapshot", json={"accountId": 8100099}, headers=headers
    ).json()
    # then nothing of it comes
    assert not any("8100099" in text for text in texts)
    assert log == []
    assert set(snapshot) == {"errorText"}


def test_the_books_balance(simulated: Simulated) -> None:
    # given accounts that traded, were busted and corrected
    world = simulated.world
    for happen in (world.bust, world.late, world.out_of_order, world.charge_late, world.bust):
        simulated.after(minutes=1)
        happen(FIRST)
    for number in (FIRST, SECOND):
        book = world.accounts[number].book
        # then the cash is what the log adds up to
        assert sum(change.delta for change in book.log) == book.cash[1]
        # every position is what its active fills add up to
        for position in book.positions.values():
            fills = [fill for fill in book.fills.values() if fill.contract == position.contract and fill.active]
            assert sum(fill.signed for fill in fills) == position.net
        # and no fill is paired for more than it is
        for fill in book.fills.values():
            paired = sum(pair.qty for pair in book.pairs if pair.active and fill in (pair.opened, pair.closed))
            assert paired <= abs(fill.signed)
            assert fill.active or paired == 0


def test_the_same_seed_and_end_make_the_same_accounts() -> None:
    def told() -> object:
        world = World(clock=lambda: NOW)
        for one in demo_specs(seed=5, executions=200, accounts=3, logins=2):
            world.add_login(one.login, one.accounts)
        return [truth_of(account) for account in world.accounts.values()]

    assert told() == told()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("trade", {"account": FIRST, "count": 2}),
        ("equal", {"account": FIRST, "count": 3}),
        ("late", {"account": FIRST}),
        ("late_cost", {"account": FIRST}),
        ("carry", {"account": FIRST}),
        ("correct", {"account": FIRST}),
        ("bust", {"account": FIRST}),
        ("out_of_order", {"account": FIRST}),
        ("cash", {"account": FIRST, "kind": "DeskFee", "amount": "-5"}),
    ],
)
def test_the_back_door_makes_things_happen(simulated: Simulated, path: str, body: dict[str, object]) -> None:
    simulated.after(minutes=1)
    answer = httpx.post(f"{simulated.base_url}/_sim/{path}", json=body)
    assert answer.status_code == 200
    told = {entry for one in _truth(simulated) for entry in one}
    assert set(answer.json()["ids"]) <= told


@pytest.mark.parametrize(
    ("path", "body"),
    [("trade", {"account": "nobody"}), ("cash", {"account": FIRST, "kind": "x", "amount": "1"}), ("penalise", {})],
)
def test_the_back_door_explains_bad_input(simulated: Simulated, path: str, body: dict[str, object]) -> None:
    assert httpx.post(f"{simulated.base_url}/_sim/{path}", json=body).status_code == 422


def _truth(simulated: Simulated) -> list[set[str]]:
    told = httpx.get(f"{simulated.base_url}/_sim/truth").json()["accounts"]
    return [
        {one["source_trade_id"] for one in account["executions"]} | {one["source_id"] for one in account["cash_events"]}
        for account in told
    ]
