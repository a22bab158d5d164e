"""Answers that are the same as before: neither stored nor parsed, page by page."""

from dataclasses import replace
from datetime import timedelta

from brokersync.domain.feeds import FetchScope
from brokersync.domain.runs import Outcome
from brokersync.services.progress import MAX_HASHES
from tests.unit.services.steps import AT, a_world, fills
from tests.unit.services.world import Checkpoint, a_page


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


def test_of_several_pages_of_a_section_each_is_compared_with_its_own() -> None:
    # given a broker that serves one section in three pages, of which the second one changes
    def pages(second: str) -> list[object]:
        return [
            *(a_page(*fills(one), at=AT, page=number) for number, one in enumerate(["1", second, "3"])),
            Checkpoint(cursor="3"),
        ]

    world = a_world(pages("2"), pages("2"), pages("4"))
    world.sync()
    # when nothing has changed, then nothing is stored
    quiet = world.next_tick()
    assert quiet is not None
    assert (quiet.run.sections, quiet.run.snapshot_keys) == ({"trades": "unchanged"}, ())
    # when one page has, then that one is, and the section counts as stored
    report = world.next_tick()
    assert report is not None
    assert (report.run.sections, len(report.run.snapshot_keys)) == ({"trades": "stored"}, 1)
    assert sorted(world.trades()) == ["1", "2", "3", "4"]


def test_pages_of_several_accounts_are_told_apart_by_their_paths() -> None:
    # given two accounts, both flat, of which the second one opens and closes a position
    def pages(*, held: bool) -> list[object]:
        first = replace(a_page(at=AT, found=["U1", "U2"]), path="/accounts/U1")
        second = replace(a_page(*(fills("9") if held else []), at=AT, found=["U1", "U2"]), path="/accounts/U2")
        return [first, second, Checkpoint(cursor="1")]

    world = a_world(pages(held=False), pages(held=True), pages(held=False), scope=FetchScope.CONNECTION)
    kept = []
    for _ in range(3):
        report = world.next_tick()
        assert report is not None
        kept.append(len(report.run.snapshot_keys))
    # then its last answer is news, although the first account's is the same to the byte
    assert kept == [2, 1, 1]


def test_a_feed_remembers_so_many_pages_and_no_more() -> None:
    # given a broker that serves more pages than a feed has room for
    pages = [a_page(*fills(str(number)), at=AT, n=number) for number in range(MAX_HASHES + 5)]
    world = a_world([*pages, Checkpoint(cursor="9")])
    world.sync()
    assert len(world.feed.hashes) == MAX_HASHES
    # when it is synced again, then those it remembers are unchanged, and the others are stored anew
    report = world.next_tick()
    assert report is not None
    assert (len(report.run.snapshot_keys), len(world.feed.hashes)) == (5, MAX_HASHES)
