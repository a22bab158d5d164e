"""Feeds: long loads, asked for and taken back by others while a worker is at it (I11)."""

from dataclasses import replace

import pytest

from brokersync.domain.coverage import Coverage
from brokersync.domain.loads import Load, LoadKind, LoadRequest
from tests.contract import made
from tests.contract.conftest import World


def test_i11_a_load_is_asked_for_once_and_ended_by_the_finish_of_its_own_job(world: World):
    # given a feed of which somebody wants older history, and a worker that serves it
    held = world.held()
    asked = LoadRequest(kind=LoadKind.BACKFILL, job_id="job_load", start=made.after(days=-900))
    assert world.feeds.request_load("acc_1", asked)
    # when it is asked again after a lost answer, then nothing is doubled; another request finds it taken
    assert world.feeds.request_load("acc_1", asked)
    assert not world.feeds.request_load("acc_1", replace(asked, job_id="job_other"))
    # and between two chunks the worker sees that it is still wanted
    load = Load.begin(asked, resume="77")
    assert world.feeds.advance(held.lease, "1", Coverage(), load) == asked
    # when a run of another job ends, then the load stays; when its own does, both are gone
    world.feeds.finish(held.lease, made.finish(load=load, ends_load="job_0"), held.feed)
    assert (world.stored().load_request, world.stored().load) == (asked, load)
    again = world.acquire("worker_2", job=made.job(tick=made.TICK + 15))
    world.feeds.finish(again.lease, made.finish(ends_load="job_load"), again.feed)
    assert (world.stored().load_request, world.stored().load) == (None, None)


def test_a_load_that_is_taken_back_during_its_run_is_not_there_for_the_next_chunk(world: World):
    # given a load that goes on
    held = world.held()
    asked = LoadRequest(kind=LoadKind.BACKFILL, job_id="job_load")
    world.feeds.request_load("acc_1", asked)
    # when it is cancelled, twice
    world.feeds.cancel_load("acc_1")
    world.feeds.cancel_load("acc_1")
    # then the worker sees it, and its finish ends what is there no more
    assert world.feeds.advance(held.lease, "2", Coverage(), Load.begin(asked, resume="")) is None
    world.feeds.finish(held.lease, made.finish(ends_load="job_load"), held.feed)
    assert world.stored().load is None
    for unknown in (lambda: world.feeds.cancel_load("nobody"), lambda: world.feeds.request_load("nobody", asked)):
        with pytest.raises(KeyError):
            unknown()
