"""The timing wheel: everybody due once per interval, nobody forgotten, no storm after an outage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.wheel import INTERVALS, SHARDS, WheelKey, due_keys, next_due, round_up_interval, wheel_key

feed_ids = st.text(min_size=1, max_size=40)
minutes = st.integers(min_value=0, max_value=40_000_000)


@given(feed_ids, st.sampled_from(INTERVALS), minutes)
def test_a_feed_is_due_exactly_once_in_any_span_of_its_interval(feed_id: str, interval: int, start: int) -> None:
    # Given a feed, and each minute of a span as long as its interval
    key = wheel_key(feed_id, interval)
    # When every minute is dispatched on its own
    hits = [m for m in range(start + 1, start + 1 + interval) if key in {d.key for d in due_keys(m - 1, m)}]
    # Then it is due once, and next_due told so beforehand
    assert hits == [next_due(feed_id, interval, start)]


@given(st.sampled_from(INTERVALS), minutes, st.integers(min_value=1, max_value=3_000))
def test_i11_a_catch_up_names_each_key_that_was_due_once_with_its_latest_tick(
    interval: int, done: int, behind: int
) -> None:
    # Given a dispatcher that is some minutes behind
    through = done + behind
    # When it catches up
    found = [due for due in due_keys(done, through) if due.key.interval == interval]
    # Then each slot that came up is there once, and its tick is the latest minute at which it was due
    expected = {minute % interval: minute for minute in range(done + 1, through + 1)}
    assert {due.key.slot: due.tick for due in found} == expected
    assert len(found) == len(expected) * SHARDS


def test_a_dispatcher_that_is_up_to_date_has_nothing_to_query() -> None:
    assert list(due_keys(1000, 1000)) == []


@given(st.sampled_from(INTERVALS), st.sets(feed_ids, min_size=200, max_size=200))
def test_load_is_spread_over_the_slots(interval: int, ids: set[str]) -> None:
    # Given many feeds, Then no slot holds most of them
    slots = [wheel_key(feed_id, interval).slot for feed_id in ids]
    assert max(slots.count(slot) for slot in set(slots)) <= max(90, 200 // interval * 4)


@pytest.mark.parametrize(
    ("asked", "given_"), [(1, 5), (5, 5), (6, 10), (15, 15), (16, 30), (61, 240), (1440, 1440), (9999, 1440)]
)
def test_an_interval_is_rounded_up_to_one_the_wheel_has(asked: int, given_: int) -> None:
    assert round_up_interval(asked) == given_


def test_an_interval_the_wheel_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="interval 7 is not one of"):
        wheel_key("feed", 7)


def test_the_index_key_says_interval_slot_and_shard() -> None:
    assert WheelKey(interval=15, slot=3, shard=0).text == "15#3#0"
