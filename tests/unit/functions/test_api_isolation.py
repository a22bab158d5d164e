"""I7: every route that needs a token, against every id that one can try. The routes are those of the app itself: a new
one is tested here without a row being added, or this fails because it takes what nothing here can give it."""

import json

import pytest

from tests.unit.functions.api_world import Answer, ApiWorld, a_run

JWT_ROUTES = [
    (method.upper(), path, operation)
    for path, operations in json.loads(ApiWorld().get("/openapi.json").body)["paths"].items()
    for method, operation in operations.items()
    if "security" in operation
]
OF_AN_ACCOUNT = [route for route in JWT_ROUTES if "{" in route[1]]
OF_EVERYBODY = {"/brokers"}
OF_THE_USER = [route for route in JWT_ROUTES if "{" not in route[1] and route[1] not in OF_EVERYBODY]

OTHERS = ["acc_bob", "acc_nobody", "bob", "acc_alice#v0001", "a" * 65, "acc alice", "acc_alice ", "%00"]


@pytest.fixture
def world() -> ApiWorld:
    """Alice and Bob, each with an account that has everything."""
    world = ApiWorld()
    for name in ("alice", "bob"):
        world.add(f"acc_{name}", subject=name)
        world.trade(f"acc_{name}", f"trade_of_{name}")
        world.runs.put(a_run(f"run_of_{name}", feed_id=f"acc_{name}"), 30)
    return world


def ask(world: ApiWorld, method: str, path: str, account_id: str, subject: str | None = "alice") -> Answer:
    return world.request(method, path.replace("{account_id}", account_id), subject=subject)


def test_there_are_routes_to_test() -> None:
    assert ("POST", "/trading-accounts/{account_id}/sync") in [(method, path) for method, path, _ in OF_AN_ACCOUNT]
    assert len(JWT_ROUTES) >= 6


@pytest.mark.parametrize(("method", "path", "operation"), JWT_ROUTES)
def test_i7_nothing_but_the_account_id_says_whose_data_it_is(method: str, path: str, operation: dict) -> None:
    # given a route; then what it takes is what the tests below vary
    in_path = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
    assert in_path <= {"account_id"}
    assert "requestBody" not in operation, "a body may name another user's things: test that here"


@pytest.mark.parametrize(("method", "path", "operation"), OF_AN_ACCOUNT)
def test_i7_ones_own_id_is_answered(world: ApiWorld, method: str, path: str, operation: dict) -> None:
    # when
    answer = ask(world, method, path, "acc_alice")

    # then it is the success that the document promises
    assert str(answer.status) == min(operation["responses"])


@pytest.mark.parametrize("account_id", OTHERS)
@pytest.mark.parametrize(("method", "path", "operation"), OF_AN_ACCOUNT)
def test_i7_any_other_id_answers_the_same_404_and_changes_nothing(
    world: ApiWorld, method: str, path: str, operation: dict, account_id: str
) -> None:
    # given what an id that nobody has answers
    unknown = ask(world, method, path, "acc_that_never_was")
    before = world.feeds.get("acc_bob")

    # when
    answer = ask(world, method, path, account_id)

    # then
    assert answer == unknown
    assert answer.status == 404
    assert world.feeds.get("acc_bob") == before
    assert world.queue.jobs == []


@pytest.mark.parametrize(("method", "path", "operation"), OF_THE_USER)
def test_i7_what_has_no_id_tells_of_ones_own_only(world: ApiWorld, method: str, path: str, operation: dict) -> None:
    # when
    answer = ask(world, method, path, "")

    # then
    assert "acc_alice" in answer.body
    assert "bob" not in answer.body


@pytest.mark.parametrize(("method", "path", "operation"), JWT_ROUTES)
def test_i7_without_a_verified_token_nothing_is_answered(
    world: ApiWorld, method: str, path: str, operation: dict
) -> None:
    # when
    answer = ask(world, method, path, "acc_alice", subject=None)

    # then
    assert answer.status == 401
    assert world.queue.jobs == []


@pytest.mark.parametrize(("method", "path", "operation"), OF_AN_ACCOUNT)
def test_i7_the_same_subject_of_another_issuer_is_another_user(
    world: ApiWorld, method: str, path: str, operation: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr("tests.unit.functions.api_world.ISSUER", "https://other.test")

    # when, then
    assert ask(world, method, path, "acc_alice").status == 404
