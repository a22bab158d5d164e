"""Round trips: pairing, shares that add up, and P&L by day."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.round_trips import Direction, PairedBy, PnlSource, pnl_by_day, round_trips
from brokersync.domain.times import BrokerTime, from_rfc3339
from brokersync.domain.trades import Effect, Execution, ExecutionKind, Origin, Side, StoredEntry, content_hash
from tests.unit.services.world import an_execution

NOON = 1_772_452_800  # 2026-03-02T12:00:00Z


def at(second: int) -> BrokerTime:
    return BrokerTime(ns=(NOON + second) * 1_000_000_000, raw=str(second), zone="test")


def stored(*executions: Execution) -> list[StoredEntry]:
    origin = Origin(run_id="run_1", snapshot_key="k")
    return [
        StoredEntry(account_id="acc_1", entry=one, content_hash=content_hash(one), origin=origin) for one in executions
    ]


def fill(trade_id: str, side: Side, quantity: str, price: str, second: int = 0, **changes: object) -> Execution:
    return an_execution(
        trade_id, side=side, quantity=Decimal(quantity), price=Decimal(price), executed_at=at(second), **changes
    )


def trips(*executions: Execution):
    return round_trips(stored(*executions), "EUR")


def test_first_in_first_out_across_several_lots() -> None:
    # given two buys, and one sell of more than the first
    found = trips(
        fill("b1", Side.BUY, "10", "100", 1),
        fill("b2", Side.BUY, "10", "110", 2),
        fill("s1", Side.SELL, "15", "120", 3),
    )
    # then the oldest lot is closed first, and what is left of the second stays open
    assert [(t.entry_trade_id, t.exit_trade_id, t.quantity, t.gross_pnl) for t in found] == [
        ("b1", "s1", 10, 200),
        ("b2", "s1", 5, 50),
    ]
    assert {(t.direction, t.paired_by, t.pnl_source) for t in found} == {
        (Direction.LONG, PairedBy.FIFO, PnlSource.PRICES)
    }


def test_a_sell_without_a_lot_opens_short_and_more_than_the_lot_turns_the_position() -> None:
    # given a short, and a buy of more than it
    found = trips(
        fill("s1", Side.SELL, "10", "100", 1),
        fill("b1", Side.BUY, "15", "90", 2),
        fill("s2", Side.SELL, "5", "95", 3),
    )
    # then the short is closed with its gain, and the rest is a long that the next sell closes
    assert [(t.direction, t.quantity, t.gross_pnl) for t in found] == [
        (Direction.SHORT, 10, 100),
        (Direction.LONG, 5, 25),
    ]


def test_the_brokers_own_pairing_and_figures_win() -> None:
    # given two open positions of one symbol, of which the broker closes the second
    found = trips(
        fill("o1", Side.BUY, "1", "1.10", 1, position_id="p1", effect=Effect.OPEN),
        fill("o2", Side.BUY, "1", "1.20", 2, position_id="p2", effect=Effect.OPEN),
        fill(
            "c2",
            Side.SELL,
            "1",
            "1.30",
            3,
            position_id="p2",
            effect=Effect.CLOSE,
            realised_pnl=Decimal("8.77"),
            pnl_currency="GBP",
        ),
    )
    # then the trip is that of the second, with the broker's P&L in the broker's currency
    (trip,) = found
    assert (trip.entry_trade_id, trip.gross_pnl, trip.currency) == ("o2", Decimal("8.77"), "GBP")
    assert (trip.paired_by, trip.pnl_source) == (PairedBy.BROKER, PnlSource.BROKER)


def test_a_broker_that_pairs_and_names_no_currency_means_the_accounts() -> None:
    # given a P&L of which the broker's answer doesn't say the currency
    closing = {"position_id": "p", "effect": Effect.CLOSE, "realised_pnl": Decimal(3), "pnl_currency": ""}
    found = trips(fill("o", Side.BUY, "1", "1", 1, position_id="p"), fill("c", Side.SELL, "1", "2", 2, **closing))
    # then it is the account's
    assert [(t.gross_pnl, t.currency) for t in found] == [(3, "EUR")]


@pytest.mark.parametrize("effect", [Effect.CLOSE_AND_OPEN, None])
def test_what_turns_a_position_has_earned_all_by_what_it_closed(effect: Effect | None) -> None:
    # given a long of two, and a sell of three that the broker says to have earned 125
    turn = {"position_id": "p", "effect": effect, "realised_pnl": Decimal(125), "pnl_currency": "USD"}
    found = trips(
        fill("o", Side.BUY, "2", "100", 1, position_id="p", effect=Effect.OPEN),
        fill("t", Side.SELL, "3", "110", 2, **turn),
        fill("c", Side.BUY, "1", "105", 3, position_id="p", effect=Effect.CLOSE, realised_pnl=Decimal(7)),
    )
    # then all of it belongs to the two that were closed, and the one that was opened earns its own
    assert [(t.entry_trade_id, t.exit_trade_id, t.quantity, t.gross_pnl) for t in found] == [
        ("o", "t", 2, 125),
        ("t", "c", 1, 7),
    ]


def test_a_close_whose_entry_is_older_than_what_we_hold_is_shown_without_inventing_one() -> None:
    # given a close of something that was opened before our history
    (trip,) = trips(fill("c", Side.SELL, "10", "50", 1, effect=Effect.CLOSE, fees={"commission": Decimal(2)}))
    # then exit and fee are told, and the rest isn't known
    assert (trip.entry_price, trip.opened_at, trip.entry_trade_id) == (None, None, "")
    assert (trip.gross_pnl, trip.net_pnl, trip.pnl_source) == (None, None, PnlSource.UNKNOWN)
    assert trip.fees == {"USD": 2}
    # and the next buy is not taken for its entry
    assert len(trips(fill("c", Side.SELL, "10", "50", 1, effect=Effect.CLOSE), fill("b", Side.BUY, "10", "40", 2))) == 1


def test_what_was_cancelled_counts_for_nothing() -> None:
    # given a buy that the broker cancelled, with the row that cancels it, and one that stands
    gone, cancel = fill("b1", Side.BUY, "10", "1", 1), fill("x1", Side.SELL, "10", "1", 2, kind=ExecutionKind.CANCEL)
    entries = stored(gone, cancel, fill("b2", Side.BUY, "10", "100", 3), fill("s1", Side.SELL, "10", "101", 4))
    entries[0] = replace(entries[0], cancelled_by="x1")
    # then only the one that stands is paired
    assert [(t.entry_trade_id, t.gross_pnl) for t in round_trips(entries, "EUR")] == [("b2", 10)]


def test_fees_in_another_currency_leave_the_net_unknown() -> None:
    # given a commission in another currency than the P&L
    fees = {"fees": {"commission": Decimal(1)}, "fee_currency": "CHF"}
    (trip,) = trips(fill("b", Side.BUY, "1", "10", 1, **fees), fill("s", Side.SELL, "1", "12", 2))
    # then nothing is added up that can't be
    assert (trip.gross_pnl, trip.fees, trip.net_pnl) == (2, {"CHF": 1}, None)


def test_what_opens_and_closes_in_one_second_is_one_round_trip_whatever_the_ids() -> None:
    # given a close whose id sorts before that of its opening, both in one second
    found = trips(
        fill("a", Side.SELL, "1", "12", 1, effect=Effect.CLOSE), fill("b", Side.BUY, "1", "10", 1, effect=Effect.OPEN)
    )
    # then they are paired
    assert [(t.entry_trade_id, t.exit_trade_id) for t in found] == [("b", "a")]


SIDES = st.sampled_from(list(Side))
AMOUNTS = st.decimals("0.001", "1000", places=3)
FILLS = st.lists(
    st.tuples(SIDES, AMOUNTS, AMOUNTS, st.decimals("-5", "5", places=4), st.integers(0, 50)), min_size=1, max_size=25
)


def fills_of(rows) -> list[Execution]:
    return [
        fill(f"t{n:02d}", side, str(quantity), str(price), second, fees={"commission": fee})
        for n, (side, quantity, price, fee, second) in enumerate(rows)
    ]


def flattened(executions: list[Execution]) -> list[Execution]:
    """With a last fill that leaves nothing open."""
    net = sum((one.quantity if one.side is Side.BUY else -one.quantity) for one in executions)
    if not net:
        return executions
    return [*executions, fill("z", Side.SELL if net > 0 else Side.BUY, str(abs(net)), "7", 100)]


@given(FILLS)
def test_when_all_is_closed_the_gains_are_the_cash_and_the_fees_are_all_fees(rows) -> None:
    # given any fills of one symbol that end flat
    executions = flattened(fills_of(rows))
    # when they are paired
    found = trips(*executions)
    # then the P&L of all is exactly what was received less what was paid, and no fee is lost or doubled
    cash = sum((one.quantity * one.price) * (1 if one.side is Side.SELL else -1) for one in executions)
    assert sum(t.gross_pnl for t in found) == cash
    assert sum(t.fees.get("USD", 0) for t in found) == sum(sum(one.fees.values()) for one in executions)
    # and every fill is used up, once
    for one in executions:
        used = sum(t.quantity for t in found if one.source_trade_id in (t.entry_trade_id, t.exit_trade_id))
        assert used == one.quantity
    assert len({t.round_trip_id for t in found}) == len(found)


@given(FILLS, st.randoms())
def test_the_order_in_which_rows_are_read_changes_nothing(rows, random) -> None:
    executions = fills_of(rows)
    shuffled = list(executions)
    random.shuffle(shuffled)
    assert trips(*executions) == trips(*shuffled)


@given(FILLS)
def test_later_fills_never_change_an_earlier_round_trip(rows) -> None:
    # given fills in the order of time
    executions = sorted(fills_of(rows), key=lambda one: (one.executed_at.ns, one.source_trade_id))
    for cut in range(len(executions)):
        # then what was told before the last ones came is still told
        before = trips(*executions[:cut])
        assert list(trips(*executions))[: len(before)] == list(before)


@given(st.lists(AMOUNTS, min_size=1, max_size=8), st.decimals("-1000", "1000", places=2))
def test_a_brokers_figure_is_shared_out_to_the_last_digit(lots, pnl) -> None:
    # given several lots of one position, closed by one fill with one figure
    opened = [
        fill(f"o{n}", Side.BUY, str(quantity), "1", n, position_id="p", effect=Effect.OPEN)
        for n, quantity in enumerate(lots)
    ]
    closed = fill(
        "c",
        Side.SELL,
        str(sum(lots)),
        "2",
        99,
        position_id="p",
        effect=Effect.CLOSE,
        realised_pnl=pnl,
        pnl_currency="USD",
    )
    # then the shares are the figure
    assert sum(t.gross_pnl for t in trips(*opened, closed)) == pnl


def test_a_day_ends_at_midnight_of_the_readers_zone() -> None:
    # given an exit late in the evening of New York, which is the next day in UTC
    late = from_rfc3339("2026-03-03T03:00:00Z")
    found = trips(
        fill("b", Side.BUY, "1", "10", 1, fees={"commission": Decimal("0.5")}),
        an_execution("s", side=Side.SELL, quantity=Decimal(1), price=Decimal(12), executed_at=late),
    )
    # then the day is the reader's
    assert [day.day for day in pnl_by_day(found, UTC)] == ["2026-03-03"]
    (day,) = pnl_by_day(found, ZoneInfo("America/New_York"))
    assert (day.day, day.gross_pnl, day.fees, day.net_pnl) == ("2026-03-02", 2, Decimal("0.5"), Decimal("1.5"))
    assert late.utc.astimezone(ZoneInfo("America/New_York")) < datetime(2026, 3, 3, tzinfo=ZoneInfo("America/New_York"))


@given(FILLS)
def test_the_days_add_up_to_the_whole(rows) -> None:
    # given any round trips
    found = trips(*flattened(fills_of(rows)))
    days = pnl_by_day(found, UTC)
    # then the last cumulative figure is the net of all of them
    assert days[-1].cumulative_pnl == sum(t.net_pnl for t in found) if found else not days
    assert sum(day.round_trips for day in days) == len(found)
