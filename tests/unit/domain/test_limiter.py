"""The arithmetic of permits: no window is ever passed, and everybody gets one in the end (I6)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.limiter import GUARD, RESERVE_AHEAD, Pace, is_good, reserve
from brokersync.domain.manifests import LimitWindow

START = datetime(2026, 3, 2, tzinfo=UTC)

windows = st.lists(
    st.builds(LimitWindow, count=st.integers(1, 40), seconds=st.sampled_from([0.5, 1.0, 2.0, 10.0, 60.0])),
    min_size=1,
    max_size=3,
    unique_by=lambda window: window.seconds,
)
pauses = st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.3, 1.0, 7.0, 60.0, 200.0]), min_size=1, max_size=120)
delays = st.lists(st.floats(0, GUARD.total_seconds()), min_size=120, max_size=120)


def play(limits, waits_before):
    """The slots given to callers that come after these pauses, none of whom waits for the one before."""
    known, now, slots = {}, START, []
    paces = [Pace.of(window) for window in limits]
    for wait in waits_before:
        now += timedelta(seconds=wait)
        reservation = reserve(known, paces, now)
        assert reservation.slot >= now
        slots.append(reservation.slot)
        known = reservation.following
    return slots


def most_in(times, seconds):
    """The most of these times that any half-open window of that length holds."""
    ordered, length, first, most = sorted(times), timedelta(seconds=seconds), 0, 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= length:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(windows, pauses, delays)
def test_i6_no_window_ever_holds_more_than_configured_though_requests_arrive_late(limits, waits_before, late):
    # given requests in any pattern, each arriving up to the guard after its slot
    slots = play(limits, waits_before)
    arrivals = [slot + timedelta(seconds=by) for slot, by in zip(slots, late, strict=False)]
    # then no window of any limit holds more than what we allow ourselves
    for window in limits:
        assert most_in(arrivals, window.seconds) <= window.configured


@given(windows, pauses)
def test_everybody_gets_a_permit_within_the_pace_of_the_slowest_window(limits, waits_before):
    # given requests in any pattern
    slots = play(limits, waits_before)
    # then the n-th of them waits no longer than n steps of the slowest window
    step = max(Pace.of(window).step for window in limits)
    now = START
    for number, (wait, slot) in enumerate(zip(waits_before, slots, strict=True)):
        now += timedelta(seconds=wait)
        assert slot - now <= number * step


@given(windows)
def test_after_a_pause_half_of_what_is_allowed_goes_at_once(limits):
    # given a key that has not been used for long
    smallest = min((window.configured + 1) // 2 for window in limits)
    # then so many requests wait for nothing
    assert play(limits, [1000.0] + [0.0] * (smallest - 1))[-1] == START + timedelta(seconds=1000)


@given(windows)
def test_a_steady_sender_loses_at_most_half_of_what_is_allowed(limits):
    # given somebody who always asks again at once
    slots = play(limits, [0.0] * 60)
    # then over the long run half of the slowest limit goes through, less the guard
    step = max((timedelta(seconds=one.seconds) + GUARD) / max(one.configured // 2, 1) for one in limits)
    assert slots[-1] - START <= 60 * step + timedelta(microseconds=60)


def test_the_documented_limits_of_a_statement_service():
    # given 1 request a second and 10 a minute, of which we use 1 and 8
    slots = play([LimitWindow(count=1, seconds=1), LimitWindow(count=10, seconds=60)], [0.0] * 6)
    # then a few go a guarded second apart, and the rest at the pace of the minute
    assert [(slot - START).total_seconds() for slot in slots] == [0.0, 1.5, 3.0, 4.5, 12.1, 24.2]


def test_windows_remember_each_other():
    # given a window that makes a request wait
    paces = [Pace.of(LimitWindow(count=1, seconds=1)), Pace.of(LimitWindow(count=1, seconds=60))]
    first = reserve({}, paces, START)
    second = reserve(first.following, paces, START)
    # then the other window counts it from when it is sent, not from when it was asked for
    assert second.slot == START + timedelta(seconds=60) + GUARD
    assert second.following["1000ms"] == second.slot + timedelta(seconds=1) + GUARD


def test_a_far_slot_is_not_worth_reserving_and_a_late_permit_not_worth_using():
    # given a slot
    reservation = reserve({"1000ms": START + RESERVE_AHEAD}, [Pace.of(LimitWindow(count=1, seconds=1))], START)
    # then it is near up to the bound, and good for half of the guard
    assert reservation.is_near(START)
    assert not reservation.is_near(START - timedelta(microseconds=1))
    assert is_good(START, START + GUARD / 2)
    assert not is_good(START, START + GUARD / 2 + timedelta(microseconds=1))
