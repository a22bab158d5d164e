"""The balance as proof: what deals add up to, however they are divided among windows and syncs."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.exact_json import decode
from brokersync.brokers.mt5.completeness import DAY, EARLIEST, Cursor, Tally, explains, overlapping
from brokersync.brokers.mt5.models import Deal
from tests.unit.brokers.mt5.rows import AT_MS, deal, operation


def a_deal(ticket: int, at_ms: int, profit: str, kind: int = 0) -> Deal:
    """A closing deal that moved so much."""
    return told(deal(ticket=ticket, time=None, time_msc=at_ms, type=kind, entry=1, commission=0, profit=profit))


def told(row: dict[str, object]) -> Deal:
    """A deal as it is read from an answer."""
    return Deal.model_validate(decode(json.dumps(row).encode(), "a deal"))


MOVES = st.lists(
    st.tuples(st.integers(0, 30 * DAY), st.decimals(-999, 999, places=2, allow_nan=False)), min_size=1, max_size=30
)


@given(moves=MOVES, borders=st.lists(st.integers(0, 30 * DAY), max_size=4))
def test_the_sum_is_the_same_wherever_it_is_cut(moves: list[tuple[int, Decimal]], borders: list[int]) -> None:
    # given deals, and times at which a load was cut short
    deals = [a_deal(number, AT_MS + at, str(amount)) for number, (at, amount) in enumerate(moves, start=1)]
    tally = Tally(Cursor(start=AT_MS, opening=Decimal(1000)))
    # when they are added from cursor to cursor, what overlaps twice
    for border in sorted(borders):
        tally.add(one for one in deals if tally.start <= one.wall_ms <= AT_MS + border)
        tally.move_to(max(tally.start, overlapping(AT_MS + border)))
    tally.add(one for one in deals if one.wall_ms >= tally.start)
    # then
    assert tally.balance() == 1000 + sum(amount for _, amount in moves)
    assert tally.reached == max(one.wall_ms for one in deals)


def test_a_deal_that_comes_twice_counts_once_as_it_came_last() -> None:
    tally = Tally(Cursor(start=0, opening=Decimal(0)))
    tally.add([a_deal(1, AT_MS, "5"), a_deal(1, AT_MS, "7")])
    assert (tally.balance(), tally.count(AT_MS)) == (Decimal(7), 1)


def test_credit_is_beside_the_balance() -> None:
    tally = Tally(Cursor(start=0, opening=Decimal(0)))
    tally.add([told(operation(3, 100.0)), told(operation(2, 30.0, ticket=2))])
    assert tally.balance() == Decimal(30)


def test_what_is_not_understood_proves_nothing() -> None:
    for odd in (None, a_deal(2, AT_MS, "1", kind=13), a_deal(2, AT_MS, "1", kind=99)):
        tally = Tally(Cursor(start=0, opening=Decimal(0)))
        tally.add([a_deal(1, AT_MS, "5"), odd])
        assert tally.balance() is None


def test_a_balance_that_is_taken_for_right_is_what_the_next_sync_starts_from() -> None:
    # given a load that could not know what was there before
    tally = Tally(Cursor(start=AT_MS))
    tally.add([a_deal(1, AT_MS, "5"), a_deal(2, AT_MS + DAY, "7")])
    assert tally.balance() is None
    # when it ends, and all but the newest deal is summed up
    tally.close(Decimal(100))
    tally.move_to(AT_MS + 1000)
    # then
    assert (tally.opening, tally.balance(), tally.count(AT_MS + DAY)) == (Decimal(93), Decimal(100), 1)


def test_a_difference_of_one_unit_is_rounding() -> None:
    assert explains(Decimal("10.00"), [Decimal("10.01")], 2)
    assert not explains(Decimal("10.00"), [Decimal("10.02")], 2)
    assert not explains(Decimal(10), [Decimal(12)], 0)
    assert explains(Decimal(10), [Decimal(99), Decimal("10.0")], 8)


def test_a_cursor_is_read_as_it_was_written_and_small() -> None:
    # given
    now = datetime(2026, 5, 12, 13, tzinfo=UTC)
    cursor = Cursor(
        start=AT_MS,
        opening=Decimal("-12345.10"),
        served=17,
        reached=AT_MS + 5,
        seen=AT_MS + 9,
        at=now,
        doubted_since=now,
    )
    # when / then
    assert Cursor.read(cursor.text) == cursor
    assert len(cursor.text) < 256
    assert Cursor.first(None) == Cursor(start=EARLIEST, opening=Decimal(0), loading=True)
    assert Cursor.first(AT_MS + 999) == Cursor(start=AT_MS, loading=True)
