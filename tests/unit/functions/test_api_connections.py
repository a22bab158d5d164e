"""POST, GET, PATCH and DELETE /connections: what is asked is owed, what is wrong is named, and no secret comes back."""

from dataclasses import replace

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import FeedPurpose, Wanted
from brokersync.domain.identity import erase_feed_id, first_feed_id, user_id
from brokersync.domain.runs import Outcome, RequestedBy
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import ISSUER, ApiWorld

ALICE = user_id(ISSUER, "alice")
NEW = {"broker": "acme", "environment": "live", "credentials": {"token": "s3cret-4711"}}


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_connecting_answers_at_once_and_owes_the_check(world: ApiWorld) -> None:
    # when
    answer = world.post("/connections", body=NEW)
    # then
    assert answer.status == 202
    connection_id = answer.json["connection_id"]
    assert answer.json["status"] == "checking"
    # and a set-up feed owes the check, with a message on its way
    feed = world.feeds.get(first_feed_id(connection_id))
    assert (feed.purpose, feed.wanted.kind) == (FeedPurpose.DISCOVER, RequestedBy.CONNECT)
    assert [job.feed_id for job, _, _ in world.queue.backfills] == [feed.feed_id]
    # and it can be watched, under the feed's id as long as its accounts are not known
    shown = world.get(f"/connections/{connection_id}")
    assert shown.json["status"] == "checking"
    assert [account["account_id"] for account in shown.json["accounts"]] == [feed.feed_id]
    assert [one["connection_id"] for one in world.get("/connections").json["connections"]] == [connection_id]


