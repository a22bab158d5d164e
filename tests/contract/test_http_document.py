"""The OpenAPI document against the API that it describes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Wanted
from brokersync.domain.runs import Outcome, RequestedBy
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import Answer, ApiWorld, a_run

DOCUMENT = ApiWorld().get("/openapi.json", subject=None).json
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def world_of_everything() -> ApiWorld:
    world = ApiWorld()
    world.add("acc_well")
    world.trade("acc_well", "t1")
    world.trade("acc_well", "t2")
    world.runs.put(a_run("run_1"), 30)
    world.runs.put(a_run("run_2", outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, safe_message="Slow."), 30)
    world.add("acc_stuck", runnable=False, outcome=Outcome.FAILED, error_code=ErrorCode.CREDENTIALS_REJECTED)
    waiting = Wanted(job_id="job_1", kind=RequestedBy.RETRY, not_before=START.replace(hour=11))
    world.add("acc_waiting", outcome=Outcome.DEFERRED, error_code=ErrorCode.RATE_LIMITED, wanted=waiting)
    return world


def assert_as_documented(operation: dict, answer: Answer) -> None:
    """The status is one that the document names, and the body is what it says."""
    documented = operation["responses"].get(str(answer.status))
    assert documented is not None, f"{answer.status} is not documented"
    content_type = answer.headers["content-type"].split(";")[0]
    schema = documented["content"][content_type]["schema"]
    if content_type.endswith("json") and schema.get("type") != "string":
        body = {**schema, "components": DOCUMENT["components"]}
        Draft202012Validator(body, format_checker=FormatChecker()).validate(answer.json)


def test_the_document_is_openapi_3_1_and_names_nothing_twice() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] for _, _, operation in OPERATIONS)


def test_the_documents_own_examples_are_valid() -> None:
    # given every schema with its examples
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        for field, part in schema.get("properties", {}).items():
            for example in part.get("examples", []):
                # then each example is what it is an example of
                Draft202012Validator({**part, "components": DOCUMENT["components"]}).validate(example)
                assert example is not None, f"{name}.{field}"


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_problem_is_documented_as_a_problem_document(method: str, path: str, operation: dict) -> None:
    problems = {status: part for status, part in operation["responses"].items() if int(status) >= 400}
    assert "500" in problems
    assert ("security" in operation) == ("401" in problems)
    assert ("{account_id}" in path) <= ("404" in problems)
    for part in problems.values():
        assert part["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@given(
    account_id=st.sampled_from(["acc_well", "acc_stuck", "acc_waiting", "acc_nobody", "a b"]),
    limit=st.sampled_from(["", "0", "1", "2", "200", "201", "x"]) | st.none(),
    cursor=st.sampled_from(["", "!", "dHJhZGVzOjE", "cnVuczpydW5fMg"]) | st.none(),
    signed_in=st.booleans(),
    file=st.sampled_from(["app.js", "style.css", "icon.svg", "nope.js"]),
    operation=st.sampled_from(OPERATIONS),
)
def test_every_answer_is_one_that_the_document_describes(
    account_id: str, limit: str | None, cursor: str | None, signed_in: bool, file: str, operation: tuple
) -> None:
    # given
    method, path, described = operation
    query = {name: value for name, value in {"limit": limit, "cursor": cursor}.items() if value is not None}
    address = path.replace("{account_id}", account_id).replace("{file}", file)

    # when
    answer = world_of_everything().request(method, address, query=query, subject="alice" if signed_in else None)

    # then
    assert_as_documented(described, answer)


def test_nothing_powertools_says_by_default_is_left() -> None:
    assert "ValidationError" not in json.dumps(DOCUMENT)
