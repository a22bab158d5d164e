"""I7: the matrix of routes and of who asks, as far as the function decides it. What the gateway decides (signature,
expiry, audience) is held to the same matrix by tests/e2e/test_isolation.py."""

import json
from dataclasses import replace

import pytest

from brokersync.domain.identity import user_id
from brokersync.domain.runs import Outcome
from tests.unit.functions.api_world import ISSUER, Answer, ApiWorld, a_run
from tests.unit.functions.isolation import MATRIX, Opens, Row, Who

DOCUMENT = json.loads(ApiWorld().get("/openapi.json").body)
ROUTES = {
    (method.upper(), path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
OTHERS = ["{}_bob", "{}_nobody", "bob", "{}_alice#v0001", "a" * 65, "{} alice", "{}_alice ", "%00"]
KINDS = {"account_id": "acc", "connection_id": "con", "run_id": "run", "trade_id": "trade"}

each_route = pytest.mark.parametrize(("route", "row"), MATRIX.items(), ids=map(" ".join, MATRIX))
of_an_id = pytest.mark.parametrize(
    ("route", "row"), [(route, row) for route, row in MATRIX.items() if row.opens is Opens.OWN_ID]
)


@pytest.fixture
def world() -> ApiWorld:
    """Alice and Bob, each with a connection and an account that has everything."""
    world = ApiWorld()
    for name in ("alice", "bob"):
        world.connect(f"con_{name}", subject=name)
        world.add(f"acc_{name}", subject=name, connection_id=f"con_{name}", outcome=Outcome.NEEDS_REVIEW)
        world.trade(f"acc_{name}", f"trade_{name}")
        world.runs.put(a_run(f"run_{name}", feed_id=f"acc_{name}"), 30)
    return world


def ask(
    world: ApiWorld, route: tuple[str, str], row: Row, one: str, subject: str | None = "alice", scope: str = ""
) -> Answer:
    """A valid request about one thing: `{}` in its id is the prefix that such ids have."""
    method, path = route
    for name, prefix in KINDS.items():
        path = path.replace(f"{{{name}}}", one.replace("{}", prefix))
    path = path.replace("{user_id}", user_id(ISSUER, "bob")).replace("{file}", "style.css")
    return world.request(method, path, subject=subject, body=row.body, scope=scope)


def bobs(world: ApiWorld) -> tuple[object, ...]:
    """All that is Bob's and that a request could change."""
    user = user_id(ISSUER, "bob")
    account = replace(world.accounts.get("acc_bob"))
    secret = world.connections.credentials("con_bob", 1)
    return world.feeds.get("acc_bob"), account, world.connections.get("con_bob"), secret, world.users.settings(user)


def test_i7_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(MATRIX) == set(ROUTES)


@each_route
def test_i7_a_row_says_of_its_route_what_the_document_says(route: tuple[str, str], row: Row) -> None:
    # given a route of the document; then what it needs, answers and takes is what the row says
    operation = ROUTES[route]
    assert ("security" in operation) == (row.opens is not Opens.PUBLIC)
    assert str(row.success) == min(operation["responses"])
    assert ("requestBody" in operation) == (row.body is not None)
    assert ("403" in operation["responses"]) == (row.opens is Opens.OPERATOR)
    # and what names something in its path is what the tests below vary
    in_path = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
    assert in_path <= {*KINDS, "file", "user_id"}
    assert (bool(in_path & set(KINDS))) == (row.opens is Opens.OWN_ID)


@each_route
@pytest.mark.parametrize(
    ("who", "one", "subject", "scope"),
    [
        (Who.NOBODY, "{}_alice", None, ""),
        (Who.OWNER, "{}_alice", "alice", ""),
        (Who.OTHER, "{}_bob", "alice", ""),
        (Who.GUESSING, "{}_nobody", "alice", ""),
        (Who.OPERATOR, "{}_alice", "alice", "openid operator"),
        (Who.OPERATOR_OTHER, "{}_bob", "alice", "openid operator"),
    ],
)
def test_i7_the_matrix(
    world: ApiWorld, route: tuple[str, str], row: Row, who: Who, one: str, subject: str | None, scope: str
) -> None:
    # when
    before = bobs(world)
    answer = ask(world, route, row, one, subject, scope)

    # then
    assert answer.status == row.expected(who)
    if row.opens is not Opens.OPERATOR:
        assert bobs(world) == before
        assert "bob" not in answer.body.replace(one.replace("{}", ""), "")


@of_an_id
@pytest.mark.parametrize("one", OTHERS)
def test_i7_any_other_id_answers_the_same_404_and_changes_nothing(
    world: ApiWorld, route: tuple[str, str], row: Row, one: str
) -> None:
    # given what an id that nobody has answers
    unknown = ask(world, route, row, "{}_that_never_was")
    before = bobs(world)

    # when
    answer = ask(world, route, row, one)

    # then
    assert answer == unknown
    assert answer.status == 404
    assert bobs(world) == before
    assert world.queue.jobs == []
    assert world.exports.files == {}


@of_an_id
def test_i7_the_same_subject_of_another_issuer_is_another_user(
    world: ApiWorld, route: tuple[str, str], row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr("tests.unit.functions.api_world.ISSUER", "https://other.test")

    # when, then
    assert ask(world, route, row, "{}_alice").status == 404


@pytest.mark.parametrize("route", [route for route, row in MATRIX.items() if row.opens is Opens.TOKEN], ids=" ".join)
def test_i7_what_has_no_id_tells_of_ones_own(world: ApiWorld, route: tuple[str, str]) -> None:
    # when
    answer = ask(world, route, MATRIX[route], "")

    # then it is about Alice, whose id is in the token and nowhere else, or about nobody
    told = ("alice", user_id(ISSUER, "alice"), '"accounts":1', "oanda", "connection_id")
    assert any(word in answer.body for word in told)


@pytest.mark.parametrize("other", ["con_bob", "con_nobody"])
def test_i7_a_body_names_no_connection_of_another_user(world: ApiWorld, other: str) -> None:
    # when the one field of a body that names something names another's
    body = {**MATRIX["POST", "/connections"].body, "replaces": other}
    answer = world.post("/connections", body=body)
    # then it is refused like none at all
    assert answer.status == 422
    assert answer.json["errors"] == [
        {"field": "replaces", "location": "body", "problem": "is not one of your connections"}
    ]


def test_i7_a_run_of_another_account_is_none_of_ones_own(world: ApiWorld) -> None:
    # given Bob's run, under Alice's account
    answer = world.get("/trading-accounts/acc_alice/sync-runs/run_bob")
    # then there is none
    assert answer.status == 404


def test_i7_an_operator_by_group_is_one_too(world: ApiWorld) -> None:
    # given a token of a user pool, which has groups and the gateway gives lists as text
    from tests.unit.functions.api_world import Context, answer_of, event

    path = f"/operator/users/{user_id(ISSUER, 'bob')}/plan"
    request = event("PUT", path, body={"plan": "elite"})
    claims = request["requestContext"]["authorizer"]["jwt"]["claims"]
    for groups, status in (("[traders operators]", 200), ("[traders]", 403), ("[cooperators]", 403)):
        claims["cognito:groups"] = groups
        # then the group's name decides, as a whole
        assert answer_of(world.app.resolve(request, Context())).status == status


def test_i7_idempotency_keys_are_ones_own(world: ApiWorld) -> None:
    # given Alice and Bob, who make up the same key
    headers = {"idempotency-key": "the-same"}
    first = world.post("/sync", body={}, headers=headers)
    # when Bob uses it
    second = world.post("/sync", body={}, headers=headers, subject="bob")
    # then he gets an answer of his own
    assert "acc_alice" in first.body
    assert "acc_bob" in second.body
    assert "alice" not in second.body
