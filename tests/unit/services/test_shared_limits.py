"""The fleet's limits over a ledger: few writes, nobody over, nobody without the ledger (I6)."""

from datetime import timedelta

import pytest

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.limiter import GUARD, RESERVE_AHEAD, Window
from brokersync.services.shared_limits import TRIES, SharedLimits
from tests.fakes.limits import FakeLimitLedger
from tests.fakes.time_and_chance import START

STATEMENTS = (Window(1, 1), Window(8, 60))
LISTS = (Window(80, 60),)


@pytest.fixture
def ledger() -> FakeLimitLedger:
    return FakeLimitLedger()


def seconds(slot):
    return (slot - START).total_seconds()


def test_i6_a_small_sync_of_an_idle_key_costs_one_write_and_no_read(ledger):
    # given a key that another process used some minutes ago
    other = SharedLimits(ledger)
    other.take("k", LISTS, START)
    ledger.calls.clear()
    # when a process that has never seen it sends four requests within two seconds
    permits, later = SharedLimits(ledger), START + timedelta(minutes=5)
    slots = [permits.take("k", LISTS, later + timedelta(seconds=number / 2)) for number in range(4)]
    # then nobody waits, and the table was written once
    assert slots == [later + timedelta(seconds=number / 2) for number in range(4)]
    assert ledger.calls == {"write": 1}


def test_i6_a_burst_of_one_process_costs_a_write_for_five_permits_and_no_read(ledger):
    # given a process that needs all that is allowed
    permits = SharedLimits(ledger)
    assert [permits.take("k", LISTS, START) for _ in range(80)] == [START] * 80
    assert ledger.calls == {"write": 16}


def test_i6_under_a_short_window_a_process_that_is_alone_is_not_kept_apart(ledger):
    # given a limit of eight a second, and one process
    permits, limits = SharedLimits(ledger), (Window(8, 1), Window(80, 60))
    # then what a second allows goes at once
    assert [permits.take("k", limits, START) for _ in range(8)] == [START] * 8


def test_i6_a_far_slot_is_told_without_using_it_up(ledger):
    # given a key whose next slot is further away than anybody waits
    permits = SharedLimits(ledger)
    for _ in range(80):
        permits.take("k", LISTS, START)
    ledger.calls.clear()
    # when many ask for it
    told = {permits.take("k", LISTS, START) for _ in range(5)}
    # then all are told the same, nothing was written, and at that time it is there
    (slot,) = told
    assert slot - START > RESERVE_AHEAD
    assert ledger.calls == {}
    assert permits.take("k", LISTS, slot) == slot


def test_i6_processes_that_meet_at_a_key_see_each_others_permits(ledger):
    # given two processes, one of which used up the minute
    one, other = SharedLimits(ledger), SharedLimits(ledger)
    for _ in range(80):
        one.take("k", LISTS, START)
    # when the other one asks, then it is told when the first ones leave the window
    assert other.take("k", LISTS, START + timedelta(seconds=1)) > START + timedelta(minutes=1)


def test_i6_who_met_somebody_reads_before_it_writes(ledger):
    # given a process that was overtaken at a key
    one, other = SharedLimits(ledger), SharedLimits(ledger)
    for permits, block in ((one, 5), (other, 5), (one, 5)):
        for _ in range(block):
            permits.take("k", LISTS, START)
    # when it was overtaken again and needs another block
    other.take("k", LISTS, START)
    ledger.calls.clear()
    one.take("k", LISTS, START)
    # then no write was refused
    assert ledger.calls == {"read": 1, "write": 1}


def test_i6_keys_do_not_wait_for_each_other(ledger):
    permits = SharedLimits(ledger)
    assert [permits.take(key, STATEMENTS, START) for key in ("a", "b", "c")] == [START] * 3


def test_what_has_no_limits_needs_no_permit(ledger):
    assert SharedLimits(ledger).take("k", (), START) == START
    assert ledger.calls == {}


def test_i6_after_a_refusal_the_whole_fleet_waits(ledger):
    # given two processes with permits in hand
    one, other = SharedLimits(ledger), SharedLimits(ledger)
    one.take("k", LISTS, START)
    # when the broker refuses one of them until some time
    until = START + timedelta(minutes=10)
    one.refused("k", LISTS, START, until)
    # then nobody gets a permit before it
    assert one.take("k", LISTS, START) == until
    assert other.take("k", LISTS, START) == until


def test_i6_without_the_ledger_nobody_gets_anything(ledger):
    # given a ledger that can't be reached
    ledger.down = True
    for ask in (SharedLimits(ledger).take, SharedLimits(ledger).status):
        with pytest.raises(RetryLaterError) as caught:
            ask("k", LISTS, START)
        assert caught.value.code is ErrorCode.LIMITS_UNAVAILABLE


def test_i6_who_is_overtaken_every_time_gives_up(ledger, monkeypatch):
    # given a key at which somebody else is always faster
    replace, start, slept = ledger.replace, ledger.start, []

    def overtaken(key, entry, **which):
        monkeypatch.setattr(ledger, "replace", replace)
        monkeypatch.setattr(ledger, "start", start)
        SharedLimits(ledger, in_blocks=False).take(key, LISTS, START)
        monkeypatch.setattr(ledger, "replace", overtaken)
        monkeypatch.setattr(ledger, "start", overtaken)
        return replace(key, entry, **which) if "turn" in which else start(key, entry, **which)

    monkeypatch.setattr(ledger, "replace", overtaken)
    monkeypatch.setattr(ledger, "start", overtaken)
    # when it asks, then it says so in the end, and sends nothing
    with pytest.raises(RetryLaterError, match=f"{TRIES} writes"):
        SharedLimits(ledger, sleep=slept.append).take("k", LISTS, START)
    # and it kept out of the others' way between its tries
    assert len(slept) == TRIES
    assert sum(slept) > 0


# --- limits of users ------------------------------------------------------------------------------------------------


def test_a_users_limit_counts_each_use_and_says_when_the_next_one_is_possible(ledger):
    # given two an hour
    limits, hour = SharedLimits(ledger, in_blocks=False, ahead=timedelta(0)), (Window(2, 3600),)
    first, second, third = (START + timedelta(minutes=minutes) for minutes in (0, 10, 20))
    assert limits.take("manual-sync:u", hour, first) == first
    assert limits.take("manual-sync:u", hour, second) == second
    # when a third is asked for, then it is told when, and not counted
    told = limits.take("manual-sync:u", hour, third)
    assert told == START + timedelta(hours=1) + GUARD
    status = limits.status("manual-sync:u", hour, third)
    assert status.next_allowed_at == told
    assert [(one.used, one.max) for one in status.windows] == [(2, 2)]
    # and then it is there
    assert limits.take("manual-sync:u", hour, told) == told


def test_a_users_limit_is_the_same_in_every_process(ledger):
    # given two processes of the API
    one, other = (SharedLimits(ledger, in_blocks=False, ahead=timedelta(0)) for _ in range(2))
    hour = (Window(2, 3600),)
    one.take("u", hour, START)
    other.take("u", hour, START)
    # then both know what was used in the other one
    assert one.take("u", hour, START) > START
    assert other.take("u", hour, START) > START
