"""Trades, sync log and portfolio of an account."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.identity import user_id
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.times import from_rfc3339
from brokersync.ports.reading import CurrentPortfolio
from brokersync.services.own_accounts import AccountNotFoundError
from tests.unit.functions.api_world import ISSUER, ApiWorld, a_run

ALICE = user_id(ISSUER, "alice")


def walk(read: Callable[[str], tuple[list[str], str]]) -> list[list[str]]:
    """All pages from the newest to the end."""
    pages, before = [], ""
    while True:
        page, before = read(before)
        pages.append(page)
        if not before:
            return pages


@given(seconds=st.lists(st.integers(0, 3), max_size=12), limit=st.integers(1, 5))
def test_pages_hold_every_trade_once_newest_first_and_end_without_an_empty_one(seconds: list[int], limit: int) -> None:
    # given trades, some of them in the same second
    world = ApiWorld()
    world.add("acc_1")
    for number, second in enumerate(seconds):
        world.trade("acc_1", f"t{number}", executed_at=from_rfc3339(f"2026-03-02T10:00:0{second}Z"))

    # when they are read page by page
    def read(before: str) -> tuple[list[str], str]:
        page = world.services.read_trades.run(ALICE, "acc_1", limit=limit, before=before)
        return [stored.entry.source_id for stored in page.trades], page.next_before

    pages = walk(read)

    # then
    by_time = sorted(range(len(seconds)), key=lambda number: (seconds[number], f"t{number}"), reverse=True)
    assert [one for page in pages for one in page] == [f"t{number}" for number in by_time]
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1] or not seconds


def test_a_trade_that_arrives_between_two_pages_moves_none_of_them() -> None:
    # given two trades, the newer of which was read
    world = ApiWorld()
    world.add("acc_1")
    for second in (1, 2):
        world.trade("acc_1", f"t{second}", executed_at=from_rfc3339(f"2026-03-02T10:00:0{second}Z"))
    first = world.services.read_trades.run(ALICE, "acc_1", limit=1)

    # when a newer one is stored before the second page is read
    world.trade("acc_1", "t3", executed_at=from_rfc3339("2026-03-02T10:00:03Z"))
    second = world.services.read_trades.run(ALICE, "acc_1", limit=1, before=first.next_before)

    # then
    assert [stored.entry.source_id for stored in first.trades] == ["t2"]
    assert [stored.entry.source_id for stored in second.trades] == ["t1"]


def test_the_log_is_the_feeds_newest_first_in_pages() -> None:
    # given five runs of the feed and one of another
    world = ApiWorld()
    world.add("acc_1")
    for number in range(5):
        world.runs.put(a_run(f"run_{number}"), 30)
    world.runs.put(a_run("run_9", feed_id="acc_2"), 30)

    # when
    def read(before: str) -> tuple[list[str], str]:
        page = world.services.read_runs.run(ALICE, "acc_1", limit=2, before=before)
        return [run.run_id for run in page.runs], page.next_before

    # then
    assert walk(read) == [["run_4", "run_3"], ["run_2", "run_1"], ["run_0"]]


def test_the_portfolio_has_each_section_as_it_was_stored_last() -> None:
    # given a balance of today, and positions of yesterday because today's could not be read
    world = ApiWorld()
    world.add("acc_1")
    balance = Balance(
        broker_account_id="001", currency="EUR", as_of=from_rfc3339("2026-03-02T10:00:00Z"), equity=Decimal("10.5")
    )
    flat = PositionsSection(broker_account_id="001", as_of=from_rfc3339("2026-03-01T22:00:00Z"))
    world.portfolios.put("acc_1", "run_2", balance=balance)
    world.portfolios.put("acc_1", "run_1", positions=flat)

    # when
    current = world.services.read_portfolio.run(ALICE, "acc_1")

    # then
    assert current == CurrentPortfolio(balance=balance, positions=flat)


@pytest.mark.parametrize("account_id", ["acc_bob", "acc_nobody"])
def test_i7_another_users_data_is_not_there(account_id: str) -> None:
    # given an account of bob's with a trade and a run
    world = ApiWorld()
    world.add("acc_bob", subject="bob")
    world.trade("acc_bob", "t1")
    world.runs.put(a_run("run_1", feed_id="acc_bob"), 30)

    # when alice asks for it, then there is no difference to an account that nobody has
    for read in (
        lambda: world.services.read_trades.run(ALICE, account_id, limit=5),
        lambda: world.services.read_runs.run(ALICE, account_id, limit=5),
        lambda: world.services.read_portfolio.run(ALICE, account_id),
    ):
        with pytest.raises(AccountNotFoundError):
            read()
