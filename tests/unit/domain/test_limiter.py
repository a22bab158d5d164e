"""The arithmetic of permits: no window is ever passed, and what is allowed is used (I6)."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.limiter import (
    GUARD,
    HOLD,
    LARGEST_BLOCK,
    MOST_USES,
    Block,
    Uses,
    Window,
    closed,
    first_block,
    is_good,
    largest_block,
    reserve,
    spacing,
    status,
    with_uses,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
STATEMENTS = (Window(1, 1), Window(8, 60))

windows = st.lists(
    st.builds(Window, most=st.integers(1, 200), seconds=st.sampled_from([0.5, 1.0, 2.0, 10.0, 60.0])),
    min_size=1,
    max_size=3,
    unique_by=lambda window: window.seconds,
)
seeds = st.integers(0, 2**32)
pauses = st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.3, 1.0, 7.0, 60.0, 200.0]), min_size=1, max_size=120)


def slots_of(limits, waits_before, chance=None):
    """The slots that callers use who come after these pauses; by chance they take blocks, and use them up slowly."""
    log, now, slots = (), START, []
    for wait in waits_before:
        now += timedelta(seconds=wait)
        grant = reserve(log, limits, now, chance.randint(1, LARGEST_BLOCK) if chance else 1)
        assert grant.slot >= now
        log = with_uses(log, grant.uses, limits, now)
        block, at = Block(grant, limits), grant.slot
        while (slot := block.slot(at)) is not None:
            block.use(slot)
            slots.append(slot)
            at = slot + timedelta(seconds=chance.choice([0, 0.2, 3]) if chance else 0)
    return slots


def most_in(times, seconds):
    """The most of these times that any half-open window of that length holds."""
    ordered, length, first, most = sorted(times), timedelta(seconds=seconds), 0, 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= length:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(windows, pauses, seeds)
def test_i6_no_window_ever_holds_more_than_allowed_though_requests_arrive_late(limits, waits_before, seed):
    # given blocks of any size at any times, used up at once or slowly, each request arriving up to the guard later
    chance = random.Random(seed)
    arrivals = [slot + GUARD * chance.choice([0, 0.5, 1]) for slot in slots_of(limits, waits_before, chance)]
    # then no window of any limit holds more than what we allow ourselves
    for window in limits:
        assert most_in(arrivals, window.seconds) <= window.most


@given(windows, st.integers(1, 400))
def test_i6_a_long_log_is_kept_short_and_still_safe(limits, number):
    # given many single requests, each as early as it may be
    slots, log, now = [], (), START
    for _ in range(number):
        grant = reserve(log, limits, now)
        now = grant.slot
        log = with_uses(log, grant.uses, limits, now)
        slots.append(now)
    # then the log never grows over its bound, and no window is passed
    assert len(log) <= MOST_USES
    assert all(most_in(slots, window.seconds) <= window.most for window in limits)


def test_a_limit_by_the_hour_is_still_used_well():
    # given a limit whose hour holds many more blocks than the log does
    limits, log, now, used = (Window(4000, 3600),), (), START, 0
    while now < START + timedelta(hours=10):
        grant = reserve(log, limits, now, LARGEST_BLOCK)
        now = grant.slot
        log = with_uses(log, grant.uses, limits, now)
        used += grant.uses.count
    # then over ten hours nine tenths of what is allowed were granted
    assert used >= 0.9 * 4000 * 10


@given(windows)
def test_after_a_pause_all_that_is_allowed_goes_at_once(limits):
    # given a key that has not been used for long
    smallest = min(window.most for window in limits)
    # then so many requests wait for nothing
    assert slots_of(limits, [1000.0] + [0.0] * (smallest - 1))[-1] == START + timedelta(seconds=1000)


def test_the_documented_limits_of_a_statement_service():
    # given 1 request a second and 10 a minute, of which we use 1 and 8
    slots = slots_of(STATEMENTS, [0.0] * 10)
    # then eight go a guarded second apart, and the rest when the minute of the first ones is over
    seconds = [(slot - START).total_seconds() for slot in slots]
    assert seconds == [0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0, 10.5, 60.5, 62.0]


def test_a_block_that_is_larger_than_a_short_window_keeps_its_permits_apart():
    # given a block of four under one request a second
    block = Block(reserve((), STATEMENTS, START, 4), STATEMENTS)
    slots = []
    while (slot := block.slot(START)) is not None:
        block.use(slot)
        slots.append((slot - START).total_seconds())
    # then they are a guarded second apart, and the next block begins no sooner than that after them
    assert slots == [0.0, 1.5, 3.0, 4.5]
    log = with_uses((), reserve((), STATEMENTS, START, 4).uses, STATEMENTS, START)
    assert reserve(log, STATEMENTS, START).slot == START + timedelta(seconds=4.5) + GUARD + timedelta(seconds=1)


def test_an_old_block_gives_nothing_more():
    # given a block of four of which one was used
    block = Block(reserve((), (Window(80, 60),), START, 4), (Window(80, 60),))
    block.use(START)
    # then the others are good for as long as it holds
    assert block.slot(START + HOLD) == START + HOLD
    assert block.slot(START + HOLD + timedelta(microseconds=1)) is None


def test_blocks_grow_by_what_was_used_of_the_last_one():
    # given a block of three of which two were used
    block = Block(reserve((), (Window(80, 60),), START, 3), (Window(80, 60),))
    block.use(START)
    block.use(START)
    # then three are taken next, and never more than is worth it
    assert block.next_size(5) == 3
    assert block.next_size(2) == 2


@pytest.mark.parametrize(
    ("most", "largest", "first"), [(1, 1, 1), (8, 4, 1), (10, 5, 1), (80, 5, 5), (160, 5, 5), (7, 1, 1), (40, 5, 2)]
)
def test_blocks_divide_the_longest_window_well(most, largest, first):
    limits = (Window(1, 1), Window(most, 60))
    assert (largest_block(limits), first_block(limits)) == (largest, first)


def test_windows_that_end_before_a_block_keep_its_permits_apart():
    assert spacing((Window(8, 60),), 4) == timedelta(0)
    assert spacing((Window(20, 1), Window(80, 60)), 4) == timedelta(seconds=1.5)
    assert spacing((Window(20, 1), Window(80, 60)), 1) == timedelta(0)
    assert spacing((Window(2, 60),), 4) == timedelta(seconds=30.25)


@pytest.mark.parametrize(("most", "seconds", "largest"), [(160, 60, 5), (200, 60, 5), (4000, 3600, 5), (200, 10, 1)])
def test_a_block_is_worth_taking_where_the_time_that_it_is_good_is_little_of_the_window(most, seconds, largest):
    assert largest_block((Window(most, seconds),)) == largest


def test_several_blocks_share_a_short_window():
    # given a limit of five a second, and blocks of four
    limits, log = (Window(5, 1), Window(80, 60)), ()
    slots = []
    for _ in range(6):
        grant = reserve(log, limits, START, 4)
        log = with_uses(log, grant.uses, limits, START)
        slots.append(grant.slot - START)
    # then five of them go at once, each with a permit a second, and the sixth when they are over
    assert slots[:5] == [timedelta(0)] * 5
    assert slots[5] == timedelta(seconds=4.5) + GUARD + timedelta(seconds=1)


@given(windows, pauses, st.integers(1, 3600))
def test_i6_after_a_refusal_nothing_is_granted_before_the_brokers_time(limits, waits_before, seconds):
    # given a key in use, and a broker that refuses until some time
    log, now = (), START
    for wait in waits_before:
        now += timedelta(seconds=wait)
        log = with_uses(log, reserve(log, limits, now).uses, limits, now)
    until = now + timedelta(seconds=seconds)
    log = closed(log, limits, now, until)
    # then whoever asks gets a slot that is not before it
    assert reserve(log, limits, now).slot >= until


def test_the_status_tells_each_window_with_its_end():
    # given a minute of eight of which three are used
    log = ()
    for second in (0, 10, 20):
        now = START + timedelta(seconds=second)
        log = with_uses(log, reserve(log, STATEMENTS, now).uses, STATEMENTS, now)
    # when it is asked for ten seconds later
    now = START + timedelta(seconds=30)
    told = status(log, STATEMENTS, now)
    # then each window says what is used of it, and the next one may go at once
    assert [(window.used, window.max) for window in told.windows] == [(0, 1), (3, 8)]
    assert told.windows[0].resets_at == now
    assert told.windows[1].resets_at == START + timedelta(seconds=80) + GUARD
    assert told.next_allowed_at == now


def test_the_status_of_a_full_window_names_the_time_of_the_next_use():
    # given a limit of two an hour that is used up
    limits = (Window(2, 3600),)
    log = (Uses(START, 1), Uses(START + timedelta(minutes=5), 1))
    told = status(log, limits, START + timedelta(minutes=10))
    # then the next use is possible when the first one is an hour old, and all is free when the last one is
    assert told.next_allowed_at == START + timedelta(hours=1)
    assert told.windows[0].resets_at == START + timedelta(hours=1, minutes=5)
    assert told.windows[0].used == 2


def test_a_late_permit_is_not_worth_using():
    # given a slot, then it is good for half of the guard
    assert is_good(START, START + GUARD / 2)
    assert not is_good(START, START + GUARD / 2 + timedelta(microseconds=1))
