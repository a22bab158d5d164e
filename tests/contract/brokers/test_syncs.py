"""What a sync stores, and what it costs when there is nothing to store."""

import pytest

from local.simulators.kit import Happening, Past
from tests.contract.brokers.conftest import Connect


def test_i2_first_sync_stores_exactly_what_the_books_hold(kit, connect: Connect) -> None:
    # given a broker's accounts with a past
    trader = connect(Past.SHORT)
    # when they are synced for the first time
    synced = trader.succeed()
    # then each entry, figure and position is the books' own, digit for digit, and nothing was left out
    assert trader.untrue() == []
    assert synced.total("unmapped") == 0
    kinds = {type(one.entry).__name__ for entries in trader.stored().values() for one in entries.values()}
    assert kinds == {"Execution", "CashEvent"}
    # and the accounts have a currency to show
    assert all(trader.accounts.get(ours).currency for ours in trader.feed.accounts.values())


def test_i5_an_empty_account_is_empty_and_not_unknown(kit, connect: Connect) -> None:
    # given accounts in which nothing ever happened
    trader = connect(Past.EMPTY)
    # when they are synced, and synced again
    first = trader.succeed()
    again = trader.succeed()
    # then they are known, flat, and without any entry
    assert trader.untrue() == []
    assert all(not entries for entries in trader.stored().values())
    assert all(trader.portfolios.current(ours).positions.positions == () for ours in trader.feed.accounts.values())
    assert first.total("inserted") == again.total("inserted") == 0
    # and once something happens, it is found
    trader.happen(Happening.TRADE)
    trader.succeed()
    assert trader.untrue() == []


def test_i4_a_sync_without_news_writes_nothing(kit, connect: Connect) -> None:
    # given a synced feed, and a second sync that has seen all there is
    trader = connect(Past.SHORT)
    trader.succeed()
    trader.succeed()
    kept = dict(trader.bucket.objects)
    before = {number: dict(entries) for number, entries in trader.stored().items()}
    # when it is synced once more
    quiet = trader.succeed()
    # then every answer is known: no page is stored
    stored = sorted({trader.snapshots.read(key).section for key in quiet.snapshot_keys})
    assert stored == [], (
        f"answers of {', '.join(stored)} were stored anew: mask what changes without news (the manifest's `volatile`); "
        "an answer is compared with the last one of its section"
    )
    assert trader.bucket.objects == kept
    # and nothing is written beside the run, and no more is asked than the broker needs
    assert quiet.writes == []
    assert trader.stored() == before
    assert quiet.requests <= kit.quiet_requests
    # and news are still seen afterwards
    trader.happen(Happening.TRADE)
    assert trader.succeed().total("inserted") > 0
    assert trader.untrue() == []


def test_i2_news_are_stored_once_and_what_is_read_again_changes_nothing(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    before = {number: dict(entries) for number, entries in trader.stored().items()}
    # when something is executed and the broker is asked again, overlap included
    new = trader.happen(Happening.TRADE)
    synced = trader.succeed()
    # then the new executions are stored, and each older entry is as it was
    assert new
    assert trader.untrue() == []
    for number, entries in before.items():
        after = trader.stored()[number]
        assert {source_id: after[source_id] for source_id in entries} == entries
    added = {one for entries in trader.stored().values() for one in entries} - {
        one for entries in before.values() for one in entries
    }
    assert set(new) <= added
    assert synced.total("inserted") == len(added)
    # and only a broker with an overlap serves again what is stored
    reread = synced.total("fetched") > len(added)
    assert reread == bool(trader.manifest.overlap)


@pytest.mark.demands(Happening.PRICES_MOVE)
def test_i4_moving_prices_change_figures_and_no_trade(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    before = {number: dict(entries) for number, entries in trader.stored().items()}
    # when prices move
    trader.happen(Happening.PRICES_MOVE)
    synced = trader.succeed()
    # then the figures follow, and the ledger is not touched
    assert trader.untrue() == []
    assert trader.stored() == before
    assert [write for write in synced.writes if write.startswith("ledger")] == []


def test_i7_only_the_accounts_of_the_feed_come_out(kit, connect: Connect) -> None:
    # given a broker that also holds other accounts: of the same login where a feed is one account, and of strangers
    trader = connect(Past.SHORT)
    assert trader.scene.strangers
    # when it is synced
    trader.succeed()
    # then the trader has the accounts that were asked for, and nothing kept names another
    assert sorted(trader.feed.accounts) == sorted(trader.numbers)
    others = set(trader.scene.truth()) - set(trader.numbers)
    for text in trader.bucket.texts():
        assert [number for number in others if number in text] == []
    assert {one.broker_account_id for one in trader.accounts.of_user("user")} == set(trader.numbers)


@pytest.mark.demands(Happening.STRANGER)
def test_i7_another_traders_data_is_refused(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    before = {number: dict(entries) for number, entries in trader.stored().items()}
    # when the broker answers with another trader's data
    trader.happen(Happening.STRANGER)
    synced = trader.sync()
    # then nothing of it is stored, and the trader is asked to check the credential
    assert synced.last.error_code == "wrong_account", synced.last.safe_message
    assert trader.stored() == before
    assert sorted(trader.feed.accounts) == sorted(trader.numbers)
    assert not trader.feed.runnable
