"""A session that is about to be lost is counted while help can still come, and only then."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.manifests import TradingSession
from brokersync.domain.pages import Checkpoint
from brokersync.services.end_run import RunReport
from tests.unit.services.world import ScriptedBroker, World, a_manifest, a_page, serving

CHICAGO = TradingSession(zone="America/Chicago", weekdays=(0, 1, 2, 3, 4), closes=time(16), rolls=time(17))
CLOSE = datetime(2026, 3, 5, 22, tzinfo=UTC)  # a Thursday
DOWN = RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "The broker can't be reached.")
FORGETS = replace(a_manifest(), perishable=True, session=CHICAGO)


def at(world: World, minutes: int) -> RunReport:
    """The run of a tick so many minutes after the close."""
    world.clock.set(CLOSE + timedelta(minutes=minutes))
    report = world.sync()
    assert report is not None
    return report


@pytest.mark.parametrize(("minutes", "unsaved"), [(-10, False), (10, False), (40, True), (70, False)])
def test_a_failed_run_counts_in_the_second_half_of_the_time_that_is_left(minutes: int, unsaved: bool) -> None:
    world = World(ScriptedBroker(FORGETS, serving(DOWN)))
    assert at(world, minutes).unsaved is unsaved


def test_a_feed_that_was_fetched_since_the_close_has_nothing_to_lose() -> None:
    # given a feed that succeeded after the close
    page = [a_page({"id": "T1"}, at=CLOSE), Checkpoint(cursor="1", last=True)]
    world = World(ScriptedBroker(FORGETS, serving(page, DOWN)))
    assert not at(world, 5).unsaved
    # when it fails later
    late = at(world, 40)
    # then nothing is about to be lost
    assert late.run.error_code is ErrorCode.BROKER_UNAVAILABLE
    assert not late.unsaved


def test_a_broker_that_forgets_nothing_has_nothing_to_lose() -> None:
    world = World(ScriptedBroker(a_manifest(), serving(DOWN)))
    assert not at(world, 40).unsaved
