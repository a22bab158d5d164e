"""Corrections and cancels: new versions with their reasons, the old ones stay (I9)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.services.steps import AT, WEEK, a_world, fills
from tests.unit.services.world import Checkpoint, a_page


@pytest.mark.parametrize("overlap", [timedelta(0), WEEK])
def test_i9_a_changed_trade_becomes_a_version_and_the_old_one_stays_readable(overlap: timedelta) -> None:
    world = a_world(
        [a_page(*fills("1", price="1.10"), *fills("2"), at=AT), Checkpoint(cursor="2")],
        [a_page(*fills("1", price="1.20"), *fills("2"), at=AT), Checkpoint(cursor="2")],
        overlap=overlap,
    )
    world.sync()
    report = world.next_tick()
    assert report is not None
    assert (report.run.stats.corrections, report.run.stats.inserted, report.run.stats.duplicates) == (1, 0, 1)
    versions = world.ledger.versions("acc_1", "1")
    assert [(one.version, one.version_reason, getattr(one.entry, "price", None)) for one in versions] == [
        (1, "", Decimal("1.10")),
        (2, "correction", Decimal("1.20")),
    ]


def test_i9_a_cancel_marks_its_trade_and_is_kept_itself_however_often_it_is_served() -> None:
    cancel = {"id": "9", "side": "sell", "cancels_trade_id": "1"}
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")],
        [a_page(*fills("1", "2"), cancel, at=AT), Checkpoint(cursor="9")],
        [a_page(*fills("1", "2"), cancel, at=AT, extra=1), Checkpoint(cursor="9")],
    )
    for _ in range(3):
        world.next_tick()
    current = {stored.entry.source_id: stored for stored in world.ledger.newest("acc_1", limit=10)}
    assert (sorted(current), current["1"].cancelled_by, current["1"].version) == (["1", "2", "9"], "9", 2)
    assert current["2"].version == 1


def test_i9_a_cancel_whose_trade_comes_in_the_same_answer_finds_it() -> None:
    cancel = {"id": "9", "side": "sell", "cancels_trade_id": "1"}
    world = a_world([a_page(cancel, *fills("1"), at=AT), Checkpoint(cursor="9")])
    world.sync()
    assert {one.entry.source_id: one.cancelled_by for one in world.ledger.newest("acc_1", limit=9)} == {
        "1": "9",
        "9": "",
    }


def test_i9_a_cancel_by_number_undoes_the_original_and_not_its_rebook() -> None:
    # Given a trade and its rebook under the same broker number, stored before
    original = {"id": "1", "trade_ref": "T1", "quantity": "100"}
    rebook = {"id": "2", "trade_ref": "T1", "quantity": "90"}
    cancel = {"id": "9", "side": "sell", "quantity": "100", "cancels_trade_ref": "T1"}
    world = a_world(
        [a_page(original, rebook, at=AT), Checkpoint(cursor="2")], [a_page(cancel, at=AT), Checkpoint(cursor="9")]
    )
    world.sync()
    # When the cancel comes alone, naming only that number
    world.next_tick()
    # Then it marks the one whose quantity it takes back
    marks = {one.entry.source_id: one.cancelled_by for one in world.ledger.newest("acc_1", limit=9)}
    assert marks == {"1": "9", "2": "", "9": ""}


def test_i9_a_run_says_how_many_trades_were_corrected() -> None:
    world = a_world(
        [a_page(*fills("1", "2", "3", price="1.1"), at=AT), Checkpoint(cursor="3")],
        [a_page(*fills("1", "2", "3", price="1.2"), at=AT), Checkpoint(cursor="3")],
        [a_page(*fills("1", price="1.3"), *fills("2", "3", price="1.2"), at=AT), Checkpoint(cursor="3")],
    )
    reports = [world.next_tick() for _ in range(3)]
    said = [report.run.safe_message for report in reports if report is not None]
    assert said == ["", "3 trades corrected.", "1 trade corrected."]


@pytest.mark.parametrize(("told", "reason"), [("bust", "bust"), ("cancel", "cancel"), ("", "cancel")])
def test_i9_an_undone_trade_says_by_whom(told: str, reason: str) -> None:
    cancel = {"id": "9", "side": "sell", "cancels_trade_id": "1", "reason": told}
    world = a_world(
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")], [a_page(cancel, at=AT), Checkpoint(cursor="9")]
    )
    world.sync()
    world.next_tick()
    assert [one.version_reason for one in world.ledger.versions("acc_1", "1")] == ["", reason]


@pytest.mark.parametrize("stored_before", [True, False])
def test_i9_a_rebook_says_that_it_takes_the_place_of_a_cancelled_trade(stored_before: bool) -> None:
    # given a trade, its cancel, and the rebook under the same broker number, in one answer or after the trade
    original = {"id": "1", "trade_ref": "T1", "quantity": "100"}
    cancel = {"id": "2", "side": "sell", "quantity": "100", "cancels_trade_ref": "T1"}
    rebook = {"id": "3", "trade_ref": "T1", "quantity": "90"}
    other = {"id": "4", "trade_ref": "T2"}
    first = [] if not stored_before else [original]
    world = a_world(
        [a_page(*first, at=AT), Checkpoint(cursor="1")],
        [a_page(original, cancel, rebook, other, at=AT), Checkpoint(cursor="4")],
    )
    world.sync()
    world.next_tick()
    # then the rebook is told as one, the original as cancelled, and nothing else has a reason
    reasons = {one.entry.source_id: one.version_reason for one in world.ledger.newest("acc_1", limit=9)}
    assert reasons == {"1": "cancel", "2": "", "3": "rebook", "4": ""}
