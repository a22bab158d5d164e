"""Messages that never come, come twice, or come in any order: the table knows what is owed (I11)."""

import random
import time
from collections.abc import Sequence

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.status import AccountStatus, derive
from local.simulators.faults import Fault
from tests.chaos.arena import INTERVAL, Arena, OandaTrader
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Delivery, Fleet

pytestmark = pytest.mark.stack

SEED = 5


def deliver(fleet: Fleet, arena: Arena, jobs: Sequence[SyncJob]) -> list[str]:
    """Deliver each job once; returns the outcomes of the runs."""
    reports = fleet.deliver([Delivery(job) for job in jobs], random.Random(SEED), arena.clock.ahead)
    assert not [one for report in reports for one in report.failed]
    return sorted(outcome for report in reports for outcome in report.outcomes)


def up_to_date(arena: Arena, fleet: Fleet, count: int) -> Sequence[OandaTrader]:
    """New traders whose first syncs are done."""
    traders = arena.connect(count)
    assert deliver(fleet, arena, [arena.due_job(trader) for trader in traders]) == ["succeeded"] * count
    return traders


def test_i11_scheduled_messages_that_are_all_lost_are_repaired_by_the_next_ticks(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    begun = time.monotonic()
    # given accounts of which nothing is synced yet, and some with a sync long ago
    fresh, known = arena.connect(6), up_to_date(arena, eight_workers, 6)
    traders = [*fresh, *known]
    for trader in known:
        arena.world.trade(trader.spec.account, count=3)
    # when the messages of three intervals are sent and lost
    lost = sum(len(arena.tick_after(INTERVAL, traders)) for _ in range(3))
    assert lost == 3 * len(traders)
    # then one interval whose messages arrive brings everybody up to date, with one run each
    assert deliver(eight_workers, arena, arena.tick_after(INTERVAL, traders)) == ["succeeded"] * len(traders)
    assert not [problem for trader in traders for problem in arena.problems(trader)]
    # and the first sync of those who had just connected is told under the job that they were promised
    assert [run.requested_by for trader in fresh for run in arena.runs(trader)] == [RequestedBy.CONNECT] * 6
    seconds = time.monotonic() - begun
    tell(f"lost: {lost + 6} messages of {len(traders)} feeds; one interval repaired all ({seconds:.1f} s)")


def test_i11_a_request_whose_message_is_lost_is_served_though_auto_sync_is_off(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    # given accounts that are not synced by schedule
    traders = up_to_date(arena, eight_workers, 3)
    for trader in traders:
        arena.switch_auto_sync_off(trader)
        arena.world.trade(trader.spec.account, count=2)
    assert arena.tick_after(INTERVAL, traders) == []
    # when their traders ask for a sync, and the messages are lost
    asked = {trader.feed_id: arena.ask(trader).job_id for trader in traders}
    arena.lose_messages()
    # then the next ticks find them, and the promised jobs are done
    assert deliver(eight_workers, arena, arena.tick_after(INTERVAL, traders)) == ["succeeded"] * 3
    assert not [problem for trader in traders for problem in arena.problems(trader)]
    last = {trader.feed_id: arena.runs(trader)[-1] for trader in traders}
    assert {feed_id: run.job_id for feed_id, run in last.items()} == asked
    assert {run.requested_by for run in last.values()} == {RequestedBy.MANUAL}
    # and after that they are left alone again
    assert arena.tick_after(INTERVAL, traders) == []
    tell(f"lost: {len(asked)} requests with auto-sync off; the next ticks served them under their job ids")


def test_i11_a_retry_whose_message_is_lost_is_made_by_the_next_tick(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    # given accounts whose broker sends them away for a minute
    traders = up_to_date(arena, eight_workers, 3)
    for trader in traders:
        arena.world.trade(trader.spec.account, count=2)
        arena.control.faults.add(Fault(path="/summary", token=trader.spec.token, status=503, retry_after=60))
    jobs = arena.tick_after(INTERVAL, traders)
    assert deliver(eight_workers, arena, jobs) == ["failed"] * 3
    told = [derive(arena.feed(trader), arena.clock.now()) for trader in traders]
    assert {status.status for status in told} == {AccountStatus.PENDING}
    # when the messages that should wake the retries are lost
    arena.lose_messages()
    # then the next ticks make them, under the job that failed
    assert deliver(eight_workers, arena, arena.tick_after(INTERVAL, traders)) == ["succeeded"] * 3
    assert not [problem for trader in traders for problem in arena.problems(trader)]
    for job in jobs:
        first, again = arena.stored.runs(job.feed_id)[-2:]
        assert (first.outcome, first.error_code) == (Outcome.FAILED, ErrorCode.BROKER_UNAVAILABLE)
        assert {first.job_id, again.job_id} == {job.job_id}
        assert again.requested_by is RequestedBy.RETRY
    tell(f"lost: {len(traders)} retries; the next ticks made them under their job ids")


def test_i11_ticks_that_come_twice_and_in_any_order_bring_one_run_for_the_newest(
    arena: Arena, eight_workers: Fleet, tell: Tell
) -> None:
    rng = random.Random(SEED)
    # given accounts, and a backlog of six intervals' ticks, each of them twice
    traders = up_to_date(arena, eight_workers, 8)
    backlog = [job for _ in range(6) for job in arena.tick_after(INTERVAL, traders)] * 2
    assert len(backlog) == 2 * 6 * len(traders)
    for trader in traders:
        arena.world.trade(trader.spec.account, count=2)
    rng.shuffle(backlog)
    before = {trader.feed_id: len(arena.runs(trader)) for trader in traders}
    # when it arrives in any order, some of it while the feeds are at work and some of it after that
    third = len(backlog) // 3
    waves = [backlog[at : at + third] for at in range(0, len(backlog), third)]
    outcomes = [outcome for wave in waves for outcome in deliver(eight_workers, arena, wave)]
    # then each feed was run once, for all of its ticks
    assert outcomes == ["succeeded"] * len(traders)
    assert {trader.feed_id: len(arena.runs(trader)) - 1 for trader in traders} == before
    assert not [problem for trader in traders for problem in arena.problems(trader)]
    tell(f"late: {len(backlog)} doubled and shuffled ticks of {len(traders)} feeds were {len(outcomes)} runs")
