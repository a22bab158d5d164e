"""One job from lease to finish, over in-memory ports: the invariants that the engine itself keeps."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.domain.feeds import FetchScope, Wanted
from brokersync.domain.pages import FetchStep
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.status import AccountStatus, derive
from brokersync.ports.brokers import FetchContext
from brokersync.ports.feeds import Finish
from tests.unit.services.world import (
    Checkpoint,
    ComeBack,
    ScriptedBroker,
    World,
    a_manifest,
    a_page,
    serving,
)

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def a_world(*steps: object, overlap: timedelta = timedelta(0), scope: FetchScope = FetchScope.ACCOUNT) -> World:
    return World(ScriptedBroker(a_manifest(overlap=overlap, scope=scope), serving(*steps)))  # type: ignore[arg-type]


def fills(*ids: str, **changes: object) -> list[dict[str, object]]:
    return [{"id": one, **changes} for one in ids]


def test_i1_an_answer_that_nobody_can_read_is_kept_and_moves_nothing() -> None:
    # Given a broker that answers rubbish
    rubbish = replace(a_page(at=AT), body=b"<html>busy</html>")
    world = a_world([rubbish, Checkpoint(cursor="9")])
    # When the feed is synced
    report = world.sync()
    # Then the bytes are in the snapshot, the run failed with a code, and the cursor stands
    assert [page.body for page in world.snapshots.pages.values()] == [b"<html>busy</html>"]
    assert report is not None
    assert (report.run.outcome, report.run.error_code) == (Outcome.FAILED, ErrorCode.UNEXPECTED_ANSWER)
    assert report.run.snapshot_keys == tuple(world.snapshots.pages)
    assert (world.feed.cursor, world.trades()) == ("", {})


def test_i1_a_page_is_stored_before_the_fetch_goes_on() -> None:
    # Given a broker whose second request fails
    seen: list[int] = []

    def script(context: FetchContext) -> Iterator[FetchStep]:
        yield a_page(*fills("1"), at=AT)
        seen.append(len(world.snapshots.pages))
        raise RetryLaterError(ErrorCode.TIMEOUT, "The broker was too slow.")

    world = World(ScriptedBroker(a_manifest(), script))
    # When it is synced, Then the first answer was in the store before the second request was made
    world.sync()
    assert seen == [1]
    assert len(world.snapshots.pages) == 1


def test_i2_the_same_answer_twice_stores_each_trade_once() -> None:
    # Given a broker that serves the same three trades in answers that differ elsewhere
    world = a_world(
        [a_page(*fills("1", "2", "3"), at=AT), Checkpoint(cursor="3")],
        [a_page(*fills("1", "2", "3"), at=AT, extra=1), Checkpoint(cursor="3")],
    )
    first, second = world.sync(), world.next_tick()
    # Then the second run inserts nothing and counts them as known
    assert first is not None
    assert second is not None
    assert (first.run.stats.inserted, second.run.stats.inserted, second.run.stats.duplicates) == (3, 0, 3)
    assert sorted(world.trades()) == ["1", "2", "3"]


def test_i2_equal_fills_with_different_ids_are_two_trades() -> None:
    world = a_world([a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")])
    world.sync()
    assert len(world.trades()) == 2


def test_an_unchanged_answer_is_neither_stored_nor_parsed_again() -> None:
    # Given a broker with no news
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    world.sync()
    snapshots, parsed = len(world.snapshots.pages), world.broker.normalised
    # When it is synced again, Then the run succeeds without a snapshot and without parsing
    report = world.next_tick()
    assert report is not None
    assert (report.run.outcome, report.run.sections) == (Outcome.SUCCEEDED, {"trades": "unchanged"})
    assert (len(world.snapshots.pages), world.broker.normalised) == (snapshots, parsed)
    assert report.run.snapshot_keys == ()


def test_an_unchanged_answer_is_stored_anew_before_its_snapshot_expires() -> None:
    world = a_world(
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")],
        [a_page(*fills("1"), at=AT + timedelta(days=16)), Checkpoint(cursor="1")],
    )
    world.sync()
    world.next_tick()
    assert len(world.snapshots.pages) == 2


def test_i3_the_cursor_stays_when_storing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a ledger that can't be written
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])

    def down(*_: object) -> None:
        raise ConnectionError("no ledger")

    with monkeypatch.context() as patched:
        patched.setattr(world.ledger, "insert", down)
        report = world.sync()
    # Then the run failed, its message comes back, nothing is claimed
    assert report is not None
    assert (report.redeliver, report.run.error_code, world.feed.cursor) == (True, ErrorCode.INTERNAL, "")
    assert world.feed.hashes == {}
    # When the ledger is back, Then the next run stores it
    world.next_tick()
    assert (sorted(world.trades()), world.feed.cursor) == (["1"], "1")


def test_i3_the_cursor_is_what_the_broker_served_chunk_by_chunk() -> None:
    # Given a history in three chunks whose third fails
    def script(context: FetchContext) -> Iterator[FetchStep]:
        start = int(context.cursor or 0)
        for number in range(start + 1, start + 3):
            yield a_page(*fills(str(number)), at=AT, extra=number)
            yield Checkpoint(cursor=str(number))
        raise RetryLaterError(ErrorCode.TIMEOUT, "The broker was too slow.")

    world = World(ScriptedBroker(a_manifest(), script))
    # When it is synced twice, Then each run goes on where the one before got to
    world.sync()
    assert world.feed.cursor == "2"
    world.clock.advance(minutes=2)
    world.sync()
    assert (world.feed.cursor, sorted(world.trades())) == ("4", ["1", "2", "3", "4"])


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


def test_i5_a_missing_section_is_partial_and_the_cursor_waits_for_it() -> None:
    world = a_world(
        [a_page(*fills("1"), at=AT, missing=["positions"]), Checkpoint(cursor="1")],
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")],
    )
    # Given an answer without positions, Then what came is stored, the badge says partly, the cursor waits
    world.sync()
    assert (world.feed.outcome, world.feed.cursor, sorted(world.trades())) == (Outcome.PARTIAL, "", ["1"])
    assert "positions" in world.feed.safe_message
    # When the next answer is whole, Then it is green again
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.SUCCEEDED, "1")


def test_i5_a_row_that_is_not_understood_is_not_forgotten_by_the_next_green_answer() -> None:
    world = a_world(
        [a_page(*fills("1"), at=AT, odd=["row 7"]), Checkpoint(cursor="1")],
        [a_page(at=AT, extra=1), Checkpoint(cursor="2")],
    )
    world.sync()
    assert world.feed.outcome is Outcome.PARTIAL
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.PARTIAL, "2")


def test_i5_an_empty_answer_where_there_was_history_needs_review() -> None:
    # Given stored trades of days that the broker re-serves as empty
    window = {"covered_from": datetime(2026, 2, 25, tzinfo=UTC), "covered_to": AT}
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="day1", **window)],  # type: ignore[arg-type]
        [a_page(at=AT, extra=1), Checkpoint(cursor="day2", **window)],  # type: ignore[arg-type]
        overlap=WEEK,
    )
    world.sync()
    world.next_tick()
    # Then nobody is told that all is well, nothing is removed, the cursor stays and the schedule goes on
    assert (world.feed.outcome, world.feed.error_code) == (Outcome.NEEDS_REVIEW, ErrorCode.EMPTY_WHERE_HISTORY)
    assert (world.feed.cursor, len(world.trades()), world.feed.on_wheel()) == ("day1", 2, True)
    assert [one.detail_type for one in world.bus.sent][-1] == "account_needs_review"


def test_i5_a_quiet_week_is_no_contradiction() -> None:
    # Given trades from before the window, When the window is empty, Then that is simply no news
    later = {"covered_from": datetime(2026, 3, 3, tzinfo=UTC), "covered_to": datetime(2026, 3, 10, tzinfo=UTC)}
    world = a_world(
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="day1")],
        [a_page(at=AT, extra=1), Checkpoint(cursor="day2", **later)],  # type: ignore[arg-type]
        overlap=WEEK,
    )
    world.sync()
    world.next_tick()
    assert (world.feed.outcome, world.feed.cursor) == (Outcome.SUCCEEDED, "day2")


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


def test_i2_losing_the_filter_of_known_trades_costs_writes_and_nothing_else() -> None:
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), Checkpoint(cursor="2")],
        [a_page(*fills("1", "2", "3"), at=AT), Checkpoint(cursor="3")],
        overlap=WEEK,
    )
    world.sync()
    world.known.forget("acc_1")
    world.next_tick()
    assert sorted(world.trades()) == ["1", "2", "3"]
    assert all(stored.version == 1 for stored in world.ledger.newest("acc_1", limit=9))


def test_i10_a_failed_sync_is_tried_again_by_itself_and_heals() -> None:
    down = RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "The broker is down.")
    world = a_world(down, [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    # Given a first try that fails, Then a message is sent that wakes the retry, with the same job
    first = world.sync()
    assert first is not None
    (wake, user, delay) = world.queue.jobs[-1]
    assert (wake.job_id, user, delay) == (first.run.job_id, "user", 61)
    assert derive(world.feed, world.clock.now()).badge.startswith("Trying again at")
    # When its time comes, Then it is done, and the recovery is told
    world.clock.advance(seconds=61)
    second = world.sync(wake)
    assert second is not None
    assert (second.run.job_id, second.run.outcome) == (first.run.job_id, Outcome.SUCCEEDED)
    assert second.recovery_seconds == 61
    assert "sync_job_recovered" in [one.detail_type for one in world.bus.sent]


def test_i10_a_scheduled_tick_does_not_cut_a_retrys_wait_short() -> None:
    world = a_world(RetryLaterError(ErrorCode.TIMEOUT, "Slow.", not_before=AT + timedelta(minutes=40)))
    world.sync()
    assert world.next_tick() is None
    assert len(world.runs.newest("acc_1", limit=9)) == 1


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


def test_i10_a_refused_credential_takes_the_feed_off_the_wheel_and_asks_for_a_new_one() -> None:
    world = a_world(UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "The broker refused the token."))
    world.sync()
    assert (world.feed.on_wheel(), world.connections.reconnects) == (False, {"con_1"})
    assert [one.detail_type for one in world.bus.sent] == ["connection_reauth_required"]
    assert world.next_tick() is None


def test_i5_a_connection_that_could_not_be_marked_is_marked_when_the_message_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a worker that ended after the finish, before it could mark the connection
    world = a_world(UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "The broker refused the token."))
    job = world.job()
    with monkeypatch.context() as dying:
        dying.setattr(world.connections, "require_reconnect", dies)
        with pytest.raises(ConnectionError):
            world.sync(job)
    assert (world.feed.runnable, world.connections.reconnects) == (False, set())
    # When its message comes again, Then nobody is asked, and the connection is marked
    assert world.sync(job) is None
    assert world.connections.reconnects == {"con_1"}


def dies(*_: object) -> None:
    raise ConnectionError


def test_an_incomplete_set_up_is_asked_again_by_the_schedule_and_needs_no_new_credential() -> None:
    world = a_world(
        UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, "Select the section Trades."),
        [a_page(*fills("1"), at=AT), Checkpoint(cursor="1")],
    )
    world.sync()
    assert (world.feed.on_wheel(), world.connections.reconnects) == (True, set())
    world.next_tick()
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i7_one_poison_message_per_failure_streak_comes_back() -> None:
    world = a_world(BrokerChangedError("The answer was not understood."))
    first = world.job()
    reports = [world.sync(first), world.next_tick()]
    world.clock.advance(minutes=1)
    reports.append(world.sync(first))
    assert [report is not None and report.redeliver for report in reports] == [True, False, True]


def test_i10_a_first_sync_that_keeps_failing_has_one_message_and_its_redelivery_always_finds_work() -> None:
    # Given a first sync that fails through a change at the broker
    world = a_world(BrokerChangedError("The answer was not understood."))
    world.feeds.want("acc_1", Wanted(job_id="job_connect", kind=RequestedBy.CONNECT, not_before=world.clock.now()))
    first = world.job(requested_by=RequestedBy.CONNECT).model_copy(update={"job_id": "job_connect"})
    reports = [world.sync(first)]
    # When ticks between its redeliveries fail too, until the tries kept for it are used up
    while world.feed.wanted is not None:
        world.next_tick()
    reports.append(world.sync(first))
    # Then its message comes back all the same, and nobody sent a second one
    assert [report is not None and report.redeliver for report in reports] == [True, True]
    assert world.queue.jobs == []


def test_i10_log_lines_of_a_run_name_the_job_that_it_serves(caplog: pytest.LogCaptureFixture) -> None:
    # Given a request that a scheduled tick's message wakes
    world = a_world(BrokerChangedError("The answer was not understood.", detail="row 3 has no id"))
    world.feeds.want("acc_1", Wanted(job_id="job_manual", kind=RequestedBy.MANUAL, not_before=world.clock.now()))
    # When its run fails
    with caplog.at_level(logging.INFO):
        report = world.sync(job := world.job())
    assert report is not None
    # Then every line leads to it, the first one also from the message, and one says what went wrong
    lines = [vars(record) for record in caplog.records]
    assert [line["message"] for line in lines] == ["sync_job_started", "sync_job_problem", "sync_job_failed"]
    assert {(line["job_id"], line["feed_id"], line["run_id"]) for line in lines} == {
        ("job_manual", "acc_1", report.run.run_id)
    }
    assert lines[0]["message_job_id"] == job.job_id
    assert (lines[1]["error_code"], lines[1]["detail"]) == ("unexpected_answer", "row 3 has no id")


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


def test_accounts_that_a_statement_lists_are_found_once_and_kept_apart() -> None:
    rows = [{"id": "1", "broker_account_id": "U1"}, {"id": "1", "broker_account_id": "U2"}]
    statement = a_page(*rows, at=AT, found=["U1", "U2"])
    world = a_world([statement, Checkpoint(cursor="1")], scope=FetchScope.CONNECTION)
    world.sync()
    assert sorted(world.feed.accounts) == ["U1", "U2"]
    mine = world.accounts.of_user("user")
    assert {(one.broker_account_id, one.feed_id, one.currency) for one in mine} == {
        ("U1", "acc_1", "USD"),
        ("U2", "acc_1", "USD"),
    }
    for account_id in world.feed.accounts.values():
        assert len(world.ledger.newest(account_id, limit=9)) == 1


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


def test_i10_the_last_retry_is_woken_in_time_though_a_queue_holds_no_message_longer() -> None:
    world = a_world(RetryLaterError(ErrorCode.TIMEOUT, "Slow."))
    job = world.job()
    for _ in range(3):
        world.sync(job)
        job, _, delay = world.queue.jobs[-1]
        world.clock.advance(seconds=delay)
    # Then the third retry, after the 15 minutes that are the longest delay of a message, finds its work due
    assert delay == 900
    report = world.sync(job)
    assert report is not None
    assert world.feed.wanted is None
