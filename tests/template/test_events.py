"""events/*.json are what our handlers get on AWS: each parses by its handler's contract and says what it shows."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from brokersync.contracts.jobs import SyncJob
from brokersync.contracts.triggers import QueueBatch, Tick
from brokersync.domain.identity import user_id
from tests.template.reading import ROOT, deployed, resources
from tests.unit.functions.api_world import ApiWorld, Context, answer_of

EVENTS = ROOT / "events"
CONTRACTS: dict[str, type[BaseModel]] = {
    "schedule": Tick,
    "scheduled_rule": Tick,
    "sqs_sync_job": QueueBatch,
    "sqs_mixed_batch": QueueBatch,
}
REQUESTS = {"http_start_sync": 202, "http_get_sync_status": 200}


def event(name: str) -> dict[str, Any]:
    """A sample event."""
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return found


def test_every_sample_event_has_a_handler() -> None:
    # given the folder; then each file is covered here
    assert {path.stem for path in EVENTS.glob("*.json")} == {*CONTRACTS, *REQUESTS}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_sample_event_parses_by_its_handlers_contract(name: str) -> None:
    # given a sample event; then the handler's contract takes it
    CONTRACTS[name].model_validate(event(name))
    # and it would not take the event of another kind
    other = "schedule" if CONTRACTS[name] is QueueBatch else "sqs_sync_job"
    with pytest.raises(ValidationError):
        CONTRACTS[name].model_validate(event(other))


def test_the_sample_tick_is_what_the_schedule_sends() -> None:
    # given the schedule of the stack; then its payload is the sample
    (schedule,) = resources(deployed(), "AWS::Scheduler::Schedule").values()
    assert json.loads(schedule["Target"]["Input"]) == event("schedule")


def test_the_sample_job_is_a_job() -> None:
    # given the sample batch of one; then its body is a job of the schedule
    (record,) = QueueBatch.model_validate(event("sqs_sync_job")).records
    assert SyncJob.model_validate_json(record.body).tick is not None


def test_i7_the_mixed_batch_has_jobs_and_bodies_that_are_none() -> None:
    # given the mixed batch
    good, bad = [], []
    for record in QueueBatch.model_validate(event("sqs_mixed_batch")).records:
        try:
            good.append(SyncJob.model_validate_json(record.body))
        except ValidationError:
            bad.append(record)
    # then it has both, and one that is delivered again
    assert (len(good), len(bad)) == (2, 2)
    assert {record.attributes.received for record in bad} == {1, 3}


@pytest.mark.parametrize(("name", "status"), REQUESTS.items())
def test_a_sample_request_reaches_its_route_as_the_trader_of_its_token(name: str, status: int) -> None:
    # given a sample request, and the account that it asks for, which belongs to the subject of its token
    request = event(name)
    claims = request["requestContext"]["authorizer"]["jwt"]["claims"]
    world = ApiWorld()
    world.add("acc_sample", user_id=user_id(claims["iss"], claims["sub"]))
    # when the API gets it
    answer = answer_of(world.app.resolve(request, Context()))
    # then it does what it is for
    assert (request["version"], answer.status) == ("2.0", status)
    # and the gateway has a route for it
    assert request["routeKey"] in {r["RouteKey"] for r in resources(deployed(), "AWS::ApiGatewayV2::Route").values()}
