"""What a run keeps and stores: raw answers first, each trade once, the cursor last (I1, I2, I3, I5)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.feeds import FetchScope
from brokersync.domain.pages import FetchStep
from brokersync.domain.runs import Outcome
from brokersync.ports.brokers import FetchContext
from tests.unit.services.steps import AT, WEEK, a_world, fills
from tests.unit.services.world import Checkpoint, ScriptedBroker, World, a_manifest, a_page


def test_i1_an_answer_that_nobody_can_read_is_kept_and_moves_nothing() -> None:
    # Given a broker that answers rubbish
    rubbish = replace(a_page(at=AT), body=b"<html>busy</html>")
    world = a_world([rubbish, Checkpoint(cursor="9")])
    # When the feed is synced
    report = world.sync()
    # Then the bytes are in the snapshot, the run failed with a code, and the cursor stands
    assert [page.body for page in world.snapshots.pages.values()] == [b"<html>busy</html>"]
    assert report is not None
    assert (report.run.outcome, report.run.error_code) == (Outcome.FAILED, ErrorCode.UNEXPECTED_ANSWER)
    assert report.run.snapshot_keys == tuple(world.snapshots.pages)
    assert (world.feed.cursor, world.trades()) == ("", {})


def test_i1_a_page_is_stored_before_the_fetch_goes_on() -> None:
    # Given a broker whose second request fails
    seen: list[int] = []

    def script(context: FetchContext) -> Iterator[FetchStep]:
        yield a_page(*fills("1"), at=AT)
        seen.append(len(world.snapshots.pages))
        raise RetryLaterError(ErrorCode.TIMEOUT, "The broker was too slow.")

    world = World(ScriptedBroker(a_manifest(), script))
    # When it is synced, Then the first answer was in the store before the second request was made
    world.sync()
    assert seen == [1]
    assert len(world.snapshots.pages) == 1


def test_i2_the_same_answer_twice_stores_each_trade_once() -> None:
    # Given a broker that serves the same three trades in answers that differ elsewhere
    world = a_world(
        [a_page(*fills("1", "2", "3"), at=AT), Checkpoint(cursor="3")],
        [a_page(*fills("1", "2", "3"), at=AT, extra=1), Checkpoint(cursor="3")],
    )
    first, second = world.sync(), world.next_tick()
    # Then the second run inserts nothing and counts them as known
    assert first is not None
    assert second is not None
    assert (first.run.stats.inserted, second.run.stats.inserted, second.run.stats.duplicates) == (3, 0, 3)
    assert sorted(world.trades()) == ["1", "2", "3"]


def test_i2_equal_fills_with_different_ids_are_two_trades() -> None:
    world = a_world([a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")])
    world.sync()
    assert len(world.trades()) == 2


def test_i3_the_cursor_stays_when_storing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a ledger that can't be written
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])

    def down(*_: object) -> None:
        raise ConnectionError("no ledger")

    with monkeypatch.context() as patched:
        patched.setattr(world.ledger, "insert", down)
        report = world.sync()
    # Then the run failed, its message comes back, nothing is claimed
    assert report is not None
    assert (report.redeliver, report.run.error_code, world.feed.cursor) == (True, ErrorCode.INTERNAL, "")
    assert world.feed.hashes == {}
    # When the ledger is back, Then the next run stores it
    world.next_tick()
    assert (sorted(world.trades()), world.feed.cursor) == (["1"], "1")


def test_i3_the_cursor_is_what_the_broker_served_chunk_by_chunk() -> None:
    # Given a history in three chunks whose third fails
    def script(context: FetchContext) -> Iterator[FetchStep]:
        start = int(context.cursor or 0)
        for number in range(start + 1, start + 3):
            yield a_page(*fills(str(number)), at=AT, extra=number)
            yield Checkpoint(cursor=str(number))
        raise RetryLaterError(ErrorCode.TIMEOUT, "The broker was too slow.")

    world = World(ScriptedBroker(a_manifest(), script))
    # When it is synced twice, Then each run goes on where the one before got to
    world.sync()
    assert world.feed.cursor == "2"
    world.clock.advance(minutes=2)
    world.sync()
    assert (world.feed.cursor, sorted(world.trades())) == ("4", ["1", "2", "3", "4"])


def test_i5_a_missing_section_is_partial_and_the_cursor_waits_for_it() -> None:
    world = a_world(
        [a_page(*fills("1"), at=AT, missing=["positions"]), Checkpoint(cursor="1")],
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")],
    )
    # Given an answer without positions, Then what came is stored, the badge says partly, the cursor waits
    world.sync()
    assert (world.feed.outcome, world.feed.cursor, sorted(world.trades())) == (Outcome.PARTIAL, "", ["1"])
    assert "positions" in world.feed.safe_message
    # When the next answer is whole, Then it is green again
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.SUCCEEDED, "1")


def test_i5_a_row_that_is_not_understood_is_not_forgotten_by_the_next_green_answer() -> None:
    world = a_world(
        [a_page(*fills("1"), at=AT, odd=["row 7"]), Checkpoint(cursor="1")],
        [a_page(at=AT, extra=1), Checkpoint(cursor="2")],
    )
    world.sync()
    assert world.feed.outcome is Outcome.PARTIAL
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.PARTIAL, "2")


def test_i5_an_empty_answer_where_there_was_history_needs_review() -> None:
    # Given stored trades of days that the broker re-serves as empty
    window = {"covered_from": datetime(2026, 2, 25, tzinfo=UTC), "covered_to": AT}
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="day1", **window)],  # type: ignore[arg-type]
        [a_page(at=AT, extra=1), Checkpoint(cursor="day2", **window)],  # type: ignore[arg-type]
        overlap=WEEK,
    )
    world.sync()
    world.next_tick()
    # Then nobody is told that all is well, nothing is removed, the cursor stays and the schedule goes on
    assert (world.feed.outcome, world.feed.error_code) == (Outcome.NEEDS_REVIEW, ErrorCode.EMPTY_WHERE_HISTORY)
    assert (world.feed.cursor, len(world.trades()), world.feed.on_wheel()) == ("day1", 2, True)
    assert [one.detail_type for one in world.bus.sent][-1] == "account_needs_review"


def test_i5_a_quiet_week_is_no_contradiction() -> None:
    # Given trades from before the window, When the window is empty, Then that is simply no news
    later = {"covered_from": datetime(2026, 3, 3, tzinfo=UTC), "covered_to": datetime(2026, 3, 10, tzinfo=UTC)}
    world = a_world(
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="day1")],
        [a_page(at=AT, extra=1), Checkpoint(cursor="day2", **later)],  # type: ignore[arg-type]
        overlap=WEEK,
    )
    world.sync()
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.SUCCEEDED, "day2")


def test_i2_losing_the_filter_of_known_trades_costs_writes_and_nothing_else() -> None:
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")],
        [a_page(*fills("1", "2", "3"), at=AT), Checkpoint(cursor="3")],
        overlap=WEEK,
    )
    world.sync()
    world.known.forget("acc_1")
    world.next_tick()
    assert sorted(world.trades()) == ["1", "2", "3"]
    assert all(stored.version == 1 for stored in world.ledger.newest("acc_1", limit=9))


def test_accounts_that_a_statement_lists_are_found_once_and_kept_apart() -> None:
    rows = [{"id": "1", "broker_account_id": "U1"}, {"id": "1", "broker_account_id": "U2"}]
    statement = a_page(*rows, at=AT, found=["U1", "U2"])
    world = a_world([statement, Checkpoint(cursor="1")], scope=FetchScope.CONNECTION)
    world.sync()
    assert sorted(world.feed.accounts) == ["U1", "U2"]
    mine = world.accounts.of_user("user")
    assert {(one.broker_account_id, one.feed_id, one.currency) for one in mine} == {
        ("U1", "acc_1", "USD"),
        ("U2", "acc_1", "USD"),
    }
    for account_id in world.feed.accounts.values():
        assert len(world.ledger.newest(account_id, limit=9)) == 1


def two_accounts(*numbers: str, extra: int) -> list[object]:
    """A statement of two accounts with a trade of those that are named."""
    window = {"covered_from": datetime(2026, 2, 25, tzinfo=UTC), "covered_to": AT}
    rows = [{"id": f"t{extra}", "broker_account_id": number} for number in numbers]
    return [a_page(*rows, at=AT, found=["U1", "U2"], extra=extra), Checkpoint(cursor=f"day{extra}", **window)]


def test_i5_one_account_of_several_that_is_suddenly_empty_needs_review_and_the_others_are_stored() -> None:
    # given two accounts of one connection with trades, of which the second one's days come back empty
    world = a_world(
        two_accounts("U1", "U2", extra=1), two_accounts("U1", extra=2), overlap=WEEK, scope=FetchScope.CONNECTION
    )
    world.sync()
    world.next_tick()
    # then it is told, the cursor stays, and what the first account has done is there all the same
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.NEEDS_REVIEW, "day1")
    stored = {
        number: [one.entry.source_id for one in world.ledger.newest(ours, limit=9)]
        for number, ours in world.feed.accounts.items()
    }
    assert stored == {"U1": ["t2", "t1"], "U2": ["t1"]}
    # when the trader has accepted it, then it goes on
    world.feeds.accept("acc_1", world.clock.now())
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.SUCCEEDED, "day2")


def test_i5_emptiness_is_judged_by_the_days_that_were_asked_for() -> None:
    # given trades of today, and an answer about last month that has none
    early = {"covered_from": AT - 4 * WEEK, "covered_to": AT - WEEK}
    world = a_world(
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="day1")],
        [a_page(at=AT, extra=1), Checkpoint(cursor="day2", **early)],  # type: ignore[arg-type]
        overlap=WEEK,
    )
    world.sync()
    world.next_tick()
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i3_what_was_not_whole_holds_back_the_cursor_of_later_chunks_too() -> None:
    # given a first chunk that lacks a section, and a second one that is whole
    world = a_world(
        [
            a_page(*fills("1"), at=AT, missing=["positions"]),
            Checkpoint(cursor="1"),
            a_page(*fills("2"), at=AT, section="more"),
            Checkpoint(cursor="2"),
        ]
    )
    world.sync()
    # then all of it is stored, and asked for again
    assert (world.feed.cursor, sorted(world.trades()), world.feed.outcome) == ("", ["1", "2"], Outcome.PARTIAL)


@pytest.mark.parametrize("lacking", [{"missing": ["account U2"]}, {"odd": ["r7"]}])
def test_i5_an_account_whose_rows_are_missing_or_not_understood_is_partial_and_not_empty(lacking: dict) -> None:
    # given two accounts, and an answer that lacks the second one's part, or a row of it
    later = two_accounts("U1", extra=2)
    later[0] = replace(later[0], body=json.dumps(json.loads(later[0].body) | lacking).encode())
    world = a_world(two_accounts("U1", "U2", extra=1), later, overlap=WEEK, scope=FetchScope.CONNECTION)
    world.sync()
    world.next_tick()
    # then the broker is not suspected of having lost its trades
    assert world.feed.outcome is Outcome.PARTIAL
