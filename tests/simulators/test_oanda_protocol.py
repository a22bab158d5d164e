"""The OANDA simulator is as strict as the broker: who asks, for what, in which form, and how often."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from local.simulators.oanda_http import make_app
from local.simulators.oanda_world import AccountSpec
from local.simulators.serving import serve_in_thread
from tests.simulators.oanda_sync import ACCOUNT, TOKEN, Simulated

Serve = Callable[..., Simulated]
RFC3339 = {"Accept-Datetime-Format": "RFC3339"}


@pytest.fixture
def simulated(oanda: Serve) -> Simulated:
    return oanda(executions=1300)


@pytest.fixture
def client(simulated: Simulated) -> Iterator[httpx.Client]:
    base_url = f"{simulated.base_url}/accounts/{ACCOUNT}"
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {TOKEN}", **RFC3339}) as client:
        yield client


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
def test_without_a_known_token_there_is_nothing(simulated: Simulated, header: dict[str, str]) -> None:
    answer = httpx.get(f"{simulated.base_url}/accounts", headers=header)
    assert (answer.status_code, answer.json()) == (
        401,
        {"errorMessage": "Insufficient authorization to perform request."},
    )


def test_an_account_is_reached_by_its_own_token_only(simulated: Simulated) -> None:
    # given another login
    simulated.world.open_account(AccountSpec(account="101-004-2000002-001", token="anothers", executions=1))
    base, header = f"{simulated.base_url}/accounts", {"Authorization": f"Bearer {TOKEN}"}
    # when / then
    assert httpx.get(base, headers=header).json() == {"accounts": [{"id": ACCOUNT, "tags": []}]}
    assert httpx.get(f"{base}/101-004-2000002-001/summary", headers=header).status_code == 403
    assert httpx.get(f"{base}/101-004-3000003-001/summary", headers=header).status_code == 404
    assert httpx.get(f"{base}/what-is-this/summary", headers=header).status_code == 400
    assert httpx.get(f"{base}/{ACCOUNT}/nothing", headers=header).status_code == 404
    assert httpx.post(f"{base}/{ACCOUNT}/summary", headers=header).status_code == 405


def test_times_are_unix_unless_rfc_3339_is_asked_for(simulated: Simulated, client: httpx.Client) -> None:
    url, bearer = f"{simulated.base_url}/accounts/{ACCOUNT}/transactions/1", {"Authorization": f"Bearer {TOKEN}"}
    unix = httpx.get(url, headers=bearer).json()["transaction"]["time"]
    rfc = client.get("/transactions/1").json()["transaction"]["time"]
    assert rfc.startswith("20")
    assert rfc.endswith("Z")
    seconds, _, fraction = unix.partition(".")
    assert seconds.isdecimal()
    assert len(fraction) == 9
    assert httpx.get(url, headers=bearer | {"Accept-Datetime-Format": "ISO"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/transactions/idrange", {}, 400),
        ("/transactions/idrange", {"from": "1", "to": "1001"}, 400),
        ("/transactions/idrange", {"from": "1", "to": "1000"}, 200),
        ("/transactions/idrange", {"from": "9", "to": "1"}, 400),
        ("/transactions/idrange", {"from": "one", "to": "2"}, 400),
        ("/transactions/idrange", {"from": "0", "to": "2"}, 416),
        ("/transactions/idrange", {"from": "99990", "to": "99999"}, 416),
        ("/transactions/sinceid", {}, 400),
        ("/transactions/sinceid", {"id": "-1"}, 400),
        ("/transactions/sinceid", {"id": "99999"}, 416),
        ("/transactions", {"pageSize": "1001"}, 400),
        ("/transactions", {"pageSize": "0"}, 400),
        ("/transactions", {"from": "yesterday"}, 400),
        ("/transactions", {"from": "2026-02-02T00:00:00Z", "to": "2026-02-01T00:00:00Z"}, 400),
        ("/transactions/99999", {}, 404),
        ("/transactions/abc", {}, 404),
        ("/trades", {"count": "501"}, 400),
        ("/trades", {"state": "SOLD"}, 400),
        ("/changes", {"sinceTransactionID": "99999"}, 416),
        ("/changes", {}, 400),
    ],
)
def test_wrong_parameters_are_refused(client: httpx.Client, path: str, params: dict[str, str], status: int) -> None:
    answer = client.get(path, params=params)
    assert answer.status_code == status
    assert status == 200 or answer.json()["errorMessage"]


def test_news_comes_a_thousand_at_a_time_in_order(client: httpx.Client) -> None:
    # when
    first = client.get("/transactions/sinceid", params={"id": "0"}).json()
    last = int(first["lastTransactionID"])
    rest = client.get("/transactions/sinceid", params={"id": str(last - 300)}).json()
    end = client.get("/transactions/sinceid", params={"id": str(last)}).json()
    # then
    assert [int(one["id"]) for one in first["transactions"]] == list(range(1, 1001))
    assert [int(one["id"]) for one in rest["transactions"]] == list(range(last - 299, last + 1))
    assert end["transactions"] == []


def test_pages_are_addressed_at_the_simulators_own_host(simulated: Simulated, client: httpx.Client) -> None:
    # when
    body = client.get("/transactions", params={"pageSize": "500"}).json()
    # then they hold everything, in order
    assert all(
        url.startswith(f"{simulated.base_url}/accounts/{ACCOUNT}/transactions/idrange?") for url in body["pages"]
    )
    ids = [one["id"] for url in body["pages"] for one in client.get(url).json()["transactions"]]
    assert ids == [str(number) for number in range(1, body["count"] + 1)]


def test_a_time_span_includes_both_its_ends(client: httpx.Client) -> None:
    # given the times of two transactions
    start, end = (client.get(f"/transactions/{number}").json()["transaction"]["time"] for number in (40, 60))
    # when
    body = client.get("/transactions", params={"from": start, "to": end}).json()
    ids = [int(one["id"]) for url in body["pages"] for one in client.get(url).json()["transactions"]]
    # then
    assert {40, 60} <= set(ids)
    assert ids == list(range(ids[0], ids[0] + body["count"]))


def test_types_can_be_chosen(client: httpx.Client) -> None:
    body = client.get("/transactions/idrange", params={"from": "1", "to": "900", "type": "ORDER_FILL,CREATE"}).json()
    assert {one["type"] for one in body["transactions"]} == {"ORDER_FILL", "CREATE"}


def test_trades_are_paged_by_a_link(client: httpx.Client) -> None:
    # when the links are followed
    ids: list[int] = []
    answer = client.get("/trades", params={"state": "ALL", "count": "200"})
    while True:
        ids += [int(trade["id"]) for trade in answer.json()["trades"]]
        if "next" not in answer.links:
            break
        answer = client.get(answer.links["next"]["url"])
    # then every Trade came once, newest first
    opened = client.get("/transactions/idrange", params={"from": "1", "to": "1000", "type": "ORDER_FILL"}).json()
    assert ids == sorted(set(ids), reverse=True)
    assert {int(one["id"]) for one in opened["transactions"] if "tradeOpened" in one} == {
        one for one in ids if one <= 1000
    }


def test_answers_are_compressed_and_numbered(client: httpx.Client) -> None:
    first, second = client.get("/summary"), client.get("/summary")
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["RequestID"] != second.headers["RequestID"]


def test_changes_hold_what_happened_since(simulated: Simulated, client: httpx.Client) -> None:
    # given a cursor, and something that happens after it
    since = client.get("/summary").json()["lastTransactionID"]
    simulated.world.trade(ACCOUNT)
    # when
    body = client.get("/changes", params={"sinceTransactionID": since}).json()
    # then
    assert [one["id"] for one in body["changes"]["transactions"]] == [
        str(number) for number in range(int(since) + 1, int(body["lastTransactionID"]) + 1)
    ]
    assert len(body["changes"]["tradesOpened"]) == 1


def test_too_many_requests_on_one_connection_are_refused(simulated: Simulated) -> None:
    # given a broker that allows five requests a second on a connection
    app, _ = make_app(simulated.world, requests_per_second=5)
    header = {"Authorization": f"Bearer {TOKEN}"}
    with serve_in_thread(app) as server, httpx.Client(base_url=f"{server.base_url}/v3", headers=header) as client:
        # when / then
        statuses = [client.get("/accounts").status_code for _ in range(7)]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses
        # and another connection is not affected
        assert httpx.get(f"{server.base_url}/v3/accounts", headers=header).status_code == 200


def test_things_are_made_to_happen_over_http(simulated: Simulated, client: httpx.Client) -> None:
    # given
    root = simulated.server.base_url
    before = client.get("/summary").json()
    # when an account trades, prices move and another account is opened
    traded = httpx.post(f"{root}/_sim/trade", json={"account": ACCOUNT, "count": 2}).json()
    httpx.post(f"{root}/_sim/move")
    httpx.post(f"{root}/_sim/accounts", json={"account": "101-004-5000005-001", "token": "new", "executions": 2})
    # then
    after = client.get("/summary").json()
    assert [after["lastTransactionID"]] == traded["last_transaction_ids"]
    assert after["account"]["NAV"] != before["account"]["NAV"]
    assert len(httpx.get(f"{root}/v3/accounts", headers={"Authorization": "Bearer new"}).json()["accounts"]) == 1
    assert httpx.post(f"{root}/_sim/accounts", json={"account": ACCOUNT, "token": "x"}).status_code == 422
    assert httpx.post(f"{root}/_sim/act", json={"account": ACCOUNT, "count": 5}).json()["executions"] >= 0
    assert httpx.post(f"{root}/_sim/trade", json={"account": "unknown"}).status_code == 422
