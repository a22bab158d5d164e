"""What a trader is told about the accounts, each and all together."""

from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.identity import user_id
from brokersync.domain.runs import Outcome
from brokersync.domain.status import AccountStatus
from brokersync.services.own_accounts import AccountNotFoundError
from tests.unit.functions.api_world import ISSUER, NEWS_NOTE, ApiWorld, a_feed, an_account

ALICE = user_id(ISSUER, "alice")


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_i5_all_together_are_as_bad_as_the_worst_and_as_old_as_the_oldest(world: ApiWorld) -> None:
    # given a fresh account, a partly synced one, and a failed one whose last success is a day old
    now = world.clock.now()
    world.add("acc_fresh")
    world.add("acc_partial", outcome=Outcome.PARTIAL)
    world.add("acc_failed", outcome=Outcome.FAILED, last_successful_at=now - timedelta(days=1))

    # when
    overview = world.services.read_status.all(ALICE)

    # then
    assert overview.worst is AccountStatus.FAILED
    assert overview.last_successful_sync_at == now - timedelta(days=1)


def test_i5_nothing_is_called_synced_while_one_account_never_was(world: ApiWorld) -> None:
    # given
    world.add("acc_fresh")
    world.add("acc_new", outcome=None, last_attempted_at=None, last_successful_at=None)

    # when
    overview = world.services.read_status.all(ALICE)

    # then
    assert overview.last_successful_sync_at is None
    assert overview.worst is AccountStatus.PENDING


def test_without_accounts_there_is_nothing_to_say(world: ApiWorld) -> None:
    # given a stranger to us
    # when
    overview = world.services.read_status.all(ALICE)

    # then
    assert (overview.accounts, overview.worst, overview.last_successful_sync_at) == ([], None, None)


def test_accounts_of_one_feed_all_show_their_feeds_status(world: ApiWorld) -> None:
    # given a connection with two accounts, whose last sync failed
    feed = replace(
        a_feed("con_1", world.clock.now()),
        accounts={"U1": "acc_1", "U2": "acc_2"},
        outcome=Outcome.FAILED,
        error_code=ErrorCode.TIMEOUT,
    )
    world.feeds.create(feed)
    for account_id in ("acc_1", "acc_2"):
        world.accounts.ensure(an_account(account_id, feed))

    # when
    states = world.services.read_status.all(ALICE).accounts

    # then each account shows it, and the connection itself is not listed beside them
    assert [(state.own.account.account_id, state.status.status) for state in states] == [
        ("acc_1", AccountStatus.FAILED),
        ("acc_2", AccountStatus.FAILED),
    ]


def test_i10_a_connection_that_never_got_to_its_accounts_is_listed_with_its_failure(world: ApiWorld) -> None:
    # given a connection whose first sync was refused: no account of it is known
    feed = replace(
        a_feed("con_1", world.clock.now()),
        accounts={},
        outcome=Outcome.FAILED,
        runnable=False,
        error_code=ErrorCode.CREDENTIALS_REJECTED,
        safe_message="The broker refused the token.",
    )
    world.feeds.create(feed)

    # when
    [state] = world.services.read_status.all(ALICE).accounts

    # then it stands in for its accounts, and can be asked for by the id it shows
    assert state.own.account.account_id == "con_1"
    assert state.status.error_message == "The broker refused the token."
    assert world.services.read_status.one(ALICE, "con_1") == state


def test_i7_a_connection_without_accounts_is_shown_to_its_owner_only(world: ApiWorld) -> None:
    # given
    world.feeds.create(replace(a_feed("con_1", world.clock.now(), "bob"), accounts={}))

    # when, then
    with pytest.raises(AccountNotFoundError):
        world.services.read_status.one(ALICE, "con_1")


def test_a_connection_whose_accounts_are_known_is_no_account_itself(world: ApiWorld) -> None:
    # given
    feed = replace(a_feed("con_1", world.clock.now()), accounts={"U1": "acc_1"})
    world.feeds.create(feed)
    world.accounts.ensure(an_account("acc_1", feed))

    # when, then
    with pytest.raises(AccountNotFoundError):
        world.services.read_status.one(ALICE, "con_1")


def test_i7_an_account_that_lost_its_feed_hides_no_other(world: ApiWorld) -> None:
    # given an account whose feed is not there
    world.add("acc_1")
    world.accounts.ensure(an_account("acc_lost", a_feed("feed_gone", world.clock.now())))

    # when
    overview = world.services.read_status.all(ALICE)

    # then
    assert [state.own.account.account_id for state in overview.accounts] == ["acc_1"]
    with pytest.raises(AccountNotFoundError):
        world.services.read_status.one(ALICE, "acc_lost")


def test_the_brokers_facts_come_with_the_status(world: ApiWorld) -> None:
    # given
    world.add("acc_1")

    # when
    state = world.services.read_status.one(ALICE, "acc_1")

    # then
    assert (state.broker_name, state.news_note) == ("Acme Markets", NEWS_NOTE)


def test_i7_a_broker_that_this_release_does_not_know_hides_no_account(world: ApiWorld) -> None:
    # given a feed of a broker that came with a release since rolled back
    world.add("acc_1")
    world.add("acc_2", broker="tomorrow")

    # when
    states = world.services.read_status.all(ALICE).accounts

    # then
    assert [(state.broker_name, state.news_note) for state in states] == [("Acme Markets", NEWS_NOTE), ("tomorrow", "")]


@pytest.mark.parametrize("account_id", ["", "acc 1", "acc_1#v0001", "../acc_1", "a" * 65, "acc_1\n", "äcc_1"])
def test_a_malformed_id_is_not_looked_up(world: ApiWorld, account_id: str) -> None:
    # given tables that take any key, and an account that is found under whatever one asks for
    class Obliging:
        def get(self, key: str):
            raise AssertionError(f"{key!r} was looked up")

    world.own._accounts = Obliging()

    # when, then
    with pytest.raises(AccountNotFoundError):
        world.services.read_status.one(ALICE, account_id)
