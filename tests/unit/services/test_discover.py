"""A new connection's accounts are found by a run like any other: repeated without harm, fenced, and never guessed."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.connections import ConnectionStatus, status_of
from brokersync.domain.errors import ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.domain.feeds import Feed, FeedPurpose, FetchScope
from brokersync.domain.identity import first_feed_id
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.ports.brokers import FetchContext
from brokersync.services.connect_broker import ConnectBroker, NewConnection
from brokersync.services.end_run import RunReport
from tests.fakes import FakeDeadline
from tests.unit.services.world import Checkpoint, ScriptedBroker, World, a_manifest, a_page, serving

ONE, TWO = (
    AccountInfo(broker_account_id="001-1111", currency="EUR"),
    AccountInfo(broker_account_id="001-2222", currency="USD"),
)


@dataclass
class ListingBroker(ScriptedBroker):
    """A broker that lists accounts, or raises."""

    listed: Sequence[AccountInfo] | Exception = ()

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed


def a_world(*listed: AccountInfo) -> World:
    return World(ListingBroker(a_manifest(), serving([]), listed=listed))


def connect(world: World, **changes: object) -> Feed:
    """A new connection of the trader; returns its first feed."""
    service = ConnectBroker(
        connections=world.connections,
        feeds=world.feeds,
        accounts=world.accounts,
        queue=world.queue,
        clock=world.clock,
        ids=world.ids,
    )
    asked = {
        "user_id": "user",
        "plan": Plan.PRO,
        "manifest": world.broker.manifest,
        "environment": "live",
        "credentials": {},
    }
    (feed,) = service.run(NewConnection(**(asked | changes)))
    return feed


def run(world: World, feed_id: str) -> RunReport | None:
    now = world.clock.now()
    job = SyncJob(job_id="job", feed_id=feed_id, requested_by=RequestedBy.CONNECT, requested_at=now)
    return world.engine.run(job, FakeDeadline(world.clock))


def feeds_of(world: World, connection_id: str) -> list[Feed]:
    return [feed for feed in world.feeds.of_user("user") if feed.connection_id == connection_id]


def status(world: World, connection_id: str) -> ConnectionStatus:
    return status_of(world.connections.get(connection_id).status, feeds_of(world, connection_id))


def test_each_account_gets_its_feed_and_the_set_up_feed_is_done() -> None:
    # given a credential that opens two accounts
    world = a_world(ONE, TWO)
    set_up = connect(world)
    assert status(world, set_up.connection_id) is ConnectionStatus.CHECKING
    # when it is checked
    report = run(world, set_up.feed_id)
    # then each account has a feed that owes its first sync, with a message on its way
    assert report.run.outcome is Outcome.SUCCEEDED
    feeds = feeds_of(world, set_up.connection_id)
    assert {number for feed in feeds for number in feed.accounts} == {"001-1111", "001-2222"}
    assert all(feed.wanted.kind is RequestedBy.CONNECT and feed.purpose is FeedPurpose.SYNC for feed in feeds)
    assert {job.feed_id for job, _, _ in world.queue.backfills} >= {feed.feed_id for feed in feeds}
    # and the set-up feed is gone, so a doubled message finds nothing
    assert world.feeds.get(set_up.feed_id) is None
    assert run(world, set_up.feed_id) is None
    assert {one.currency for one in world.accounts.of_user("user")} == {"EUR", "USD"}


def die_at(step: int, world: World, patched: pytest.MonkeyPatch) -> None:
    """Let the worker die at its n-th write, before it takes effect."""
    written = count()

    def mortal(write: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if next(written) == step:
                raise KeyboardInterrupt
            return write(*args, **kwargs)

        return call

    writes = (
        (world.feeds, ("ensure", "renew", "close", "remove")),
        (world.accounts, ("ensure", "move")),
        (world.connections, ("disconnect",)),
        (world.runs, ("put",)),
    )
    for port, names in writes:
        for name in names:
            patched.setattr(port, name, mortal(getattr(port, name)))


@pytest.mark.parametrize("dies_at", range(8))
def test_i2_a_discovery_that_dies_at_any_line_is_repeated_without_harm(
    dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a worker that dies at the n-th thing that it writes
    world = a_world(ONE, TWO)
    set_up = connect(world)
    with monkeypatch.context() as patched:
        die_at(dies_at, world, patched)
        with suppress(KeyboardInterrupt):
            run(world, set_up.feed_id)
    world.clock.advance(minutes=2)
    # when another worker comes, twice
    run(world, set_up.feed_id)
    run(world, set_up.feed_id)
    # then there is one feed and one account of each
    assert len(feeds_of(world, set_up.connection_id)) == 2
    assert len(world.accounts.of_user("user")) == 2
    assert world.feeds.get(set_up.feed_id) is None


def test_a_rejected_credential_is_told_and_new_ones_go_on() -> None:
    # given a broker that refuses
    world = a_world(ONE)
    set_up = connect(world)
    world.broker.listed = UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "Wrong.")
    run(world, set_up.feed_id)
    assert status(world, set_up.connection_id) is ConnectionStatus.REAUTH_REQUIRED
    # when the trader enters others
    world.broker.listed = [ONE]
    stored = world.connections.get(set_up.connection_id).connection
    renewed = world.connections.replace(stored, {"token": "new"})
    world.feeds.renew(set_up.feed_id, renewed, set_up.wanted, of=stored.connection_id, under=None)
    run(world, set_up.feed_id)
    # then the account is found, under the new version
    (feed,) = feeds_of(world, set_up.connection_id)
    assert feed.connection_version == 2


def test_a_broker_that_is_down_is_asked_again_and_the_connection_stays_in_check() -> None:
    world = a_world(ONE)
    set_up = connect(world)
    world.broker.listed = RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "Down.")
    run(world, set_up.feed_id)
    assert status(world, set_up.connection_id) is ConnectionStatus.CHECKING
    # and after three more tries it says so, while the wheel goes on
    for _ in range(3):
        world.clock.advance(minutes=20)
        run(world, set_up.feed_id)
    assert status(world, set_up.connection_id) is ConnectionStatus.ERROR
    assert world.feeds.get(set_up.feed_id).on_wheel()


def test_a_credential_that_opens_nothing_is_an_incomplete_set_up() -> None:
    world = a_world()
    set_up = connect(world)
    report = run(world, set_up.feed_id)
    assert report.run.error_code is ErrorCode.SETUP_INCOMPLETE
    assert world.feeds.get(set_up.feed_id).runnable


def test_i4_a_discovery_of_a_connection_that_was_removed_makes_nothing() -> None:
    # given a trader who disconnects while the broker is asked
    world = a_world(ONE)
    set_up = connect(world)

    def removed_meanwhile(context: FetchContext) -> Sequence[AccountInfo]:
        world.connections.disconnect(set_up.connection_id)
        world.feeds.close(set_up.feed_id, set_up.connection_id)
        return [ONE]

    world.broker.list_accounts = removed_meanwhile
    # then the run ends without a word, and there is no new feed
    assert run(world, set_up.feed_id) is None
    assert [feed.feed_id for feed in feeds_of(world, set_up.connection_id)] == [set_up.feed_id]
    assert world.accounts.of_user("user") == []


# --- accounts that are known -----------------------------------------------------------------------------------------


def test_an_account_of_a_dead_connection_goes_on_under_the_new_one() -> None:
    # given an account that was disconnected, with a cursor
    world = a_world(ONE)
    first = connect(world)
    run(world, first.feed_id)
    (old,) = feeds_of(world, first.connection_id)
    world.feeds.close(old.feed_id, first.connection_id)
    world.feeds._feeds[old.feed_id] = replace(world.feeds.get(old.feed_id), cursor="41")
    # when it is found by another connection
    second = connect(world)
    run(world, second.feed_id)
    # then it is the same account at the same cursor, and the old connection has no credentials any more
    (feed,) = feeds_of(world, second.connection_id)
    assert (feed.feed_id, feed.cursor, feed.runnable) == (old.feed_id, "41", True)
    assert [one.connection_id for one in world.accounts.of_user("user")] == [second.connection_id]
    assert world.connections.get(first.connection_id).status is ConnectionStatus.DISCONNECTED


def test_an_account_of_a_living_connection_is_asked_about_and_found_later() -> None:
    # given an account that works
    world = a_world(ONE)
    first = connect(world)
    run(world, first.feed_id)
    # when another connection finds it
    second = connect(world)
    report = run(world, second.feed_id)
    # then nothing is guessed: it is told which one, and the wheel goes on
    assert report.run.error_code is ErrorCode.ALREADY_CONNECTED
    assert first.connection_id in report.run.safe_message
    assert status(world, second.connection_id) is ConnectionStatus.ERROR
    assert len(feeds_of(world, first.connection_id)) == 1
    # when the other one is disconnected, then the next tick goes on by itself
    for feed in feeds_of(world, first.connection_id):
        world.feeds.close(feed.feed_id, first.connection_id)
    world.clock.advance(minutes=60)
    tick = SyncJob(
        job_id="tick",
        feed_id=second.feed_id,
        requested_by=RequestedBy.SYSTEM,
        requested_at=world.clock.now(),
        tick=10**9,
    )
    world.engine.run(tick, FakeDeadline(world.clock))
    assert [
        feed.connection_id for feed in world.feeds.of_user("user") if feed.accounts and feed.feed_id != "acc_1"
    ] == [second.connection_id]


@pytest.mark.parametrize("dies_at", range(13))
def test_i2_a_take_over_that_dies_at_any_line_is_repeated_without_harm(
    dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two accounts of a connection that works and is to be replaced
    world = a_world(ONE, TWO)
    first = connect(world)
    run(world, first.feed_id)
    before = {one.account_id for one in world.accounts.of_user("user")}
    second = connect(world, replaces=first.connection_id)
    # when the worker that takes them over dies at its n-th write, and others come
    with monkeypatch.context() as patched:
        die_at(dies_at, world, patched)
        with suppress(KeyboardInterrupt):
            run(world, second.feed_id)
    for _ in range(2):
        world.clock.advance(minutes=2)
        run(world, second.feed_id)
    # then both accounts are the new connection's, once, and the old one is at its end
    accounts = world.accounts.of_user("user")
    assert {one.account_id for one in accounts} == before
    assert {one.connection_id for one in accounts} == {second.connection_id}
    assert {feed.feed_id for feed in feeds_of(world, second.connection_id)} == before
    assert feeds_of(world, first.connection_id) == []
    assert world.connections.get(first.connection_id).status is ConnectionStatus.DISCONNECTED


def test_i4_a_take_over_that_wakes_late_leaves_the_other_connection_alone() -> None:
    # given a connection that was to replace another one, and is removed while the broker is asked
    world = a_world(ONE)
    first = connect(world)
    run(world, first.feed_id)
    second = connect(world, replaces=first.connection_id)

    def removed_meanwhile(context: FetchContext) -> Sequence[AccountInfo]:
        world.connections.disconnect(second.connection_id)
        world.feeds.close(second.feed_id, second.connection_id)
        return [ONE]

    world.broker.list_accounts = removed_meanwhile
    run(world, second.feed_id)
    # then the other one works as before
    assert world.connections.get(first.connection_id).status is ConnectionStatus.CONNECTED
    assert all(feed.runnable for feed in feeds_of(world, first.connection_id))


def test_a_connection_that_is_replaced_gives_its_account_away_though_it_works() -> None:
    world = a_world(ONE)
    first = connect(world)
    run(world, first.feed_id)
    second = connect(world, replaces=first.connection_id)
    run(world, second.feed_id)
    assert len(feeds_of(world, second.connection_id)) == 1
    assert world.connections.get(first.connection_id).status is ConnectionStatus.DISCONNECTED


def test_accounts_of_a_whole_connection_keep_their_ids_and_trades_when_it_is_made_again() -> None:
    # given a broker that answers per connection, and an account that its first connection found
    steps = serving([])
    world = World(ScriptedBroker(a_manifest(scope=FetchScope.CONNECTION), steps))
    world.broker.script = serving(
        [a_page({"id": "t1"}, found=["001"], at=world.clock.now()), Checkpoint(cursor="1", last=True)]
    )
    first = connect(world)
    run(world, first.feed_id)
    (account,) = world.accounts.of_user("user")
    # when that connection is dead, and another one finds the same account
    world.feeds.close(first.feed_id, first.connection_id)
    world.broker.script = serving(
        [a_page({"id": "t1"}, {"id": "t2"}, found=["001"], at=world.clock.now()), Checkpoint(cursor="2", last=True)]
    )
    second = connect(world)
    report = run(world, second.feed_id)
    # then it is the same account: what it had stays, what is new comes, and nothing is there twice
    (now,) = world.accounts.of_user("user")
    assert (now.account_id, now.feed_id) == (account.account_id, second.feed_id)
    assert (report.run.stats.inserted, report.run.stats.duplicates) == (1, 1)
    assert {one.entry.source_id for one in world.ledger.newest(account.account_id, limit=9)} == {"t1", "t2"}
    assert world.connections.get(first.connection_id).status is ConnectionStatus.DISCONNECTED


# --- erasing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def removed() -> World:
    """A removed connection with two accounts, an erase feed, and somebody else's account."""
    world = a_world(ONE, TWO)
    set_up = connect(world)
    run(world, set_up.feed_id)
    for feed in feeds_of(world, set_up.connection_id):
        world.feeds.close(feed.feed_id, set_up.connection_id)
    world.connections.disconnect(set_up.connection_id)
    world.feeds.create(
        replace(set_up, feed_id="feed_erase", purpose=FeedPurpose.ERASE, connection_version=0, runnable=True)
    )
    world.removed = set_up.connection_id
    return world


