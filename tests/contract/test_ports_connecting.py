"""What connecting, re-connecting and disconnecting do to feeds and accounts: the same in memory and in DynamoDB."""

from dataclasses import replace

import pytest

from brokersync.domain.coverage import Coverage
from brokersync.domain.errors import ErrorCode, LeaseLostError
from brokersync.domain.feeds import FeedPurpose
from brokersync.domain.runs import RequestedBy
from brokersync.ports.accounts import TradingAccount
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import NotAcquired
from tests.contract import made
from tests.contract.conftest import World

WANTED = made.wanted("job_connect", RequestedBy.CONNECT)


def connection(connection_id: str = "con_1", version: int = 2) -> Connection:
    return Connection(
        connection_id=connection_id,
        user_id="user_1",
        broker="oanda",
        environment="practice",
        version=version,
        fingerprint="",
    )


def test_a_feed_that_a_run_found_is_made_once(world: World):
    # given a discovery that makes a feed
    got = world.held(purpose=FeedPurpose.DISCOVER, accounts={})
    world.feeds.ensure(got.lease, made.feed("acc_2", cursor="7"))
    # when another worker repeats it
    world.feeds.ensure(got.lease, made.feed("acc_2"))
    # then the first one stays, and the purpose of the set-up feed is kept
    assert world.feeds.get("acc_2") == made.feed("acc_2", cursor="7")
    assert world.stored().purpose is FeedPurpose.DISCOVER


def test_i4_a_discovery_that_wakes_late_makes_no_feed(world: World):
    # given a discovery whose connection was removed meanwhile
    got = world.held()
    world.feeds.close("acc_1", "con_1")
    # then its feed is refused
    with pytest.raises(LeaseLostError):
        world.feeds.ensure(got.lease, made.feed("acc_2"))
    assert world.feeds.get("acc_2") is None


def test_i3_new_credentials_bring_a_feed_back_at_its_cursor(world: World):
    # given a feed that waits for its trader
    got = world.held(cursor="41")
    world.feeds.finish(
        got.lease, made.finish(runnable=False, error_code=ErrorCode.CREDENTIALS_REJECTED, failure_count=1), got.feed
    )
    # when new credentials are entered
    assert world.feeds.renew("acc_1", connection(), WANTED, of="con_1", under=None)
    # then it runs again from where it was, and is on the wheel
    feed = world.stored()
    assert (feed.runnable, feed.cursor, feed.connection_version, feed.wanted) == (True, "41", 2, WANTED)
    assert (feed.error_code, feed.failure_count) == (None, 1)
    assert world.acquire().feed.wanted == WANTED


def test_i4_a_run_under_the_old_credentials_does_not_win(world: World):
    # given a run that finds the old credentials rejected, while the trader enters new ones
    got = world.held()
    world.feeds.renew("acc_1", connection(), WANTED, of="con_1", under=None)
    # when it ends
    with pytest.raises(LeaseLostError):
        world.feeds.finish(got.lease, made.finish(runnable=False), got.feed)
    # then the feed goes on under the new ones
    assert (world.stored().runnable, world.stored().wanted, world.stored().lease) == (True, WANTED, None)


def test_older_credentials_never_replace_newer_ones(world: World):
    world.feeds.create(made.feed(connection_version=3))
    assert not world.feeds.renew("acc_1", connection(version=3), WANTED, of="con_1", under=None)
    assert not world.feeds.renew("acc_1", connection(version=2), WANTED, of="con_1", under=None)
    assert not world.feeds.renew("acc_1", connection("con_1", 9), WANTED, of="con_8", under=None)
    assert not world.feeds.renew("acc_9", connection(), WANTED, of="con_1", under=None)
    assert world.stored() == made.feed(connection_version=3)


def test_a_feed_is_taken_over_once_and_under_the_set_up_feeds_epoch(world: World):
    # given a dead connection's feed, and the set-up feed of a new connection
    got = world.held(connection_id="con_2", purpose=FeedPurpose.DISCOVER)
    world.feeds.create(made.feed("acc_2", cursor="41", runnable=False))
    # when it is taken over, twice
    new = connection("con_2", 1)
    assert world.feeds.renew("acc_2", new, WANTED, of="con_1", under=got.lease)
    assert not world.feeds.renew("acc_2", new, made.wanted("another"), of="con_1", under=got.lease)
    # then it belongs to the new one, with its cursor
    feed = world.feeds.get("acc_2")
    assert (feed.connection_id, feed.connection_version, feed.cursor, feed.wanted) == ("con_2", 1, "41", WANTED)
    # and a late worker can't do it
    world.feeds.close("acc_1", "con_2")
    with pytest.raises(LeaseLostError):
        world.feeds.renew("acc_2", connection("con_3"), WANTED, of="con_2", under=got.lease)


def test_a_closed_feed_runs_no_more_and_lets_nobody_finish(world: World):
    # given a feed in the middle of a run
    got = world.held(wanted=WANTED)
    # when it is closed
    before = world.feeds.close("acc_1", "con_1")
    # then the caller learns who held it
    assert before.lease == got.lease
    # and whatever comes late finds nothing
    with pytest.raises(LeaseLostError):
        world.feeds.finish(got.lease, made.finish(), got.feed)
    late = world.feeds.acquire("acc_1", token="t", run_id="r", job=made.job(), now=made.after(hours=1))
    assert isinstance(late, NotAcquired)
    assert not world.stored().on_wheel()
    assert world.stored().wanted is None


def test_only_its_connection_closes_a_feed(world: World):
    world.feeds.create(made.feed())
    assert world.feeds.close("acc_1", "con_2") is None
    assert world.feeds.close("acc_9", "con_1") is None
    assert world.stored() == made.feed()


def test_a_feed_is_removed_under_its_epoch_and_doing_it_again_is_success(world: World):
    # given a feed whose first holder died
    first = world.held()
    second = world.acquire(now=made.after(minutes=2))
    # then the dead one can't remove it
    with pytest.raises(LeaseLostError):
        world.feeds.remove(first.lease)
    # and the second one can, twice
    world.feeds.remove(second.lease)
    world.feeds.remove(second.lease)
    assert world.feeds.get("acc_1") is None
    with pytest.raises(LeaseLostError):
        world.feeds.advance(second.lease, "1", Coverage(), None)


def account(account_id: str = "acc_1", **changes: str) -> TradingAccount:
    facts = {
        "user_id": "user_1",
        "feed_id": account_id,
        "connection_id": "con_1",
        "broker": "oanda",
        "broker_account_id": "101-001",
        "masked_number": "...-001",
        "name": "",
        "currency": "EUR",
        "environment": "practice",
    }
    return TradingAccount(account_id=account_id, **(facts | changes))


def test_i7_an_account_is_found_again_by_user_broker_environment_and_number(world: World):
    # given an account, and others that differ in one of these
    world.accounts.ensure(account())
    others = ({"user_id": "user_2"}, {"broker": "acme"}, {"environment": "live"}, {"broker_account_id": "101-002"})
    for number, change in enumerate(others):
        world.accounts.ensure(account(f"acc_other_{number}", **change))
    # then only the same one is found
    assert world.accounts.same(account("acc_new", connection_id="con_2")) == [account()]


def test_an_account_moves_once(world: World):
    # given an account that two workers have read
    world.accounts.ensure(account())
    world.accounts.move(account(), feed_id="feed_2", connection_id="con_2")
    # when the second one moves it elsewhere
    world.accounts.move(account(), feed_id="feed_3", connection_id="con_3")
    # then the first one's word stands
    assert world.accounts.get("acc_1") == replace(account(), feed_id="feed_2", connection_id="con_2")
