"""The ledger: each entry once, every version readable, the cursor never ahead of it (I2, I3, I9)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from brokersync.domain.errors import LeaseLostError
from brokersync.domain.feeds import LEASE_SECONDS
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import (
    ExecutionKind,
    Side,
    StoredEntry,
    VersionReason,
    cancelled,
    content_hash,
    corrected,
    time_key,
)
from brokersync.ports.storage import ConflictError, Inserted, NewEntry
from tests.contract import made
from tests.contract.conftest import World

LATER = made.after(seconds=LEASE_SECONDS)
EXTREMES = ["9" * 38, "-" + "9" * 38, "1E-130", "9E+125", "0.1234567890123456789012345678901234567", "0", "100"]


def first_version(new: NewEntry) -> StoredEntry:
    return StoredEntry(account_id=new.account_id, entry=new.entry, content_hash=new.content_hash, origin=new.origin)


def test_i2_new_entries_are_stored_exactly(world: World):
    # given a worker that holds the feed
    lease = world.held(cursor="5").lease
    entries = [made.new(made.execution("7")), made.new(made.cash_event("8"))]
    # when it inserts a trade and a cash event
    result = world.ledger.insert(lease, entries, "8")
    # then both are there as they came, counted as news, and the cursor covers them
    assert result == Inserted(inserted=2, existing=[])
    for new in entries:
        assert world.ledger.get("acc_1", new.entry) == first_version(new)
    assert world.ledger.get_trade("acc_1", "7") == first_version(entries[0])
    assert (world.stored().news, world.stored().cursor) == (2, "8")


def test_i8_amounts_and_times_keep_every_digit(world: World):
    # given amounts at the edges of what can be stored, and times finer than Python's
    lease = world.held().lease
    entries = [made.new(made.cash_event(str(number), amount=Decimal(text))) for number, text in enumerate(EXTREMES)] + [
        made.new(
            made.execution(
                "t", executed_at=BrokerTime(ns=1511167043466364098, raw="20171120;033723", zone="US/Eastern")
            )
        )
    ]
    # when they are stored and read
    world.ledger.insert(lease, entries, None)
    # then nothing was rounded
    for new in entries:
        stored = world.ledger.get("acc_1", new.entry)
        assert stored is not None
        assert stored.entry == new.entry
        assert content_hash(stored.entry) == new.content_hash


def test_i2_what_is_there_is_told_and_not_written(world: World):
    # given a stored trade
    lease = world.held().lease
    known, fresh = made.new(made.execution("7")), made.new(made.execution("9"))
    world.ledger.insert(lease, [known], None)
    # when an overlap brings it again with a new one
    again = made.new(made.execution("7"), run_id="run_2")
    result = world.ledger.insert(lease, [again, fresh], "9")
    # then only the new one is inserted, the old one keeps its origin, and the cursor moves
    assert result == Inserted(inserted=1, existing=[(again, first_version(known))])
    assert world.ledger.get_trade("acc_1", "7") == first_version(known)
    assert (world.stored().news, world.stored().cursor) == (2, "9")


def test_i3_the_cursor_waits_while_an_entry_differs(world: World):
    # given a stored trade that the broker has corrected since
    lease = world.held(cursor="5").lease
    known = made.new(made.execution("7"))
    world.ledger.insert(lease, [known], None)
    changed, fresh = made.new(made.execution("7", price=Decimal("1.09"))), made.new(made.execution("9"))
    # when both come with a cursor
    result = world.ledger.insert(lease, [fresh, changed], "9")
    # then the new one is stored, the corrected one is told, and the cursor has not passed it
    assert result == Inserted(inserted=1, existing=[(changed, first_version(known))])
    assert world.ledger.get_trade("acc_1", "7") == first_version(known)
    assert world.stored().cursor == "5"


def test_i2_an_id_that_comes_twice_in_one_answer_is_stored_once(world: World):
    # given an answer that lists a trade twice, and another one in two contents
    lease = world.held(cursor="5").lease
    one, two, changed = (
        made.new(made.execution("7")),
        made.new(made.execution("9")),
        made.new(made.execution("9", price=Decimal(2))),
    )
    # when it is inserted
    result = world.ledger.insert(lease, [one, one, two, changed], "9")
    # then each id is there once, the repetitions are told, and the cursor waits for the correction
    assert result == Inserted(inserted=2, existing=[(one, first_version(one)), (changed, first_version(two))])
    assert [stored.entry.source_id for stored in world.ledger.newest("acc_1", limit=9)] == ["9", "7"]
    assert (world.stored().news, world.stored().cursor) == (2, "5")


def test_i2_equal_fills_and_equal_ids_of_different_kinds_stay_apart(world: World):
    # given two equal fills with ids of their own, and a cash event with the id of one of them, on two accounts
    lease = world.held().lease
    entries = [
        made.new(made.execution("7")),
        made.new(made.execution("8")),
        made.new(made.cash_event("7")),
        made.new(made.execution("7"), account_id="acc_2"),
    ]
    # when they are inserted
    result = world.ledger.insert(lease, entries, None)
    # then all of them are there
    assert result.inserted == 4
    assert all(world.ledger.get(new.account_id, new.entry) == first_version(new) for new in entries)


def test_i3_an_empty_answer_still_moves_the_cursor(world: World):
    # given an answer without entries
    lease = world.held(cursor="5").lease
    # when it is stored with its cursor, and another without
    assert world.ledger.insert(lease, [], "9") == Inserted(inserted=0, existing=[])
    assert world.ledger.insert(lease, [], None) == Inserted(inserted=0, existing=[])
    # then the cursor has moved
    assert (world.stored().news, world.stored().cursor) == (0, "9")


def test_i2_more_than_a_transaction_holds(world: World):
    # given more entries than one transaction takes
    lease = world.held().lease
    entries = [made.new(made.cash_event(f"{number:03d}")) for number in range(101)]
    # when they are inserted
    result = world.ledger.insert(lease, entries, "100")
    # then all are there
    assert result == Inserted(inserted=101, existing=[])
    assert (world.stored().news, world.stored().cursor) == (101, "100")
    assert world.ledger.get("acc_1", entries[-1].entry) == first_version(entries[-1])


def test_i4_a_worker_that_wakes_late_inserts_nothing(world: World):
    # given a worker that slept past its lease while another took the feed
    late = world.held("worker_1").lease
    stored = made.new(made.execution("1"))
    world.ledger.insert(late, [stored], "1")
    world.acquire("worker_2", now=LATER)
    new = made.new(made.execution("7"))
    # when it inserts, moves the cursor or corrects
    following = corrected(first_version(stored), made.execution("1", price=Decimal(2)), stored.origin)
    for write in (
        lambda: world.ledger.insert(late, [new], "7"),
        lambda: world.ledger.insert(late, [], "7"),
        lambda: world.ledger.add_version(late, first_version(stored), following),
    ):
        with pytest.raises(LeaseLostError):
            write()
    # then nothing has changed
    assert world.ledger.get("acc_1", new.entry) is None
    assert world.ledger.versions("acc_1", "1") == [first_version(stored)]
    assert (world.stored().news, world.stored().cursor) == (1, "1")


def test_i9_a_correction_keeps_what_it_replaces(world: World):
    # given a stored trade
    lease = world.held().lease
    first = made.new(made.execution("7"))
    world.ledger.insert(lease, [first], None)
    # when the broker corrects its time and price, twice
    second = corrected(
        first_version(first), made.execution("7", executed_at=made.at(LATER)), made.new(first.entry).origin
    )
    third = corrected(second, made.execution("7", price=Decimal(3)), made.new(first.entry, run_id="run_3").origin)
    world.ledger.add_version(lease, first_version(first), second)
    world.ledger.add_version(lease, second, third)
    # then the newest is current, all are readable in order, and each is news
    assert world.ledger.get_trade("acc_1", "7") == third
    assert world.ledger.versions("acc_1", "7") == [first_version(first), second, third]
    assert world.ledger.newest("acc_1", limit=9) == [third]
    assert world.stored().news == 3


def test_i9_versions_are_those_of_one_trade_only(world: World):
    # given trades whose ids begin alike
    lease = world.held().lease
    entries = [made.new(made.execution(source_id)) for source_id in ("7", "70", "7.1", "7!", "7#")]
    world.ledger.insert(lease, entries, None)
    # then each has its own versions
    for new in entries:
        assert world.ledger.versions("acc_1", new.entry.source_id) == [first_version(new)]
    assert world.ledger.versions("acc_1", "nothing") == []


def test_i9_a_version_that_somebody_else_wrote_is_not_overwritten(world: World):
    # given a trade that was corrected since it was read
    lease = world.held().lease
    first = made.new(made.execution("7"))
    world.ledger.insert(lease, [first], None)
    second = corrected(first_version(first), made.execution("7", price=Decimal(2)), first.origin)
    world.ledger.add_version(lease, first_version(first), second)
    # when a correction of the first version comes
    other = corrected(first_version(first), made.execution("7", price=Decimal(3)), first.origin)
    with pytest.raises(ConflictError):
        world.ledger.add_version(lease, first_version(first), other)
    # then nothing has changed
    assert world.ledger.versions("acc_1", "7") == [first_version(first), second]
    assert world.stored().news == 2


def test_i9_a_cancel_marks_its_trade_in_one_step(world: World):
    # given a stored trade
    lease = world.held().lease
    first = made.new(made.execution("7"))
    world.ledger.insert(lease, [first], None)
    # when the broker cancels it
    row = made.execution("9", kind=ExecutionKind.CANCEL, side=Side.BUY, cancels_trade_ref="T7", trade_ref="")
    cancel = made.new(row)
    second = cancelled(first_version(first), row, cancel.origin)
    world.ledger.add_version(lease, first_version(first), second, cancel=cancel)
    # then trade and cancel row are stored together, both as news, and it can't be cancelled again
    assert world.ledger.versions("acc_1", "7") == [first_version(first), second]
    assert world.ledger.get_trade("acc_1", "9") == first_version(cancel)
    assert world.stored().news == 3
    assert list(world.ledger.with_trade_ref("acc_1", "T7")) == []
    with pytest.raises(ConflictError):
        world.ledger.add_version(lease, second, replace(second, version=3), cancel=cancel)


def test_i9_a_corrected_cash_event_keeps_what_it_replaces(world: World):
    # given a stored cash event
    lease = world.held().lease
    first = made.new(made.cash_event("8"))
    world.ledger.insert(lease, [first], None)
    # when the broker corrects it
    second = corrected(first_version(first), made.cash_event("8", amount=Decimal(1)), first.origin)
    world.ledger.add_version(lease, first_version(first), second)
    # then the correction is current, among the others in the order of time
    assert world.ledger.get("acc_1", first.entry) == second
    earlier = made.new(made.cash_event("9", occurred_at=made.at(made.after(minutes=-1))))
    world.ledger.insert(lease, [earlier], None)
    assert list(world.ledger.cash_events("acc_1")) == [first_version(earlier), second]


def test_trades_are_found_by_their_brokers_number(world: World):
    # given trades that share a broker's number, one of them a cancel row, one on another account
    lease = world.held().lease
    entries = [
        made.new(made.execution("1", trade_ref="T1", executed_at=made.at(made.after(minutes=2)))),
        made.new(made.execution("2", trade_ref="T1", executed_at=made.at(made.after(minutes=1)))),
        made.new(made.execution("3", trade_ref="T1", kind=ExecutionKind.CANCEL, executed_at=made.at(LATER))),
        made.new(made.execution("4", trade_ref="T2")),
        made.new(made.execution("5", trade_ref="T3"), account_id="acc_2"),
    ]
    world.ledger.insert(lease, entries, None)
    # then the account's executions of that number are found, the oldest first
    assert list(world.ledger.with_trade_ref("acc_1", "T1")) == [first_version(entries[1]), first_version(entries[0])]
    assert list(world.ledger.with_trade_ref("acc_1", "T3")) == []


def test_i9_a_first_version_keeps_its_reason(world: World):
    # given a trade that takes the place of a cancelled one
    lease = world.held().lease
    new = replace(made.new(made.execution("9")), reason=VersionReason.REBOOK)
    # when it is stored, then it says so
    world.ledger.insert(lease, [new], None)
    (stored,) = world.ledger.versions("acc_1", "9")
    assert (stored.version, stored.version_reason) == (1, "rebook")


def test_trades_are_read_newest_first_in_pages(world: World):
    # given trades stored in any order, two of them at the same instant
    lease = world.held().lease
    minutes = {"a": 3, "b": 1, "c": 2, "d": 2}
    entries = {
        source_id: made.new(made.execution(source_id, executed_at=made.at(made.after(minutes=minute))))
        for source_id, minute in minutes.items()
    }
    world.ledger.insert(lease, list(entries.values()), None)
    # when they are read in pages
    first = world.ledger.newest("acc_1", limit=2)
    second = world.ledger.newest("acc_1", limit=2, before=time_key(first[-1].entry))
    third = world.ledger.newest("acc_1", limit=2, before=time_key(second[-1].entry))
    # then each comes once, in the order of time
    assert [stored.entry.source_id for stored in [*first, *second, *third]] == ["a", "d", "c", "b"]
    assert world.ledger.latest_trade("acc_1", made.after(hours=1)) == first_version(entries["a"])
    assert world.ledger.latest_trade("acc_1", made.after(minutes=3)) == first_version(entries["d"])
    assert world.ledger.latest_trade("acc_1", made.after(minutes=1)) is None
    assert world.ledger.latest_trade("acc_2", made.after(hours=1)) is None
