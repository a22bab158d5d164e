"""One job from lease to finish, over in-memory ports: leases, messages, continuations, events (I4, I11)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.feeds import Wanted
from brokersync.domain.pages import FetchStep
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.status import AccountStatus, derive
from brokersync.ports.brokers import FetchContext
from brokersync.ports.feeds import Finish
from tests.unit.services.steps import AT, a_world, fills
from tests.unit.services.world import Checkpoint, ComeBack, ScriptedBroker, World, a_manifest, a_page


def test_i4_a_feed_has_one_run_at_a_time() -> None:
    # Given a run in the middle of which another message for the feed arrives
    inner: list[object] = []

    def script(context: FetchContext) -> Iterator[FetchStep]:
        inner.append(world.sync())
        assert derive(world.feed, world.clock.now()).status is AccountStatus.SYNCING
        yield a_page(at=AT)
        yield Checkpoint(cursor="1")

    world = World(ScriptedBroker(a_manifest(), script))
    # Then the second finds nothing to do, and one run row is written
    world.sync()
    assert inner == [None]
    assert len(world.runs.newest("acc_1", limit=10)) == 1


def test_i4_a_worker_that_wakes_after_its_lease_writes_nothing_more() -> None:
    # Given a worker that sleeps past its lease while another one syncs the feed
    def script(context: FetchContext) -> Iterator[FetchStep]:
        if not woken:
            woken.append(True)
            yield a_page(*fills("1", price="1.1"), at=AT)
            world.clock.advance(seconds=400)
            assert world.sync() is not None
            yield Checkpoint(cursor="1")
        else:
            yield a_page(*fills("1", price="1.1"), *fills("2"), at=AT, extra=1)
            yield Checkpoint(cursor="2")

    woken: list[bool] = []
    world = World(ScriptedBroker(a_manifest(), script))
    # When it wakes and goes on
    assert world.sync() is None
    # Then cursor, trades and status are the later worker's; the sleeper's run is told as lost
    assert (world.feed.cursor, sorted(world.trades())) == ("2", ["1", "2"])
    outcomes = [(run.outcome, run.error_code) for run in world.runs.newest("acc_1", limit=10)]
    assert outcomes == [(Outcome.SUCCEEDED, None), (Outcome.FAILED, ErrorCode.WORKER_LOST)]
    assert derive(world.feed, world.clock.now()).status is AccountStatus.SYNCED


def test_i4_a_dead_workers_run_is_closed_and_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a worker that dies after storing trades, before its finish
    world = a_world([a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")])

    def dies(*_: object) -> None:
        raise SystemExit

    job = world.job()
    with monkeypatch.context() as patched:
        patched.setattr(world.runs, "put", dies)
        with pytest.raises(SystemExit):
            world.sync(job)
    assert derive(world.feed, world.clock.now()).status is AccountStatus.SYNCING
    # When the message comes again after the lease has run out
    world.clock.advance(seconds=360)
    report = world.sync(job)
    # Then the dead run is told as lost, the job is done, and the new data is announced once, with its full count
    assert report is not None
    assert report.run.outcome is Outcome.SUCCEEDED
    codes = [run.error_code for run in world.runs.newest("acc_1", limit=10)]
    assert codes == [None, ErrorCode.WORKER_LOST]
    news = [one.detail["new_entries"] for one in world.bus.sent if one.detail_type == "portfolio_update_requested"]
    assert news == [2]


def test_i11_losing_every_message_loses_no_work() -> None:
    # Given a queue that swallows everything, and a try that failed
    world = a_world(RetryLaterError(ErrorCode.TIMEOUT, "Slow."), [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    world.queue.lossy = True
    first = world.sync()
    # When only the schedule's ticks come, Then the owed job is done by the next one
    second = world.next_tick()
    assert first is not None
    assert second is not None
    assert (second.run.job_id, sorted(world.trades())) == (first.run.job_id, ["1"])


def test_i11_a_backlog_of_ticks_is_one_run() -> None:
    # Given 24 ticks that piled up
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    jobs = [world.job(tick=tick) for tick in range(world.job().tick - 24, world.job().tick)]  # type: ignore[operator]
    # When all their messages come, newest first, Then one runs
    done = [world.sync(job) for job in reversed(jobs)]
    assert [report is not None for report in done].count(True) == 1


def test_a_broker_that_prepares_its_answer_holds_no_worker() -> None:
    later = AT + timedelta(seconds=5)

    def script(context: FetchContext) -> Iterator[FetchStep]:
        if not context.state:
            yield ComeBack(at=later, state={"reference_code": "77"}, safe_message="The statement is being prepared.")
            return
        assert context.state == {"reference_code": "77"}
        yield a_page(*fills("1"), at=AT)
        yield Checkpoint(cursor="1")

    world = World(ScriptedBroker(a_manifest(), script))
    first = world.sync()
    assert first is not None
    assert (first.run.outcome, derive(world.feed, AT).badge) == (Outcome.DEFERRED, "Waiting until 10:30:05 UTC")
    wake, _, delay = world.queue.jobs[-1]
    world.clock.advance(seconds=delay)
    second = world.sync(wake)
    assert second is not None
    assert (second.run.outcome, second.run.job_id, world.feed.wanted) == (Outcome.SUCCEEDED, first.run.job_id, None)


def test_a_long_history_ends_cleanly_when_time_runs_short_and_goes_on() -> None:
    # Given five chunks of ten seconds each, and invocations of 40 seconds
    def script(context: FetchContext) -> Iterator[FetchStep]:
        for number in range(int(context.cursor or 0) + 1, 6):
            world.clock.advance(seconds=10)
            yield a_page(*fills(str(number)), at=AT, extra=number)
            yield Checkpoint(cursor=str(number))

    world = World(ScriptedBroker(a_manifest(), script))
    world.feeds.want("acc_1", Wanted(job_id="job_c", kind=RequestedBy.CONNECT, not_before=world.clock.now()))
    runs = 0
    while world.feed.wanted is not None:
        report = world.sync(world.job(requested_by=RequestedBy.CONNECT), seconds=40)
        assert report is not None
        assert report.run.job_id == "job_c"
        runs += 1
    # Then it took several runs of one job, each message on the backfill queue, and no trade is missing
    assert (runs, sorted(world.trades())) == (3, ["1", "2", "3", "4", "5"])
    assert len(world.queue.backfills) == 2
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_events_that_were_not_sent_are_sent_by_whoever_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a bus that was down at the end of a run
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    world.bus.down = True
    job = world.job()
    with pytest.raises(ConnectionError):
        world.sync(job)
    assert world.feed.outcome is Outcome.SUCCEEDED
    # When the message comes again and finds its tick served
    world.bus.down = False
    assert world.sync(job) is None
    # Then the event goes out, once
    assert [one.detail_type for one in world.bus.sent] == ["portfolio_update_requested"]
    assert world.feed.announce == ()


def test_a_request_that_comes_during_a_run_is_not_lost_by_its_finish() -> None:
    # Given a backfill that is asked for while a scheduled run goes on
    def script(context: FetchContext) -> Iterator[FetchStep]:
        if not asked:
            asked.append(
                world.feeds.want(
                    "acc_1", Wanted(job_id="job_b", kind=RequestedBy.BACKFILL, not_before=world.clock.now())
                )
            )
            world.clock.advance(seconds=1)
        yield a_page(at=AT)
        yield Checkpoint(cursor="1")

    asked: list[Wanted] = []
    world = World(ScriptedBroker(a_manifest(), script))
    world.clock.advance(seconds=1)
    world.sync()
    assert world.feed.wanted is not None
    assert world.feed.wanted.job_id == "job_b"


def test_finish_is_what_the_feed_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a finish whose answer is lost after it took effect, When it is repeated, Then nothing changes
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    finish, seen = world.feeds.finish, []

    def twice(lease: object, ending: Finish, feed: object) -> None:
        finish(lease, ending, feed)  # type: ignore[arg-type]
        seen.append(world.feed)
        finish(lease, ending, feed)  # type: ignore[arg-type]

    monkeypatch.setattr(world.feeds, "finish", twice)
    world.sync()
    assert replace(world.feed, announce=()) == replace(seen[0], announce=())


def test_i3_entries_whose_storing_was_never_confirmed_are_announced_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given an insert that takes effect though its answer is lost for good
    world = a_world([a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")])
    insert = world.ledger.insert

    def unconfirmed(*args: object) -> None:
        insert(*args)  # type: ignore[arg-type]
        raise ConnectionError("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(world.ledger, "insert", unconfirmed)
        world.sync()
    assert (world.feed.outcome, world.feed.news) == (Outcome.FAILED, 2)
    # When the next run finds them stored, Then it tells of them
    world.next_tick()
    news = [one.detail["new_entries"] for one in world.bus.sent if one.detail_type == "portfolio_update_requested"]
    assert (news, world.feed.news) == ([2], 0)


def test_a_run_that_has_all_is_done_though_its_time_is_nearly_up() -> None:
    # Given a last chunk that used up nearly all of the invocation
    def script(context: FetchContext) -> Iterator[FetchStep]:
        world.clock.advance(seconds=40)
        yield a_page(*fills("1"), at=AT)
        yield Checkpoint(cursor="1", last=True)

    world = World(ScriptedBroker(a_manifest(), script))
    report = world.sync()
    # Then nothing is owed for the sake of nothing
    assert report is not None
    assert (report.run.outcome, world.feed.wanted) == (Outcome.SUCCEEDED, None)