def test_an_erasure_goes_through_all_that_was_the_connections(removed: World) -> None:
    feeds = {feed.feed_id for feed in feeds_of(removed, removed.removed)} - {"feed_erase"}
    report = run(removed, "feed_erase")
    # then its accounts, its feeds and its set-up feed are erased, and nothing of others
    assert report.run.outcome is Outcome.SUCCEEDED
    accounts = [one.account_id for one in removed.accounts.of_user("user")]
    assert removed.erasing.erased[:2] == accounts
    assert set(removed.erasing.erased[2:]) == {*feeds, first_feed_id(removed.removed)}
    # and it is gone itself, without a row of its own in the log
    assert removed.feeds.get("feed_erase") is None
    assert removed.runs.newest("feed_erase", limit=9) == []


def test_an_erasure_whose_time_is_up_is_gone_on_with(removed: World) -> None:
    # given time for one piece
    removed.erasing.patience = 1
    run(removed, "feed_erase")
    # then the rest is owed, and the next run does it
    assert removed.feeds.get("feed_erase").wanted is not None
    removed.erasing.patience = 100
    removed.clock.advance(minutes=1)
    run(removed, "feed_erase")
    assert removed.feeds.get("feed_erase") is None


def test_a_connection_of_another_user_is_no_identity() -> None:
    # given the same number at the same broker, of another user
    world = a_world(ONE)
    other = connect(world, user_id="another")
    run(world, other.feed_id)
    # when it is connected
    mine = connect(world)
    run(world, mine.feed_id)
    # then each has an own account
    assert len(world.accounts.of_user("another")) == len(world.accounts.of_user("user")) == 1
