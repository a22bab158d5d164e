"""Rows that brokers make hard: equal, late, unordered, corrected, cancelled, and divided among pages."""

from collections.abc import Iterator

import pytest

from brokersync.domain.runs import Outcome, SyncRun
from brokersync.domain.trades import content_hash
from local.simulators.kit import Happening, Past
from tests.contract.brokers.conftest import Connect
from tests.contract.brokers.connected import Connected

IDS = {"source_trade_id", "trade_ref"}  # what a broker names one execution by


def test_i2_equal_fills_are_kept_apart(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    # when executions happen that are alike in everything but their ids
    equal = trader.happen(Happening.EQUAL_FILLS)
    truly = [_true(trader, source_id) for source_id in equal]
    alike = {str({name: value for name, value in sorted(one.items()) if _matters(name)}) for one in truly}
    assert len(equal) > 1
    assert len(alike) == 1, "the kit's fills are not equal"
    trader.succeed()
    # then all of them are stored
    assert trader.untrue() == []
    assert len({trader.entry(source_id).entry.source_id for source_id in equal}) == len(equal)


@pytest.mark.demands(Happening.LATE_ROW)
def test_i3_a_late_row_is_found(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    # when the broker tells an execution that is older than the newest one it told before
    late = trader.happen(Happening.LATE_ROW)
    newest = max(one.entry.occurred_at.ns for entries in trader.stored().values() for one in entries.values())
    assert late
    assert all(_true(trader, source_id)["executed_at_ns"] < newest for source_id in late), "the row isn't late"
    trader.succeed()
    # then it is stored too
    assert trader.untrue() == []


@pytest.mark.demands(Happening.LATE_ROW)
def test_i3_the_overlap_is_counted_from_what_was_served(kit, connect: Connect) -> None:
    # given a feed of a broker that has been quiet for longer than its overlap, though it was asked
    trader = connect(Past.SHORT)
    trader.succeed()
    trader.clock.advance(3 * trader.manifest.overlap)
    trader.succeed()
    # when an execution is told that is older than the newest one told before
    assert trader.happen(Happening.LATE_ROW)
    trader.succeed()
    # then it is found: the cursor had stayed where the broker's data ended
    assert trader.untrue() == []


@pytest.mark.demands(Happening.OUT_OF_ORDER)
def test_i3_rows_may_come_in_any_order(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    # when news come in another order than that of their times, and more after them
    assert trader.happen(Happening.OUT_OF_ORDER)
    trader.succeed()
    first = trader.untrue()
    trader.happen(Happening.TRADE)
    trader.succeed()
    # then none is lost
    assert first == []
    assert trader.untrue() == []


@pytest.mark.demands(Happening.CORRECTION)
def test_i9_a_correction_is_a_new_version(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    # when the broker changes an execution that it told before
    (changed,) = trader.happen(Happening.CORRECTION)
    synced = trader.succeed()
    # then the new content is current, and the old one can still be read
    old, new = trader.versions(changed)
    assert content_hash(old.entry) != content_hash(new.entry)
    assert (new.version, new.version_reason) == (2, "correction")
    assert synced.total("corrections") == 1
    assert trader.untrue() == []
    # and the next sync finds nothing to correct
    assert trader.succeed().total("corrections") == 0


@pytest.mark.demands(Happening.CANCEL)
def test_i9_a_cancel_marks_what_it_cancels(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    # when the broker cancels an execution that it told before
    (busted,) = trader.happen(Happening.CANCEL)
    synced = trader.succeed()
    # then the execution has a version that says so, and the ledger is what the books hold
    current = trader.entry(busted)
    assert current.version > 1
    assert current.version_reason in {"cancel", "bust", "correction"}
    assert current.cancelled_by or current.version_reason == "correction"
    assert synced.total("corrections") >= 1
    assert trader.untrue() == []
    # and the next sync doesn't cancel it again
    assert trader.succeed().total("corrections") == 0


@pytest.mark.demands(Past.PAGED)
def test_i3_a_long_past_is_paged_to_its_end(kit, connect: Connect) -> None:
    # given a past that doesn't fit one answer
    trader, short = connect(Past.PAGED), connect(Past.SHORT)
    # when it is synced for the first time
    pages = trader.succeed().requests
    # then every page was asked for, and all entries are there
    assert pages > short.succeed().requests, "the kit's long past takes no more requests than its short one"
    assert trader.untrue() == []
    # and the cursor is at its end: nothing is left to fetch
    assert trader.succeed().total("inserted") == 0


@pytest.mark.demands(Happening.MANY)
def test_i3_much_news_is_paged_to_its_end(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    quiet = trader.succeed().requests
    # when more happens than one answer holds
    new = trader.happen(Happening.MANY)
    synced = trader.succeed()
    # then it took more requests, and nothing is missing
    assert synced.requests > quiet
    assert synced.total("inserted") >= len(new)
    assert trader.untrue() == []


@pytest.mark.demands(Happening.TIED_AT_BORDER)
def test_i3_ties_at_a_page_border_are_kept(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    # when a page of news ends between executions of the same time
    tied = trader.happen(Happening.TIED_AT_BORDER)
    synced = trader.succeed()
    # then some of one time came with different pages, and all are stored
    pages: dict[object, set[int]] = {}
    for at, source_id in _by_page(trader, synced.last):
        if source_id in tied:
            pages.setdefault(_true(trader, source_id)["executed_at_ns"], set()).add(at)
    assert max(map(len, pages.values())) > 1, "each tie is inside one page"
    assert trader.untrue() == []


@pytest.mark.demands(Happening.FORGETS)
def test_i5_nothing_where_there_was_history_is_not_believed(kit, connect: Connect) -> None:
    # given a synced feed
    trader = connect(Past.SHORT)
    trader.succeed()
    before = {number: dict(entries) for number, entries in trader.stored().items()}
    held = {ours: trader.portfolios.current(ours) for ours in trader.feed.accounts.values()}
    cursor = trader.feed.cursor
    # when the broker answers without any execution for days of which it told some
    trader.happen(Happening.FORGETS)
    synced = trader.sync()
    # then a person has to look, and nothing was changed
    assert synced.last.outcome is Outcome.NEEDS_REVIEW
    assert synced.last.error_code == "empty_where_history"
    assert trader.stored() == before
    assert {ours: trader.portfolios.current(ours) for ours in trader.feed.accounts.values()} == held
    assert trader.feed.cursor == cursor


def _true(trader: Connected, source_id: str):
    """What the books hold under this id."""
    truth = trader.scene.truth()
    (found,) = [truth[number].entries[source_id] for number in trader.numbers if source_id in truth[number].entries]
    return found


def _matters(name: str) -> bool:
    return name not in IDS | {"position_id", "order_id", "realised_pnl", "effect", "fees"}


def _by_page(trader: Connected, run: SyncRun) -> Iterator[tuple[int, str]]:
    """The executions of a run's pages, each read alone: number of the page, id."""
    for at, page in enumerate(trader.pages(run)):
        said = trader.provider.normalise([page], tuple(trader.feed.accounts))
        yield from ((at, one.source_id) for one in said.executions)
