"""Rows that nobody understood: kept, told, read again first, and closed when the code has learned them (I5)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokersync.domain.coverage import MAX_HOLE_ROWS
from brokersync.domain.feeds import FetchScope
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.pages import RawPage
from brokersync.domain.runs import Outcome
from tests.unit.services.world import Checkpoint, ScriptedBroker, World, a_manifest, a_page, serving

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


def a_world(*steps: object, scope: FetchScope = FetchScope.ACCOUNT, uncited: tuple[str, ...] = ()) -> World:
    manifest = replace(a_manifest(scope=scope), uncited=uncited)
    return World(ScriptedBroker(manifest, serving(*steps)))  # type: ignore[arg-type]


def fills(*ids: str, **changes: object) -> list[dict[str, object]]:
    return [{"id": one, **changes} for one in ids]


def test_i5_a_hole_closes_with_the_first_run_of_code_that_understands_it() -> None:
    # given an answer with two rows that nobody understands, and later answers without them
    world = a_world(
        [a_page(*fills("1"), at=AT, odd=["r7", "r8"]), Checkpoint(cursor="1")],
        [a_page(at=AT, extra=1), Checkpoint(cursor="2")],
        [a_page(at=AT, extra=2), Checkpoint(cursor="3")],
    )
    world.sync()
    assert (world.feed.outcome, world.feed.coverage.of("acc_1").holes) == (Outcome.PARTIAL, 2)
    assert "2" in world.feed.safe_message
    # when new code understands one of them, then that trade is stored, and the other row is still told
    world.deploy("r7")
    world.next_tick()
    assert (sorted(world.trades()), world.feed.coverage.unread, world.feed.cursor) == (["1", "r7"], 1, "2")
    assert world.feed.outcome is Outcome.PARTIAL
    # when it understands both, then the feed is whole, by itself
    world.deploy("r7", "r8")
    world.next_tick()
    assert (sorted(world.trades()), world.feed.coverage.holes) == (["1", "r7", "r8"], ())
    assert world.feed.outcome is Outcome.SUCCEEDED
    # and the trade cites the answer that it came in
    origins = {one.entry.source_id: one.origin for one in world.ledger.newest("acc_1", limit=9)}
    assert origins["r8"] == origins["1"]


def test_a_hole_is_read_once_by_each_process_and_not_at_every_run() -> None:
    world = a_world([a_page(at=AT, odd=["r7"]), Checkpoint(cursor="1")], [a_page(at=AT, x=1), Checkpoint(cursor="2")])
    world.sync()
    world.next_tick()
    before = world.broker.normalised
    world.next_tick()
    assert world.broker.normalised == before
    world.deploy()
    world.next_tick()
    assert world.broker.normalised == before + 1


def test_i3_a_cursor_never_passes_a_hole_that_is_not_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a worker that dies after it has stored a chunk with a hole, in the middle of a run
    world = a_world(
        [
            a_page(*fills("1"), at=AT, odd=["r7"]),
            Checkpoint(cursor="1"),
            a_page(*fills("2"), at=AT),
            Checkpoint(cursor="2", last=True),
        ]
    )

    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(world.runs, "put", dies)
        with pytest.raises(SystemExit):
            world.sync()
    # then where the cursor is past it, the hole is there
    assert (world.feed.cursor, world.feed.coverage.unread) == ("1", 1)


def test_a_row_that_an_overlap_serves_again_is_one_hole() -> None:
    world = a_world(
        [a_page(*fills("1"), at=AT, odd=["r7"]), Checkpoint(cursor="1")],
        [a_page(*fills("1", "2"), at=AT, odd=["r7"]), Checkpoint(cursor="2")],
    )
    world.sync()
    world.next_tick()
    assert (len(world.feed.coverage.holes), world.feed.coverage.unread, world.feed.cursor) == (1, 1, "2")


def test_i3_with_too_many_holes_the_cursor_waits_and_what_comes_is_stored_all_the_same() -> None:
    # given an answer with more rows that nobody understands than a feed can keep in mind
    many = [f"r{number}" for number in range(MAX_HOLE_ROWS + 1)]
    world = a_world(
        [
            a_page(*fills("1"), at=AT, odd=many),
            Checkpoint(cursor="1"),
            a_page(*fills("2"), at=AT, section="more"),
            Checkpoint(cursor="2"),
        ]
    )
    world.sync()
    # then its trades are there, also those of the chunk after it, and it is asked for again
    assert (world.feed.cursor, sorted(world.trades()), world.feed.outcome) == ("", ["1", "2"], Outcome.PARTIAL)
    # and with code that understands them all is well
    world.deploy(*many)
    world.next_tick()
    assert (world.feed.cursor, len(world.trades()), world.feed.outcome) == ("2", len(many) + 2, Outcome.SUCCEEDED)


def test_i5_a_figure_that_was_not_understood_makes_the_run_partial_and_leaves_no_hole() -> None:
    # given a position that nobody understands, and later answers: the same one, then one without it
    odd = [a_page(at=AT, section="positions", odd=["SPX"]), Checkpoint(cursor="1")]
    world = a_world(odd, odd, [a_page(at=AT, section="positions"), Checkpoint(cursor="1")], uncited=("positions",))
    world.sync()
    assert (world.feed.outcome, world.feed.coverage.holes, world.feed.cursor) == (Outcome.PARTIAL, (), "1")
    # then it stays partial while it is told, although the answer is the same, and is whole when it is gone
    world.next_tick()
    assert world.feed.outcome is Outcome.PARTIAL
    world.next_tick()
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i5_a_row_that_would_be_no_entry_leaves_no_hole_wherever_it_stands() -> None:
    world = a_world(
        [a_page(at=AT, figures=["the query"]), Checkpoint(cursor="1")], [a_page(at=AT, x=1), Checkpoint(cursor="1")]
    )
    world.sync()
    assert (world.feed.outcome, world.feed.coverage.holes) == (Outcome.PARTIAL, ())
    world.next_tick()
    assert world.feed.outcome is Outcome.SUCCEEDED


def test_i7_a_hole_is_told_of_the_account_that_it_is_in() -> None:
    # given a feed of two accounts, and a row that says whose it is
    rows = [{"id": "1", "broker_account_id": "U1"}, {"id": "1", "broker_account_id": "U2"}]
    world = a_world(
        [a_page(*rows, at=AT, found=["U1", "U2"], odd=["r7"], of="U2"), Checkpoint(cursor="1")],
        scope=FetchScope.CONNECTION,
    )
    world.sync()
    holes = {number: world.feed.coverage.of(ours).holes for number, ours in world.feed.accounts.items()}
    assert holes == {"U1": 0, "U2": 1}


def replay(world: World) -> None:
    """An operator asks for it, and the feed's next run does it, then syncs."""
    assert world.feeds.request_load("acc_1", LoadRequest(kind=LoadKind.REPLAY, job_id="job_replay"))
    world.next_tick()
    while world.feed.wanted is not None:
        world.sync()


