"""The engine and SnapTrade's changing ids: connected anew, read again, taken back, and broken but still answering."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome
from brokersync.domain.trades import StoredEntry
from brokersync.services.connect_broker import ConnectBroker, NewConnection
from local.simulators.kit import Happening, KitClock, Login, Past, kit_of
from tests.contract.brokers.connected import Connected
from tests.contract.brokers.recording import logs
from tests.fakes import FakeSyncQueue


@pytest.fixture
def trader() -> Iterator[Connected]:
    """A trader whose account was synced."""
    kit, clock = kit_of("snaptrade"), KitClock()
    with ExitStack() as stack:
        scene = stack.enter_context(kit.start(clock, Past.SHORT))
        connected = Connected(kit, scene, clock, stack.enter_context(logs()))
        stack.callback(connected.close)
        connected.succeed()
        yield connected


def do(trader: Connected, what: str, **more: object) -> None:
    """Let something happen to the account at SnapTrade, which loads it on the next day."""
    body = {"account": trader.numbers[0], **more}
    assert httpx.post(f"{trader.scene.base_url}/_sim/{what}", json=body).status_code == 200


def held(trader: Connected) -> Mapping[str, StoredEntry]:
    """All entries that are stored, without what the ledger knows of later ids."""
    (entries,) = trader.stored().values()
    return {name: replace(stored, aliases=()) for name, stored in entries.items()}


def aliases(trader: Connected) -> int:
    """How many entries have come under another id."""
    (entries,) = trader.stored().values()
    return sum(bool(stored.aliases) for stored in entries.values())


@pytest.mark.parametrize("what", ["relink", "reissue"])
def test_i2_what_comes_again_under_other_ids_is_stored_once(trader: Connected, what: str) -> None:
    # given equal fills among what is stored
    trader.happen(Happening.EQUAL_FILLS)
    trader.succeed()
    before = held(trader)
    # when the account gets other ids for all of its activities, and something new is executed
    do(trader, what)
    new = trader.happen(Happening.TRADE)
    synced = trader.succeed()
    # then only that is added, every entry is as it was, and the new ids are written down
    after = held(trader)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == set(new)
    assert (synced.total("inserted"), synced.total("corrections")) == (len(new), 0)
    assert trader.untrue() == []
    assert aliases(trader) > 0
    # and the next sync finds nothing to do
    assert trader.succeed().writes == []


def test_i2_ids_may_change_again_and_again(trader: Connected) -> None:
    # given an account that is connected anew every few days
    for _ in range(4):
        do(trader, "relink")
        trader.happen(Happening.EQUAL_FILLS)
        trader.succeed()
        do(trader, "reissue")
        trader.clock.advance(timedelta(hours=5))
        trader.succeed()
    # then nothing is there twice, and nothing is missing
    assert trader.untrue() == []


def test_i9_a_correction_after_a_relink_is_a_version(trader: Connected) -> None:
    # given an account that was connected anew
    do(trader, "relink")
    trader.succeed()
    # when a trade that was told before is corrected
    (changed,) = trader.happen(Happening.CORRECTION)
    trader.succeed()
    # then the entry that is held has another version
    assert [one.version for one in trader.versions(changed)] == [1, 2]
    assert trader.untrue() == []


def test_what_is_taken_back_is_for_a_person_who_may_accept_it(trader: Connected) -> None:
    # given an account whose newest trade is taken back by the institution
    before = held(trader)
    do(trader, "withdraw")
    do(trader, "relink")
    # when it is synced
    synced = trader.sync()
    # then nothing is changed, and the trader is told which trade it is
    assert (synced.last.outcome, synced.last.error_code) == (Outcome.NEEDS_REVIEW, ErrorCode.HISTORY_CHANGED)
    assert "not at all what it told once before: " in synced.last.safe_message
    assert held(trader) == before
    # and once the trader has accepted it, the account goes on, with everything that is held
    trader.feeds.accept(trader.feed_id, trader.clock.now())
    new = trader.happen(Happening.TRADE)
    trader.succeed()
    after = held(trader)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == set(new)


def test_i5_a_disabled_connection_is_never_green_and_goes_on_when_it_is_repaired(trader: Connected) -> None:
    # given a connection that is disabled, and answers 200 with what it had
    do(trader, "disable")
    do(trader, "trade")
    # when it is synced
    synced = trader.sync()
    # then the trader has to reconnect, and is told since when
    assert (synced.last.outcome, synced.last.error_code) == (Outcome.FAILED, ErrorCode.CONSENT_EXPIRED)
    assert "Robinhood is disabled since 2026-05-12" in synced.last.safe_message
    assert not trader.feed.runnable
    assert trader.feed.connection_id in trader.connections.reconnects
    # and nothing of what it answered was asked for
    assert [one.path for one in trader.scene.control.requests[-4:] if one.path.endswith("activities")] == []
    # and when it is repaired there and here, all that happened meanwhile comes
    do(trader, "enable")
    trader.clock.advance(timedelta(days=2))
    trader.reconnect(trader.credentials)
    trader.succeed()
    assert trader.untrue() == []
    assert aliases(trader) == 0


def test_i5_a_connection_that_was_deleted_asks_the_trader(trader: Connected) -> None:
    # given an account whose connection was deleted at SnapTrade
    do(trader, "remove")
    # when it is synced
    synced = trader.sync()
    # then the trader has to connect it again
    assert synced.last.error_code is ErrorCode.CONSENT_EXPIRED
    assert "has no connection to the account any more" in synced.last.safe_message


def test_i7_credentials_of_another_user_are_refused(trader: Connected) -> None:
    # given a trader who enters the credentials of another SnapTrade user
    before = held(trader)
    spec = {"client_id": "OTHER", "consumer_key": "other-consumer-key", "seed": 3, "executions": 3}
    other = {"institution": "SCHWAB", "institution_id": "31", "number": "31"}
    answer = httpx.post(f"{trader.scene.base_url}/_sim/accounts", json=spec | other)
    assert answer.status_code == 200
    trader.reconnect({"client_id": "OTHER", "consumer_key": "other-consumer-key", "user_id": "", "user_secret": ""})
    # when the account is synced
    synced = trader.sync()
    # then nothing of it is stored, and the trader is asked for the right ones
    assert synced.last.error_code is ErrorCode.CONSENT_EXPIRED
    assert "the credentials of the user who has one" in synced.last.safe_message
    assert held(trader) == before


def test_a_new_user_with_the_same_account_goes_on_with_its_history(trader: Connected) -> None:
    # given an account whose connection has ended
    before = held(trader)
    do(trader, "disable")
    trader.sync()
    assert not trader.feed.runnable
    # when the trader connects it again, as another SnapTrade user
    good = trader.scene.logins[Login.GOOD]
    other = {**good, "user_id": "kit-trader-anew", "user_secret": "kit-user-secret-anew"}
    institution, _, number = trader.numbers[0].partition(":")
    spec = {**other, "institution": institution, "institution_id": number}
    assert httpx.post(f"{trader.scene.base_url}/_sim/accounts", json=spec).status_code == 200
    trader.credentials = other
    service = ConnectBroker(
        connections=trader.connections,
        feeds=trader.feeds,
        accounts=trader.accounts,
        queue=FakeSyncQueue(),
        clock=trader.clock,
        ids=trader.ids,
    )
    asked = NewConnection(
        user_id="user", plan=Plan.ELITE, manifest=trader.manifest, environment="live", credentials=other
    )
    (set_up,) = service.run(asked)
    own, trader.feed_id = trader.feed_id, set_up.feed_id
    assert trader.run_once().run.outcome is Outcome.SUCCEEDED
    trader.feed_id = own
    # then it is the account that was there, under the new connection, and nothing of it is there twice
    assert trader.feed.connection_id == set_up.connection_id
    new = trader.happen(Happening.TRADE)
    trader.succeed()
    after = held(trader)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == set(new)
    assert len(trader.accounts.of_user("user")) == 1
    assert trader.untrue() == []
