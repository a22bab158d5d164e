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

OTHERS = ["{}_bob", "{}_nobody", "bob", "{}_alice#v0001", "a" * 65, "{} alice", "{}_alice ", "%00"]
KINDS = {"account_id": "acc", "connection_id": "con"}
BODIES = {
    "NewConnection": {"broker": "acme", "environment": "live", "credentials": {"token": "t"}},
    "NewCredentials": {"credentials": {"token": "t"}},
}


@pytest.fixture
def world() -> ApiWorld:
    """Alice and Bob, each with a connection and an account that has everything."""
    world = ApiWorld()
    for name in ("alice", "bob"):
        world.connect(f"con_{name}", subject=name)
        world.add(f"acc_{name}", subject=name, connection_id=f"con_{name}")
        world.trade(f"acc_{name}", f"trade_of_{name}")
        world.runs.put(a_run(f"run_of_{name}", feed_id=f"acc_{name}"), 30)
    return world


def ask(world: ApiWorld, method: str, path: str, operation: dict, one: str, subject: str | None = "alice") -> Answer:
    """A valid request about one thing: `{}` in its id is the prefix that such ids have."""
    for name, prefix in KINDS.items():
        path = path.replace(f"{{{name}}}", one.replace("{}", prefix))
    body = BODIES[body_of(operation)] if "requestBody" in operation else None
    return world.request(method, path, subject=subject, body=body)


def body_of(operation: dict) -> str:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema["$ref"].rsplit("/", 1)[-1]


def bobs(world: ApiWorld) -> tuple[object, ...]:
    return world.feeds.get("acc_bob"), world.connections.get("con_bob"), world.connections.credentials("con_bob", 1)


def test_there_are_routes_to_test() -> None:
    assert ("POST", "/trading-accounts/{account_id}/sync") in [(method, path) for method, path, _ in OF_AN_ACCOUNT]
    assert len(JWT_ROUTES) >= 6


@pytest.mark.parametrize(("method", "path", "operation"), JWT_ROUTES)
def test_i7_nothing_but_an_id_says_whose_data_it_is(method: str, path: str, operation: dict) -> None:
    # given a route; then what it takes is what the tests below vary
    in_path = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
    assert in_path <= set(KINDS)
    if "requestBody" in operation:
        assert body_of(operation) in BODIES, "a body may name another user's things: test that here"


def test_i7_a_body_names_no_connection_of_another_user(world: ApiWorld) -> None:
    # given the one field of a body that names something
    for other in ("con_bob", "con_nobody"):
        # when
        answer = world.post("/connections", body=BODIES["NewConnection"] | {"replaces": other})
        # then another's is refused like none at all
        assert answer.status == 422
        assert answer.json["errors"] == [
            {"field": "replaces", "location": "body", "problem": "is not one of your connections"}
        ]
    assert world.feeds.of_user("") == []


@pytest.mark.parametrize(("method", "path", "operation"), OF_AN_ACCOUNT)
def test_i7_ones_own_id_is_answered(world: ApiWorld, method: str, path: str, operation: dict) -> None:
    # when
    answer = ask(world, method, path, operation, "{}_alice")

    # then it is the success that the document promises
    assert str(answer.status) == min(operation["responses"])


@pytest.mark.parametrize("account_id", OTHERS)
@pytest.mark.parametrize(("method", "path", "operation"), OF_AN_ACCOUNT)
def test_i7_any_other_id_answers_the_same_404_and_changes_nothing(
    world: ApiWorld, method: str, path: str, operation: dict, account_id: str
) -> None:
    # given what an id that nobody has answers
    unknown = ask(world, method, path, operation, "{}_that_never_was")
    before = bobs(world)

    # when
    answer = ask(world, method, path, operation, account_id)

    # then
    assert answer == unknown
    assert answer.status == 404
    assert bobs(world) == before
    assert world.queue.jobs == []


@pytest.mark.parametrize(("method", "path", "operation"), OF_THE_USER)
def test_i7_what_has_no_id_tells_of_ones_own_only(world: ApiWorld, method: str, path: str, operation: dict) -> None:
    # when
    before = bobs(world)
    answer = ask(world, method, path, operation, "")

    # then
    assert "alice" in answer.body or "requestBody" in operation
    assert "bob" not in answer.body
    assert bobs(world) == before


@pytest.mark.parametrize(("method", "path", "operation"), JWT_ROUTES)
def test_i7_without_a_verified_token_nothing_is_answered(
    world: ApiWorld, method: str, path: str, operation: dict
) -> None:
    # when
    answer = ask(world, method, path, operation, "{}_alice", subject=None)

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
    assert ask(world, method, path, operation, "{}_alice").status == 404
