"""Every error is a problem document (RFC 9457) that says what to do and nothing of the inside."""

import base64

import pytest

from tests.unit.functions.api_world import REQUEST_ID, Answer, ApiWorld, Context, answer_of, event


@pytest.fixture
def world() -> ApiWorld:
    world = ApiWorld()
    world.add("acc_1")
    return world


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["code"] == code
    assert answer.json["type"] == f"urn:brokersync:problem:{code}"
    assert answer.json["instance"] == f"urn:uuid:{REQUEST_ID}"
    assert answer.json["title"]
    assert answer.json["detail"]
    assert answer.json["next_step"]


@pytest.mark.parametrize(
    "path", ["/nope", "/trading-accounts/", "/trading-accounts/acc_1/nope", "/static/", "/static/nope.js"]
)
def test_an_unknown_address_is_not_found(world: ApiWorld, path: str) -> None:
    assert_problem(world.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/trading-accounts", "GET"),
        ("GET", "/trading-accounts/acc_1/sync", "POST"),
        ("DELETE", "/trading-accounts/acc_1/trades", "GET"),
        ("PUT", "/", "GET"),
    ],
)
def test_a_known_address_names_its_methods(world: ApiWorld, method: str, path: str, allow: str) -> None:
    # when
    answer = world.request(method, path)

    # then
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1.5", "", "1,2", "99999999999999999999"])
@pytest.mark.parametrize("route", ["trades", "sync-runs"])
def test_a_limit_out_of_bounds_is_named_with_what_is_wrong(world: ApiWorld, route: str, limit: str) -> None:
    # when
    answer = world.get(f"/trading-accounts/acc_1/{route}", query={"limit": limit})

    # then
    assert_problem(answer, 422, "invalid_request")
    [error] = answer.json["errors"]
    assert (error["field"], error["location"]) == ("limit", "query")
    assert error["problem"].startswith("Input should be")
    assert answer.json["detail"] == f"limit: {error['problem']}"


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "made_up",
    [
        "!",
        "a",
        "zz",
        "ä",
        cursor("runs:run_1"),
        cursor("trades:"),
        cursor("trades"),
        cursor("trades:" + "x" * 1025),
        base64.urlsafe_b64encode(b"trades:\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_is_not_this_lists_is_named(world: ApiWorld, made_up: str) -> None:
    # when
    answer = world.get("/trading-accounts/acc_1/trades", query={"cursor": made_up})

    # then
    assert_problem(answer, 422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == ["cursor"]


def test_all_wrong_fields_are_named_at_once(world: ApiWorld) -> None:
    # when
    answer = world.get("/trading-accounts/acc_1/trades", query={"limit": "0", "cursor": "!"})

    # then
    assert [error["field"] for error in answer.json["errors"]] == ["limit", "cursor"]


def test_our_own_fault_is_logged_and_tells_nothing(world: ApiWorld, caplog: pytest.LogCaptureFixture) -> None:
    # given tables that break with something private in the message
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("table prod-trades, key 001-SECRET-4711")

    world.ledger.newest = broken

    # when
    answer = world.get("/trading-accounts/acc_1/trades", headers={"authorization": "Bearer very.secret.token"})

    # then the caller learns how to name the occurrence, and nothing else
    assert_problem(answer, 500, "internal")
    assert "SECRET" not in answer.body
    assert "prod-trades" not in answer.body
    # and the log has the cause, but not the token
    [record] = caplog.records
    assert record.message == "request_failed"
    assert "prod-trades" in caplog.text
    assert "very.secret.token" not in caplog.text


def test_an_answer_that_breaks_our_own_contract_is_our_fault_and_not_the_callers(world: ApiWorld) -> None:
    # given a stored trade that can't be said in the API's terms
    world.trade("acc_1", "t1", symbol=None)

    # when, then
    assert_problem(world.get("/trading-accounts/acc_1/trades"), 500, "internal")


@pytest.mark.parametrize("claims", [{}, {"iss": "https://issuer.test"}, {"sub": "alice"}, {"iss": "", "sub": "alice"}])
def test_a_request_around_the_authorizer_is_not_signed_in(world: ApiWorld, claims: dict[str, str]) -> None:
    # given an event whose token was verified by nobody, or names nobody
    request = event("GET", "/trading-accounts")
    request["requestContext"]["authorizer"]["jwt"]["claims"] = claims

    # when
    answer = answer_of(world.app.resolve(request, Context()))

    # then
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
