"""A new connection: refused by the field that is wrong, else owed its first sync before any message is sent."""

from dataclasses import replace

import pytest

from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import AuthField
from brokersync.domain.plans import Plan
from brokersync.domain.runs import RequestedBy
from brokersync.services.connect_broker import BadConnectionError, ConnectBroker, NewConnection
from tests.fakes import FakeAccounts, FakeClock, FakeConnections, FakeFeeds, FakeIds, FakeSyncQueue
from tests.unit.services.world import a_manifest

TOKEN = AuthField(name="token", label="Token", help="From the broker's site.")


class Desk:
    """ConnectBroker over in-memory ports."""

    def __init__(self) -> None:
        self.feeds, self.accounts, self.queue = FakeFeeds(), FakeAccounts(), FakeSyncQueue()
        self.connections = FakeConnections()
        self.connect = ConnectBroker(
            connections=self.connections,
            feeds=self.feeds,
            accounts=self.accounts,
            queue=self.queue,
            clock=FakeClock(),
            ids=FakeIds(),
        )


def a_request(scope: FetchScope = FetchScope.ACCOUNT) -> NewConnection:
    return NewConnection(
        user_id="user",
        plan=Plan.FREE,
        manifest=replace(a_manifest(scope=scope), auth_fields=(TOKEN,), setup_help="Make a token first."),
        environment="live",
        credentials={"token": "s3cret"},
        broker_account_ids=("001-1234", "001-5678") if scope is FetchScope.ACCOUNT else (),
    )


def test_each_account_gets_its_feed_under_one_connection_and_is_owed_its_first_sync() -> None:
    desk = Desk()
    feeds = desk.connect.run(a_request())
    assert len({feed.feed_id for feed in feeds}) == 2
    assert len({feed.connection_id for feed in feeds}) == 1
    for feed in feeds:
        stored = desk.feeds.get(feed.feed_id)
        assert stored is not None
        assert stored.wanted is not None
        assert (stored.wanted.kind, stored.interval_min) == (RequestedBy.CONNECT, 60)
        assert set(stored.accounts.values()) == {feed.feed_id}
    assert {job.job_id for job, _, _ in desk.queue.backfills} == {feed.wanted.job_id for feed in feeds if feed.wanted}
    assert {one.masked_number for one in desk.accounts.of_user("user")} == {"...1234", "...5678"}


def test_a_broker_that_answers_per_connection_gets_one_feed_whose_accounts_are_found_later() -> None:
    desk = Desk()
    (feed,) = desk.connect.run(a_request(FetchScope.CONNECTION))
    assert (feed.accounts, desk.accounts.of_user("user")) == ({}, [])


def test_i11_the_first_sync_is_owed_even_if_its_message_cannot_be_sent() -> None:
    desk = Desk()
    desk.queue.lossy = True
    (feed,) = desk.connect.run(a_request(FetchScope.CONNECTION))
    stored = desk.feeds.get(feed.feed_id)
    assert stored is not None
    assert stored.wanted is not None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"environment": "moon"}, "environment: 'moon' is not one of live"),
        ({"credentials": {}}, "credentials: 'token' is empty; Make a token first."),
        ({"credentials": {"token": "  "}}, "credentials: 'token' is empty"),
        ({"credentials": {"token": "x", "pin": "1"}}, "credentials: 'pin' is not a field of Scripted; it has token"),
        ({"broker_account_ids": ("1", " ")}, "broker_account_ids: an account number is empty"),
        ({"broker_account_ids": ("1", "1")}, "broker_account_ids: an account number is there twice"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field_and_nothing_is_stored(change: dict[str, object], problem: str) -> None:
    desk = Desk()
    with pytest.raises(BadConnectionError, match=problem.replace("'", ".").split(";")[0]) as refused:
        desk.connect.run(replace(a_request(), **change))  # type: ignore[arg-type]
    assert "s3cret" not in str(refused.value)
    assert desk.feeds.of_user("user") == []


def test_a_field_that_is_not_required_may_be_left_out_or_empty() -> None:
    # given a broker with an optional field
    header = AuthField(name="header", label="Header", help="Of the key.", secret=False, required=False, default="X-Key")
    asked = a_request()
    manifest = replace(asked.manifest, auth_fields=(TOKEN, header))
    for credentials in ({"token": "s3cret"}, {"token": "s3cret", "header": ""}):
        desk = Desk()
        # when it is left out, or empty
        desk.connect.run(replace(asked, manifest=manifest, credentials=credentials))
        # then the connection is made
        assert len(desk.feeds.of_user("user")) == 2
    # but the required one is still asked for
    with pytest.raises(BadConnectionError, match="'token' is empty"):
        Desk().connect.run(replace(asked, manifest=manifest, credentials={"header": "X-Api-Key"}))
