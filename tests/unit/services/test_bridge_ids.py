"""A broker that changes its ids, through the whole engine: nothing is doubled, nothing is guessed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome
from tests.unit.services.world import Checkpoint, ScriptedBroker, World, a_manifest, a_page, serving

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)
COMPLETE = Checkpoint(cursor="3", covered_from=AT - DAY, covered_to=AT + DAY)


def a_world(*steps: object) -> World:
    manifest = replace(a_manifest(overlap=timedelta(days=14)), reissues_ids=True)
    return World(ScriptedBroker(manifest, serving(*steps)))  # type: ignore[arg-type]


def fills(*ids: str, **changes: object) -> list[dict[str, object]]:
    return [{"id": one, **changes} for one in ids]


def test_i2_trades_under_new_ids_are_stored_once() -> None:
    # given three trades, two of them equal, that come again under new ids beside a new one
    world = a_world(
        [a_page(*fills("1", "2"), *fills("3", symbol="X"), at=AT), COMPLETE],
        [a_page(*fills("n2", "n1"), *fills("n3", symbol="X"), *fills("4", symbol="Y"), at=AT), COMPLETE],
        [a_page(*fills("n2", "n1"), *fills("n3", symbol="X"), *fills("4", symbol="Y"), at=AT, again=1), COMPLETE],
    )
    # when the feed is synced
    world.sync()
    second, third = world.next_tick(), world.next_tick()
    # then only the new one is added, and what comes again after that is known
    assert sorted(world.trades()) == ["1", "2", "3", "4"]
    assert second is not None
    assert (second.run.outcome, second.run.stats.inserted, second.run.stats.duplicates) == (Outcome.SUCCEEDED, 1, 3)
    assert third is not None
    assert (third.run.stats.inserted, third.run.stats.duplicates, third.run.stats.corrections) == (0, 4, 0)


def test_i2_losing_the_filter_doubles_nothing() -> None:
    # given trades that came under new ids
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), COMPLETE],
        [a_page(*fills("n1", "n2"), at=AT), COMPLETE],
        [a_page(*fills("n1", "n2", "5"), at=AT), COMPLETE],
    )
    world.sync()
    world.next_tick()
    # when the filter of known trades is lost, and an equal one follows
    world.known.forget("acc_1")
    world.next_tick()
    # then it is the only one that is added: the ledger knows the later ids
    assert sorted(world.trades()) == ["1", "2", "5"]


@pytest.mark.parametrize("dies_at", ["put_aliases", "insert"])
def test_i2_a_worker_that_dies_among_changed_ids_is_repeated_without_harm(
    dies_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given trades that come under new ids beside a new one, and a worker that dies before or after writing those down
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), COMPLETE],
        [a_page(*fills("n1", "n2"), *fills("4", symbol="Y"), at=AT), COMPLETE],
    )
    world.sync()
    with monkeypatch.context() as broken:
        broken.setattr(world.ledger, dies_at, _die)
        world.next_tick()
    assert sorted(world.trades()) == ["1", "2"]
    # when another one does it again
    report = world.next_tick()
    # then everything is there once
    assert report is not None
    assert report.run.outcome is Outcome.SUCCEEDED
    assert sorted(world.trades()) == ["1", "2", "4"]
    assert [one.aliases for one in world.ledger.between("acc_1", AT - DAY, AT + DAY)] == [("n1",), ("n2",), ()]


def _die(*_arguments: object) -> None:
    raise RuntimeError("the worker dies here")


def test_i9_a_correction_under_a_new_id_is_a_version() -> None:
    # given a trade that came under a new id
    world = a_world(
        [a_page(*fills("1"), at=AT), COMPLETE],
        [a_page(*fills("n1"), at=AT), COMPLETE],
        [a_page(*fills("n1", price="2.5"), at=AT), COMPLETE],
    )
    world.sync()
    world.next_tick()
    # when it is corrected under that id
    report = world.next_tick()
    # then the trade that is held has a new version
    assert [one.version for one in world.ledger.versions("acc_1", "1")] == [1, 2]
    assert report is not None
    assert (report.run.stats.inserted, report.run.stats.corrections) == (0, 1)


def test_i2_a_different_number_of_equal_trades_is_for_a_person() -> None:
    # given two equal trades, of which three come under new ids, and a new one beside them
    world = a_world(
        [a_page(*fills("1", "2"), at=AT), COMPLETE],
        [a_page(*fills("n1", "n2", "n3"), *fills("4", symbol="Y"), at=AT), Checkpoint(cursor="9")],
    )
    world.sync()
    # when the feed is synced
    report = world.next_tick()
    # then nothing is changed, the cursor waits, and the trader is told what differs
    assert report is not None
    assert (report.run.outcome, report.run.error_code) == (Outcome.NEEDS_REVIEW, ErrorCode.HISTORY_CHANGED)
    assert "3 times what it told twice before: buy 100 EUR_USD" in report.run.safe_message
    assert (sorted(world.trades()), world.feed.cursor) == (["1", "2"], "3")


def test_i5_an_answer_with_a_missing_section_proves_nothing() -> None:
    # given a trade, and an answer that lacks a section
    world = a_world(
        [a_page(*fills("1"), *fills("2", symbol="X"), at=AT), COMPLETE],
        [a_page(*fills("n1"), at=AT, missing=["trades"]), COMPLETE],
    )
    world.sync()
    # when the feed is synced
    report = world.next_tick()
    # then what isn't there is not missed, and what is there is recognised
    assert report is not None
    assert report.run.outcome is Outcome.PARTIAL
    assert sorted(world.trades()) == ["1", "2"]
