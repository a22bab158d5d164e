"""Every announced event gets onto the bus, or the caller knows (I10)."""

import json

import pytest

from brokersync.aws.batches import ROUNDS
from brokersync.aws.bus import EventBridgeBus
from brokersync.aws.session import AwsSession
from brokersync.contracts.events import SOURCE, parse
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.feeds import Announcement
from tests.unit.aws.aws_endpoint import aws_endpoint, lost


def announcements(count):
    detail = {"feed_id": "acc_1", "user_id": "u1", "broker": "oanda", "job_id": "job_1", "outcome": "succeeded"}
    return [Announcement(event_id=f"e{n}", detail_type="sync_job_succeeded", detail=detail) for n in range(count)]


def accept(request):
    return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}


def refuse_the_second(request):
    answers = accept(request)
    answers["Entries"][1] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    return answers | {"FailedEntryCount": 1}


def refuse(request):
    return {
        "FailedEntryCount": len(request["Entries"]),
        "Entries": [{"ErrorCode": "InternalFailure"} for _ in request["Entries"]],
    }


def bus_at(url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    return EventBridgeBus(AwsSession(region="us-east-1"), "bus")


def ids(asked):
    return [[json.loads(entry["Detail"])["event_id"] for entry in one["Entries"]] for one in asked]


@pytest.mark.parametrize(("count", "batches"), [(0, []), (1, [1]), (10, [10]), (23, [10, 10, 3])])
def test_every_event_is_put_on_the_bus_by_its_contract(monkeypatch, count, batches):
    # given some events, more than a batch
    with aws_endpoint(accept) as (url, asked):
        bus_at(url, monkeypatch).send(announcements(count))
    # then each is put once, on our bus, under our source
    assert [len(one["Entries"]) for one in asked] == batches
    entries = [entry for one in asked for entry in one["Entries"]]
    assert {(entry["EventBusName"], entry["Source"]) for entry in entries} <= {("bus", SOURCE)}
    # and can be read by the contract of its type, with its own id
    assert [parse(entry["DetailType"], entry["Detail"]).event_id for entry in entries] == [
        f"e{n}" for n in range(count)
    ]


def test_i10_events_that_the_bus_refuses_are_sent_again_and_no_others(monkeypatch):
    # given a bus that answers 200 and refuses one of three
    with aws_endpoint(refuse_the_second, accept) as (url, asked):
        bus_at(url, monkeypatch).send(announcements(3))
    # then that one follows
    assert ids(asked) == [["e0", "e1", "e2"], ["e1"]]


def test_i10_events_whose_answer_is_lost_are_sent_again_with_the_same_id(monkeypatch):
    with aws_endpoint(lost, accept) as (url, asked):
        bus_at(url, monkeypatch).send(announcements(1))
    assert ids(asked) == [["e0"], ["e0"]]


def test_i10_an_event_that_cannot_be_sent_is_an_error(monkeypatch):
    # given a bus that refuses everything
    with aws_endpoint(refuse) as (url, asked), pytest.raises(RetryLaterError) as caught:
        bus_at(url, monkeypatch).send(announcements(2))
    # then the caller keeps them, and knows how many
    assert len(asked) == ROUNDS
    assert (caught.value.code, caught.value.detail) == (ErrorCode.INTERNAL, "2 of 2 not sent")