def test_a_replay_reads_all_that_is_kept_and_stores_what_is_new_once() -> None:
    # given three runs with rows that were not understood
    world = a_world(
        [a_page(*fills("1"), at=AT, odd=["r1"]), Checkpoint(cursor="1")],
        [a_page(*fills("2"), at=AT, odd=["r2"]), Checkpoint(cursor="2")],
        [a_page(*fills("3"), at=AT), Checkpoint(cursor="3")],
    )
    for _ in range(3):
        world.next_tick()
    # when new code replays them, twice
    world.broker.learned = frozenset({"r1", "r2"})
    replay(world)
    replay(world)
    # then all is there once, the holes are closed, and the feed stands where it stood
    assert sorted(world.trades()) == ["1", "2", "3", "r1", "r2"]
    assert (world.feed.coverage.holes, world.feed.load, world.feed.load_request) == ((), None, None)
    assert (world.feed.cursor, world.feed.outcome) == ("3", Outcome.SUCCEEDED)
    assert all(stored.version == 1 for stored in world.ledger.newest("acc_1", limit=99))


def test_i9_a_replay_never_brings_back_what_the_broker_has_corrected_since() -> None:
    # given a trade that the broker corrected
    world = a_world(
        [a_page(*fills("1", price="1.10"), at=AT), Checkpoint(cursor="1")],
        [a_page(*fills("1", price="1.20"), at=AT), Checkpoint(cursor="1")],
    )
    world.next_tick()
    world.next_tick()
    # when both answers are read again
    replay(world)
    # then its present version is the later one
    versions = world.ledger.versions("acc_1", "1")
    assert [getattr(one.entry, "price", None) for one in versions] == [Decimal("1.10"), Decimal("1.20")]


