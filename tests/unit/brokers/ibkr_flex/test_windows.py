"""Which days are asked for: I3, the cursor is what was served."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.ibkr_flex.manifest import HISTORY, OVERVIEW, STATEMENT
from brokersync.brokers.ibkr_flex.pending import Pending
from brokersync.brokers.ibkr_flex.windows import EARLIEST, Cursor, Window, history_begins, newest_day

MONDAY = date(2026, 5, 11)
days = st.dates(min_value=date(2000, 1, 1), max_value=MONDAY)


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        ("2026-05-12T13:00:00", date(2026, 5, 11)),
        ("2026-05-12T03:59:00", date(2026, 5, 8)),  # still Monday in New York: Friday is the last day that is over
        ("2026-05-12T04:01:00", date(2026, 5, 11)),
        ("2026-05-11T13:00:00", date(2026, 5, 8)),
        ("2026-05-10T13:00:00", date(2026, 5, 8)),
        ("2026-05-09T13:00:00", date(2026, 5, 8)),
        ("2026-11-02T04:30:00", date(2026, 10, 30)),  # summer time has ended on Sunday
    ],
)
def test_the_newest_day_is_the_last_weekday_that_is_over_in_new_york(now: str, newest: date) -> None:
    assert newest_day(datetime.fromisoformat(now).replace(tzinfo=UTC)) == newest


@pytest.mark.parametrize("text", ["", "20260511", "<20150312"])
def test_i3_a_cursor_survives_its_text(text: str) -> None:
    assert str(Cursor.read(text)) == text


@pytest.mark.parametrize("text", ["yesterday", "<", "2026", "<<20260511"])
def test_i3_a_text_that_is_no_cursor_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|isoformat"):
        Cursor.read(text)


def test_a_first_sync_looks_at_the_last_days_then_at_the_history() -> None:
    assert Cursor().next_window(MONDAY) == Window(first=date(2026, 5, 4), last=MONDAY, section=OVERVIEW)
    begins = Cursor(begins=date(2026, 4, 1))
    assert begins.next_window(MONDAY) == Window(first=date(2026, 4, 1), last=MONDAY, section=STATEMENT)


def test_i3_later_syncs_read_seven_days_again() -> None:
    window = Cursor(served=date(2026, 5, 8)).next_window(MONDAY)
    assert window == Window(first=date(2026, 5, 1), last=MONDAY, section=STATEMENT)


@given(days, st.booleans())
def test_i3_windows_follow_each_other_without_a_gap_until_the_newest_day(begins: date, served: bool) -> None:
    # given a cursor somewhere in the past
    cursor = Cursor(served=begins) if served else Cursor(begins=begins)
    covered = begins - timedelta(days=1) if cursor.served is None else begins
    # when every window is served as it was asked for
    for _ in range(40):
        window = cursor.next_window(MONDAY)
        # then it is allowed, ends with a weekday, and begins inside what was served before
        assert window.first <= window.last
        assert (window.last - window.first).days < 365
        assert window.last.weekday() < 5
        assert window.first <= covered + timedelta(days=1)
        assert window.section == (STATEMENT if window.last == MONDAY else HISTORY)
        if window.section == STATEMENT:
            return
        assert window.last > covered
        covered = window.last
        cursor = Cursor(served=covered)
    raise AssertionError("the windows never reach the newest day")


@pytest.mark.parametrize(
    ("start", "opened", "begins"),
    [
        (datetime(2026, 4, 11, 2, tzinfo=UTC), None, date(2026, 4, 10)),  # still the 10th in New York
        (datetime(2026, 4, 11, 12, tzinfo=UTC), date(2026, 5, 1), date(2026, 5, 1)),
        (datetime(2026, 4, 11, 12, tzinfo=UTC), date(2015, 3, 12), date(2026, 4, 11)),
        (None, date(2015, 3, 12), date(2015, 3, 12)),
        (None, None, EARLIEST),
        (None, date(2026, 5, 12), MONDAY),  # opened today
    ],
)
def test_a_history_begins_with_the_plan_or_the_account(
    start: datetime | None, opened: date | None, begins: date
) -> None:
    assert history_begins(start, opened, MONDAY) == begins


PENDING = Pending.of(Window(first=date(2026, 5, 1), last=MONDAY, section=STATEMENT)).referred(
    "1234567890", "https://gdcdyn.interactivebrokers.com/AccountManagement/FlexWebService/GetStatement"
)


@given(st.integers(0, 12), st.integers(0, 2), st.integers(0, 3), st.booleans())
def test_i11_what_is_pending_survives_the_table(polls: int, renewals: int, refusals: int, by_url: bool) -> None:
    pending = PENDING
    for _ in range(renewals):
        pending = pending.renewed()
    for _ in range(refusals):
        pending = pending.refused()
    pending = pending.referred("987", "https://x.interactivebrokers.com/GetStatement" if by_url else "")
    for _ in range(polls):
        pending = pending.polled()
    assert Pending.read(pending.state()) == pending
    # and leaves room in a feed of 1 KB
    assert sum(len(name) + len(value) for name, value in PENDING.state().items()) < 400


@pytest.mark.parametrize("change", [{"from": "soon"}, {"polls": "x"}, {"section": "elsewhere"}, {"reference": None}])
def test_i11_a_state_that_another_version_wrote_is_begun_anew(change: dict[str, str | None]) -> None:
    state = {name: value for name, value in (PENDING.state() | change).items() if value is not None}
    assert Pending.read(state) is None
    assert Pending.read({}) is None


def test_a_window_steps_back_over_weekdays_a_few_times() -> None:
    # given a window that ends on a Monday
    pending, ends = PENDING, []
    # when there is never a statement
    while (earlier := pending.stepped_back()) is not None:
        pending = earlier
        ends.append(pending.window.last)
    # then it ends with Friday, Thursday, Wednesday, and no more
    assert ends == [date(2026, 5, 8), date(2026, 5, 7), date(2026, 5, 6)]
    assert (pending.window.first, pending.ends, pending.reference) == (date(2026, 5, 1), MONDAY, "")


def test_a_window_never_steps_back_before_its_beginning() -> None:
    assert Pending.of(Window(first=MONDAY, last=MONDAY, section=STATEMENT)).stepped_back() is None
