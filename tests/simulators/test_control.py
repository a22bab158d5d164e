"""The simulators' server, faults, request log and truth, over real HTTP."""

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.simulators.control import Control
from local.simulators.faults import Fault
from local.simulators.serving import RunningServer, serve_in_thread

BODY = {"rows": [f"row {number}" for number in range(500)]}


@pytest.fixture
def control() -> Control:
    return Control(
        token_of=lambda request: request.query_params.get("t", ""),
        hidden=frozenset({"t"}),
        truth=lambda params: {"asked": params, "rows": 500},
    )


@pytest.fixture
def server(control: Control) -> Iterator[RunningServer]:
    async def rows(_request: Request) -> JSONResponse:
        return JSONResponse(BODY)

    app = Starlette(
        routes=[Route("/rows", rows), Route("/other", rows), *control.routes()],
        middleware=[Middleware(GZipMiddleware, minimum_size=500), control.middleware()],
    )
    with serve_in_thread(app) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=10) as client:
        yield client


def test_a_server_listens_on_loopback_only_and_frees_its_port(server: RunningServer) -> None:
    # given a running server
    assert server.base_url.startswith("http://127.0.0.1:")
    httpx.get(f"{server.base_url}/rows")
    # when it is stopped
    server.stop()
    # then nobody answers any more
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base_url}/rows")


def test_a_status_fault_hits_as_often_as_asked_and_then_heals(client: httpx.Client) -> None:
    # given a fault planned over HTTP
    assert client.post("/_sim/faults", json={"status": 503, "times": 2}).status_code == 204
    # when four requests follow
    statuses = [client.get("/rows").status_code for _ in range(4)]
    # then two are hit
    assert statuses == [503, 503, 200, 200]


def test_a_fault_counts_only_requests_of_its_path_and_token(client: httpx.Client, control: Control) -> None:
    # given a fault for the second request of one token to one path
    control.faults.add(Fault(path="^/rows$", token="mine", nth=2, status=500))
    # when others ask in between
    asked = [("/rows", "mine"), ("/rows", "other"), ("/other", "mine"), ("/rows", "mine"), ("/rows", "mine")]
    statuses = [client.get(path, params={"t": token}).status_code for path, token in asked]
    # then only that one is hit
    assert statuses == [200, 200, 200, 500, 200]


def test_a_cut_body_is_valid_http_and_broken_json(client: httpx.Client, control: Control) -> None:
    # given a fault that keeps 20 bytes
    control.faults.add(Fault(keep_bytes=20))
    # when the answer is read
    answer = client.get("/rows")
    # then it is a beginning of the true one
    assert answer.status_code == 200
    assert answer.content == json.dumps(BODY, separators=(",", ":")).encode()[:20]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_dropped_connection_is_a_transport_error(client: httpx.Client, control: Control, encoding: str) -> None:
    # given a fault that hangs up after 100 bytes
    control.faults.add(Fault(drop_after=100))
    # when / then
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/rows", headers={"Accept-Encoding": encoding})
    assert client.get("/rows").json() == BODY


def test_a_reset_connection_gives_no_answer(client: httpx.Client, control: Control) -> None:
    # given
    control.faults.add(Fault(reset=True))
    # when / then
    with pytest.raises(httpx.ReadError):
        client.get("/rows")
    assert client.get("/rows").json() == BODY
    assert [(logged.status, logged.faulty) for logged in control.requests] == [(0, True), (200, False)]


def test_retry_after_comes_in_both_forms(client: httpx.Client, control: Control) -> None:
    # given
    control.faults.add(
        Fault(status=429, retry_after=7),
        Fault(status=429, retry_after=7, retry_after_as="date", nth=2),
        Fault(status=429, nth=3),
    )
    # when
    first, second, third = (client.get("/rows") for _ in range(3))
    # then
    assert first.headers["Retry-After"] == "7"
    assert parsedate_to_datetime(second.headers["Retry-After"]).tzinfo is not None
    assert third.status_code == 429
    assert "Retry-After" not in third.headers


def test_a_wrong_body_takes_the_place_of_the_true_one(client: httpx.Client, control: Control) -> None:
    # given
    control.faults.add(Fault(body="<html>maintenance</html>"))
    # when / then
    assert client.get("/rows").text == "<html>maintenance</html>"
    assert client.get("/rows").json() == BODY


def test_the_log_holds_requests_but_no_secret(client: httpx.Client) -> None:
    # given a request with its credential in the query
    client.get("/rows", params={"t": "s3cret-token", "page": "2"})
    # when the log is read
    answer = client.get("/_sim/requests")
    # then the request is there and the credential is not
    (logged,) = answer.json()
    assert (logged["path"], logged["params"], logged["status"]) == ("/rows", {"page": "2"}, 200)
    assert logged["credential"]
    assert "s3cret-token" not in answer.text


def test_faults_can_be_seen_and_cleared(client: httpx.Client) -> None:
    # given two planned faults, one of which has hit
    client.post("/_sim/faults", json=[{"status": 503, "times": None}, {"path": "/other", "delay": 0.01}])
    client.get("/rows")
    # when
    seen = client.get("/_sim/faults").json()
    client.delete("/_sim/faults")
    # then
    assert [fault["hits"] for fault in seen] == [1, 0]
    assert client.get("/rows").status_code == 200


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"times": 2}, "needs an effect"),
        ({"status": 503, "reset": True}, "one effect"),
        ({"statsu": 503}, "statsu"),
        ({"status": 503, "path": "("}, "regular expression"),
        ({"keep_bytes": 1, "retry_after": 3}, "belong to an answer"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(client: httpx.Client, fault: dict[str, object], problem: str) -> None:
    # when
    answer = client.post("/_sim/faults", json=fault)
    # then
    assert answer.status_code == 422
    assert problem in answer.text


def test_truth_gets_the_query(client: httpx.Client) -> None:
    assert client.get("/_sim/truth", params={"account": "1"}).json() == {"asked": {"account": "1"}, "rows": 500}
