"""What the bridge of changed ids asks of a ledger, in memory and in DynamoDB."""

from dataclasses import replace

import pytest

from brokersync.domain.errors import LeaseLostError
from brokersync.domain.trades import StoredEntry, corrected
from brokersync.ports.storage import ConflictError, NewEntry
from tests.contract import made
from tests.contract.conftest import World


def first_version(new: NewEntry) -> StoredEntry:
    return StoredEntry(account_id=new.account_id, entry=new.entry, content_hash=new.content_hash, origin=new.origin)


def test_entries_of_a_time_are_found_of_both_kinds(world: World):
    # given trades and cash events before, at, within and after some minutes, one on another account
    lease = world.held().lease
    times = {name: made.at(made.after(minutes=minutes)) for name, minutes in (("1", -1), ("2", 0), ("3", 4), ("4", 5))}
    trades = [made.new(made.execution(name, executed_at=at)) for name, at in times.items()]
    moved = [made.new(made.cash_event(name, occurred_at=at)) for name, at in times.items()]
    strange = made.new(made.execution("5", executed_at=times["2"]), account_id="acc_2")
    world.ledger.insert(lease, [*reversed(trades), *moved, strange], None)
    # when they are asked for
    found = world.ledger.between("acc_1", made.NOW, made.after(minutes=5))
    # then those come that happened from the start to before the end, the oldest first of each kind
    assert list(found) == [first_version(one) for one in (trades[1], trades[2], moved[1], moved[2])]


def test_aliases_are_kept_beside_an_entry_and_change_nothing_else(world: World):
    # given more entries than a transaction takes
    lease = world.held().lease
    new = [made.new(made.execution(f"{number:03d}")) for number in range(120)]
    cash = made.new(made.cash_event("8"))
    world.ledger.insert(lease, [*new, cash], None)
    news = world.stored().news
    # when the broker has given them other ids
    renamed = [replace(first_version(one), aliases=(f"n{one.entry.source_id}",)) for one in (*new, cash)]
    world.ledger.put_aliases(lease, renamed)
    # then they have them, their only version is as it was, and nothing of it is news
    assert list(world.ledger.between("acc_1", made.NOW, made.after(minutes=1))) == renamed
    assert world.ledger.versions("acc_1", "007") == [renamed[7]]
    assert world.stored().news == news
    # and a correction keeps them
    second = corrected(renamed[7], made.execution("007", symbol="GBP_USD"), renamed[7].origin)
    world.ledger.add_version(lease, renamed[7], second)
    current = world.ledger.get_trade("acc_1", "007")
    assert current is not None
    assert current.aliases == ("n007",)


def test_i2_aliases_never_undo_a_version_or_an_epoch(world: World):
    # given an entry that was read, and corrected since
    lease = world.held().lease
    new = made.new(made.execution("7"))
    world.ledger.insert(lease, [new], None)
    read = first_version(new)
    second = corrected(read, made.execution("7", symbol="GBP_USD"), new.origin)
    world.ledger.add_version(lease, read, second)
    # when an alias is written to what was read, it is refused
    with pytest.raises(ConflictError):
        world.ledger.put_aliases(lease, [replace(read, aliases=("n7",))])
    # and so it is for a worker whose epoch is over
    with pytest.raises(LeaseLostError):
        world.ledger.put_aliases(replace(lease, epoch=lease.epoch - 1), [replace(second, aliases=("n7",))])
    assert world.ledger.get_trade("acc_1", "7") == second