def test_with_account_numbers_each_account_is_there_at_once(world: ApiWorld) -> None:
    answer = world.post("/connections", body=NEW | {"broker_account_ids": ["001-1234", "001-5678"]})
    shown = world.get(f"/connections/{answer.json['connection_id']}").json
    assert {account["masked_number"] for account in shown["accounts"]} == {"...1234", "...5678"}


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"broker": "nope"}, "broker", "'nope' is not one of acme"),
        ({"environment": "moon"}, "environment", "'moon' is not one of live"),
        ({"credentials": {"token": "x", "pin": "s3cret-4711"}}, "credentials", "'pin' is not a field of Acme Markets"),
        ({"credentials": {}}, "credentials", "'token' is empty"),
        ({"credentials": {"token": 4711}}, "credentials.token", "valid string"),
        ({"credentials": "s3cret-4711"}, "credentials", "valid dictionary"),
        ({"broker_account_ids": ["1", "1"]}, "broker_account_ids", "there twice"),
        ({"password": "s3cret-4711"}, "password", "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(world: ApiWorld, change: dict, field: str, problem: str) -> None:
    answer = world.post("/connections", body=NEW | change)
    assert (answer.status, answer.json["code"]) == (422, "invalid_request")
    (named,) = answer.json["errors"]
    assert named["field"] == field
    assert problem in named["problem"]
    assert "4711" not in answer.body
    assert world.connections.of_user(ALICE) == []


@pytest.mark.parametrize("body", ["{", "", "[]", '"text"'])
def test_a_body_that_is_none_is_refused(world: ApiWorld, body: str) -> None:
    assert world.post("/connections", body=body).status == 422


def test_a_body_of_another_kind_is_refused(world: ApiWorld) -> None:
    answer = world.post("/connections", body="<xml/>", headers={"content-type": "text/xml"})
    assert answer.status in {415, 422}


def test_i7_no_answer_ever_has_a_credential(world: ApiWorld) -> None:
    connection_id = world.post("/connections", body=NEW).json["connection_id"]
    answers = [
        world.get("/connections"),
        world.get(f"/connections/{connection_id}"),
        world.patch(f"/connections/{connection_id}", body={"credentials": {"token": "s3cret-4712"}}),
        world.delete(f"/connections/{connection_id}"),
        world.get(f"/connections/{connection_id}"),
    ]
    assert all("s3cret" not in answer.body for answer in answers)


def test_a_connection_says_why_it_does_not_work(world: ApiWorld) -> None:
    # given a rejected credential
    world.connect()
    world.add(
        "acc_1",
        runnable=False,
        outcome=Outcome.FAILED,
        error_code=ErrorCode.CREDENTIALS_REJECTED,
        safe_message="The broker does not know this token.",
    )
    world.connections.require_reconnect("con_1", 1)
    # then
    shown = world.get("/connections/con_1").json
    assert shown["status"] == "reauth_required"
    assert shown["error"]["message"] == "The broker does not know this token."
    assert shown["error"]["next_step"]
    assert [account["sync"]["badge"] for account in shown["accounts"]] == ["Re-connect"]


def test_i3_new_credentials_go_on_from_the_old_cursor(world: ApiWorld) -> None:
    # given a connection that needs its trader
    world.connect()
    world.add("acc_1", runnable=False, cursor="41", outcome=Outcome.FAILED)
    # when
    answer = world.patch("/connections/con_1", body={"credentials": {"token": "new"}})
    # then the feed runs again, at its cursor, under the next version
    assert answer.status == 202
    feed = world.feeds.get("acc_1")
    assert (feed.runnable, feed.cursor, feed.connection_version) == (True, "41", 2)
    assert feed.wanted.kind is RequestedBy.CONNECT
    assert world.connections.credentials("con_1", 2)[1] == {"token": "new"}
    assert world.get("/connections/con_1").json["status"] == "checking"


def test_new_credentials_mend_a_connection_whose_making_was_interrupted(world: ApiWorld) -> None:
    # given a connection without any feed
    world.connect()
    shown = world.get("/connections/con_1").json
    assert (shown["status"], shown["error"]["message"]) == ("error", "Connecting was interrupted.")
    # when the credentials are entered again
    world.patch("/connections/con_1", body={"credentials": {"token": "new"}})
    # then its check is owed
    assert world.feeds.get(first_feed_id("con_1")).connection_version == 2
    assert world.get("/connections/con_1").json["status"] == "checking"


def test_a_disconnected_connection_takes_no_credentials(world: ApiWorld) -> None:
    world.connect()
    world.delete("/connections/con_1")
    answer = world.patch("/connections/con_1", body={"credentials": {"token": "new"}})
    assert (answer.status, answer.json["code"]) == (409, "connection_removed")


def test_disconnecting_stops_everything_and_keeps_what_was_loaded(world: ApiWorld) -> None:
    # given a connection in the middle of a sync
    world.connect()
    world.add("acc_1")
    world.trade("acc_1", "t1")
    lease = world.hold("acc_1")
    # when
    answer = world.delete("/connections/con_1")
    # then no secret is left, the worker has lost the feed, and nothing is due
    assert (answer.status, answer.json["status"]) == (202, "disconnected")
    with pytest.raises(KeyError):
        world.connections.credentials("con_1", 1)
    feed = world.feeds.get("acc_1")
    assert (feed.epoch > lease.epoch, feed.lease, feed.on_wheel()) == (True, None, False)
    # and the trades are there, under an account that says so
    assert len(world.get("/trading-accounts/acc_1/trades").json["trades"]) == 1
    assert world.get("/trading-accounts/acc_1/sync-status").json["badge"] == "Disconnected"
    assert world.get("/connections/con_1").json["status"] == "disconnected"
    assert world.delete("/connections/con_1").status == 202


def test_an_erasure_waits_for_the_last_worker_and_shows_its_receipt(world: ApiWorld) -> None:
    # given a worker that holds a feed
    world.connect()
    world.add("acc_1")
    lease = world.hold("acc_1")
    # when everything is to be erased
    world.delete("/connections/con_1", query={"erase": "true"})
    # then that is owed for the time when the worker can't store anything any more
    feed = world.feeds.get(erase_feed_id("con_1"))
    assert (feed.purpose, feed.wanted.not_before) == (FeedPurpose.ERASE, lease.until)
    assert [delay for job, _, delay in world.queue.backfills if job.feed_id == feed.feed_id] == [75]
    # and the receipt is open
    assert world.get("/connections/con_1").json["erasure"] == {"counts": {}, "finished_at": None}
    # and the work shows nowhere as an account
    assert [one["account_id"] for one in world.get("/trading-accounts").json["accounts"]] == ["acc_1"]
    # and asking again asks for nothing more
    world.delete("/connections/con_1", query={"erase": "true"})
    assert world.feeds.get(feed.feed_id) == feed


def test_an_account_of_a_working_connection_is_not_taken_by_guessing(world: ApiWorld) -> None:
    # given an account that works
    world.connect("con_1")
    world.add("acc_1")
    asked = NEW | {"broker_account_ids": ["001-SECRET-4711"]}
    # when it is connected again
    answer = world.post("/connections", body=asked)
    # then the trader is asked, and nothing has changed
    assert (answer.status, answer.json["code"]) == (409, "already_connected")
    assert "con_1" in answer.json["detail"]
    assert "replaces" in answer.json["next_step"]
    assert len(world.connections.of_user(ALICE)) == 1
    # when the trader says so
    answer = world.post("/connections", body=asked | {"replaces": "con_1"})
    # then the account goes over, and the other connection ends
    assert answer.status == 202
    assert world.accounts.get("acc_1").connection_id == answer.json["connection_id"]
    assert world.get("/connections/con_1").json["status"] == "disconnected"


def test_connecting_an_account_again_carries_on_where_it_was(world: ApiWorld) -> None:
    # given an account of a connection that needs its trader
    world.connect("con_1")
    world.add("acc_1", runnable=False, cursor="41", outcome=Outcome.FAILED)
    world.trade("acc_1", "t1")
    # when the trader connects it as if it were new
    answer = world.post("/connections", body=NEW | {"broker_account_ids": ["001-SECRET-4711"]})
    # then it is the same account with its trades and its cursor, and there is no second one
    feed = world.feeds.get("acc_1")
    assert (feed.connection_id, feed.cursor, feed.runnable) == (answer.json["connection_id"], "41", True)
    assert [one["account_id"] for one in world.get("/trading-accounts").json["accounts"]] == ["acc_1"]
    assert len(world.get("/trading-accounts/acc_1/trades").json["trades"]) == 1
    # and nothing is left of the dead connection's secrets
    with pytest.raises(KeyError):
        world.connections.credentials("con_1", 1)


def test_a_history_that_is_still_loading_is_a_connection_that_works(world: ApiWorld) -> None:
    # given a first load that needs more runs
    world.connect()
    more = Wanted(job_id="job_1", kind=RequestedBy.CONNECT, not_before=START)
    world.add("acc_1", outcome=Outcome.DEFERRED, error_code=ErrorCode.WORK_IN_PROGRESS, wanted=more)
    assert world.get("/connections/con_1").json["status"] == "connected"
    # and one that waits for the broker's limit has not been checked yet
    world.feeds.renew(
        "acc_1", replace(world.connections.get("con_1").connection, version=2), more, of="con_1", under=None
    )
    assert world.get("/connections/con_1").json["status"] == "checking"
