"""Requests that are sent again, and answers that the reader has already."""

import json
from collections.abc import Iterator

import pytest
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from moto import mock_aws

from brokersync.aws.idempotency import idempotency_store
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.idempotency import IdempotencyItem
from brokersync.domain.plans import Plan
from tests.unit.functions.api_world import ApiWorld

KEY = {"idempotency-key": "6d1f1c9e-0c0b-4f0a-9b0e-8a4c6c2f5d11"}
NEW = {"broker": "acme", "environment": "live", "credentials": {"token": "hunter2-and-more"}}


@pytest.fixture(params=["memory", "dynamo"])
def world(request: pytest.FixtureRequest) -> Iterator[ApiWorld]:
    """The API with each store of answers: they behave alike."""
    if request.param == "memory":
        yield ApiWorld()
        return
    with mock_aws():
        session = AwsSession(region="us-east-1", table_prefix="test-")
        session.table(IdempotencyItem).create_table(ignore_update_ttl_errors=False)
        store: BasePersistenceLayer = idempotency_store(session)
        yield ApiWorld(repeats=store)


def test_i2_a_request_that_is_sent_again_makes_nothing_twice(world: ApiWorld) -> None:
    # given a request whose answer got lost
    first = world.post("/connections", body=NEW, headers=KEY)
    # when it is sent again
    second = world.post("/connections", body=NEW, headers=KEY)
    # then it gets the first one's answer, and there is one connection
    assert (second.status, second.json) == (first.status, first.json)
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(world.get("/connections").json["connections"]) == 1


def test_without_a_key_each_request_is_its_own(world: ApiWorld) -> None:
    first, second = (world.post("/connections", body=NEW) for _ in range(2))
    assert first.json["connection_id"] != second.json["connection_id"]


def test_the_same_key_with_another_body_is_a_mistake(world: ApiWorld) -> None:
    # given a key that was used
    world.post("/connections", body=NEW, headers=KEY)
    # when it comes with another body; then it is told so, and nothing is made
    answer = world.post("/connections", body=NEW | {"environment": "demo"}, headers=KEY)
    assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused")
    assert len(world.get("/connections").json["connections"]) == 1
    # and at another address it is another key
    assert world.post("/sync", body={}, headers=KEY).status == 202


def test_what_failed_may_be_tried_again_under_the_same_key(world: ApiWorld) -> None:
    # given a request that was refused
    refused = world.post("/connections", body=NEW | {"broker": "nobody"}, headers=KEY)
    assert refused.status == 422
    # when it is corrected; then the key is as good as new
    assert world.post("/connections", body=NEW, headers=KEY).status == 202


def test_a_request_that_is_still_under_way_is_waited_for(world: ApiWorld) -> None:
    # given a first request that has not ended: its second comes from inside it
    world.add()
    inner = []
    send = world.queue.send

    def send_again(jobs, *, backfill=False) -> None:
        if not inner:
            inner.append(None)
            nested = ApiWorld(repeats=world.repeats)
            inner[0] = nested.post("/trading-accounts/acc_1/sync", headers=KEY)
        send(jobs, backfill=backfill)

    world.queue.send = send_again
    # when
    world.post("/trading-accounts/acc_1/sync", headers=KEY)
    # then
    assert (inner[0].status, inner[0].json["code"]) == (409, "request_in_progress")
    assert inner[0].headers["retry-after"] == "1"


@pytest.mark.parametrize("key", ["a b", "x" * 65, "a/b", "ä"])
def test_a_key_of_another_form_is_refused(world: ApiWorld, key: str) -> None:
    answer = world.post("/sync", body={}, headers={"idempotency-key": key})
    assert (answer.status, answer.json["errors"][0]["location"]) == (422, "header")


def test_i7_what_is_remembered_holds_no_credential() -> None:
    # given a request with a credential
    with mock_aws():
        session = AwsSession(region="us-east-1", table_prefix="test-")
        session.table(IdempotencyItem).create_table(ignore_update_ttl_errors=False)
        world = ApiWorld(repeats=idempotency_store(session))
        world.post("/connections", body=NEW, headers=KEY)
        # when the table is dumped
        (row,) = session.client("dynamodb").scan(TableName="test-idempotency")["Items"]
    # then neither credential nor key nor user is in it, and it expires
    assert not [word for word in ("hunter2", KEY["idempotency-key"], "alice") if word in json.dumps(row)]
    assert int(row["expires_at"]["N"]) > 0


def test_one_reads_again_only_what_has_changed(world: ApiWorld) -> None:
    # given a status that was read
    world.add(plan=Plan.ELITE)
    path = "/trading-accounts/acc_1/sync-status"
    first = world.get(path)
    # when it is read again with its ETag
    again = world.get(path, headers={"if-none-match": first.headers["etag"]})
    # then nothing comes, not to be kept by anybody
    assert (again.status, again.body) == (304, "")
    assert (again.headers["etag"], again.headers["cache-control"]) == (first.headers["etag"], "no-store")
    # and when something has changed, it comes
    world.post("/trading-accounts/acc_1/sync")
    changed = world.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (changed.status, changed.json["job_id"]) == (200, world.feeds.get("acc_1").wanted.job_id)
    # and in another language it is another answer
    french = world.get(path, headers={"if-none-match": changed.headers["etag"], "accept-language": "fr"})
    assert french.status == 200


@pytest.mark.parametrize("path", ["/trading-accounts", "/sync-status", "/connections", "/me", "/brokers"])
def test_every_list_has_an_etag(world: ApiWorld, path: str) -> None:
    first = world.get(path)
    again = world.get(path, headers={"if-none-match": f'"x", {first.headers["etag"]}', "accept-encoding": "gzip"})
    assert (again.status, again.body) == (304, "")
    assert "content-encoding" not in again.headers
