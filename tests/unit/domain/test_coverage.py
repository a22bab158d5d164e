"""What is complete, per feed and per account of it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.coverage import Coverage, Hole, row_name
from brokersync.domain.loads import Load, LoadKind, LoadRequest

TODAY = datetime(2026, 3, 2, tzinfo=UTC)
MOMENTS = st.none() | st.integers(-2000, 0).map(lambda days: TODAY + timedelta(days=days))


def a_hole(name: str, **rows: str) -> Hole:
    return Hole(run_id=name, first=0, last=1, rows=rows)


@given(spans=st.lists(st.tuples(MOMENTS, MOMENTS), max_size=6))
def test_what_is_complete_is_from_the_first_start_to_the_last_end_in_whatever_order(spans: list) -> None:
    # given stretches that touch, in any order; when they are joined
    covered = Coverage()
    for start, end in spans:
        covered = covered.joined(start, end)
    # then the whole is from the earliest to the latest; a stretch that says nothing changes nothing
    starts, ends = [one for one, _ in spans if one], [one for _, one in spans if one]
    assert (covered.start, covered.end) == (min(starts, default=None), max(ends, default=None))


def test_an_account_has_the_feeds_coverage_but_for_what_differs() -> None:
    # given a feed of three accounts: one came later, one is served by itself
    covered = Coverage().joined(TODAY - timedelta(days=90), TODAY)
    covered = covered.with_late(["late"], TODAY - timedelta(days=3))
    covered = covered.joined(TODAY - timedelta(days=9), TODAY - timedelta(days=1), TODAY, account_id="own")
    # then each says what is true of it
    assert covered.of("first").start == TODAY - timedelta(days=90)
    assert (covered.of("late").start, covered.of("late").end) == (TODAY - timedelta(days=3), TODAY)
    own = covered.of("own")
    assert (own.start, own.end, own.waterline) == (TODAY - timedelta(days=9), TODAY - timedelta(days=1), TODAY)
    # and an account that was there from the start is not late
    assert Coverage().with_late(["a"], TODAY) == Coverage()


def test_a_hole_is_of_its_account_or_of_nobody_and_closes_row_by_row() -> None:
    # given a hole with a row of each of two accounts, and one that doesn't say whose it is
    hole = a_hole("run_1", r1="a", r2="b", r3="")
    covered = Coverage(holes=(a_hole("run_0", r0="a"), hole))
    assert (covered.of("a").holes, covered.of("b").holes, covered.of("c").holes, covered.unread) == (3, 2, 1, 4)
    # when it is read again and one row is still not understood, then that one is left
    covered = covered.read_again(hole, frozenset({"r2", "other"}))
    assert covered.holes == (a_hole("run_0", r0="a"), a_hole("run_1", r2="b"))
    # when nothing is left, then it is closed
    assert covered.read_again(covered.holes[1], frozenset()).holes == (a_hole("run_0", r0="a"),)


def test_a_row_that_is_served_again_is_no_other_hole() -> None:
    covered = Coverage(holes=(a_hole("run_0", **{row_name("trades", "row 7"): ""}),))
    assert covered.unknown({row_name("trades", "row 7"): "a", row_name("trades", "row 8"): "a"}) == {
        row_name("trades", "row 8"): "a"
    }


def test_a_load_says_how_far_it_is_and_when_it_is_there() -> None:
    # given a load with an end
    asked = LoadRequest(kind=LoadKind.BACKFILL, job_id="j", start=TODAY - timedelta(days=9), end=TODAY)
    load = Load.begin(asked, resume="77")
    assert not load.is_there
    # when chunks are stored, some of which prove nothing
    load = load.further(TODAY - timedelta(days=9), TODAY - timedelta(days=8), 3).further(None, None, 4)
    # then it knows
    assert (load.covered_from, load.reached) == (TODAY - timedelta(days=9), TODAY - timedelta(days=8))
    assert (load.chunks, load.trades, load.is_there) == (2, 7, False)
    assert load.further(None, TODAY, 0).is_there