def test_i9_what_we_read_amiss_becomes_a_version_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a trade that was read with a wrong currency
    world = a_world([a_page(*fills("1"), at=AT), Checkpoint(cursor="1")])
    world.sync()
    # when code that reads it right replays the answer
    normalise = world.broker.normalise

    def reads_right(*args: object) -> object:
        said = normalise(*args)  # type: ignore[arg-type]
        said.executions = [replace(one, currency="EUR") for one in said.executions]
        return said

    monkeypatch.setattr(world.broker, "normalise", reads_right)
    replay(world)
    # then the version says that it was our reading, and the first one stays readable
    versions = world.ledger.versions("acc_1", "1")
    told = [(one.version_reason, getattr(one.entry, "currency", None)) for one in versions]
    assert told == [("", "USD"), ("reread", "EUR")]


def test_a_replay_takes_as_many_runs_as_it_needs_and_can_be_cancelled() -> None:
    # given five kept runs, and a normalisation that takes ten seconds
    steps = [[a_page(*fills(str(n)), at=AT, n=n), Checkpoint(cursor=str(n))] for n in range(5)]
    world = a_world(*steps)
    for _ in range(5):
        world.next_tick()
    normalise = world.broker.normalise

    def slow(*args: object) -> object:
        world.clock.advance(seconds=10)
        return normalise(*args)  # type: ignore[arg-type]

    world.broker.normalise = slow  # type: ignore[method-assign]
    world.feeds.request_load("acc_1", LoadRequest(kind=LoadKind.REPLAY, job_id="job_replay"))
    world.clock.advance(minutes=15)
    # when the first run has ended, then it says how far it is, and a later one goes on there
    world.sync(seconds=40)
    assert world.feed.load is not None
    assert (world.feed.load.kind, world.feed.load.chunks) == (LoadKind.REPLAY, 2)
    # when it is cancelled, then no more is read
    world.feeds.cancel_load("acc_1")
    world.sync(seconds=40)
    assert (world.feed.load, world.feed.outcome, world.feed.cursor) == (None, Outcome.SUCCEEDED, "4")


def test_an_account_that_is_found_later_is_covered_from_then_on() -> None:
    window = {"covered_to": AT}
    first = {"covered_from": AT - timedelta(days=90), **window}
    later = {"covered_from": AT - timedelta(days=7), **window}
    world = a_world(
        [a_page({"id": "1", "broker_account_id": "U1"}, at=AT, found=["U1"]), Checkpoint(cursor="1", **first)],
        [a_page({"id": "1", "broker_account_id": "U2"}, at=AT, found=["U1", "U2"]), Checkpoint(cursor="2", **later)],
        scope=FetchScope.CONNECTION,
    )
    world.sync()
    world.next_tick()
    starts = {number: world.feed.coverage.of(ours).start for number, ours in world.feed.accounts.items()}
    assert starts == {"U1": AT - timedelta(days=90), "U2": AT - timedelta(days=7)}


def test_i7_an_old_answer_that_crashes_our_code_does_not_stop_the_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a hole whose answer new code crashes on
    world = a_world([a_page(at=AT, odd=["r7"]), Checkpoint(cursor="1")], [a_page(at=AT, x=1), Checkpoint(cursor="2")])
    world.sync()
    world.deploy()
    normalise = world.broker.normalise

    def crashes(pages: list[RawPage], accounts: object) -> object:
        if b"r7" in pages[0].body:
            raise ZeroDivisionError
        return normalise(pages, accounts)  # type: ignore[arg-type]

    monkeypatch.setattr(world.broker, "normalise", crashes)
    # when the feed is synced, then what is new comes, and the hole stays
    world.next_tick()
    assert (world.feed.cursor, world.feed.coverage.unread, world.feed.outcome) == ("2", 1, Outcome.PARTIAL)
