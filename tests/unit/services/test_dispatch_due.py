"""The dispatcher over in-memory ports: everybody once, nobody forgotten, resumable at any page."""

import logging
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.domain.feeds import Feed
from brokersync.domain.plans import Plan
from brokersync.domain.times import minute_of
from brokersync.ports.dispatching import Position
from brokersync.services.dispatch_due import DispatchDue, DispatchReport
from tests.fakes import FakeClock, FakeDeadline, FakeFeeds, FakeIds, FakeScheduler, FakeSyncQueue


class Wheel:
    """A dispatcher and its feeds."""

    def __init__(self, feeds: int = 0, *, interval: int = 15, page_size: int = 1000) -> None:
        self.clock, self.feeds, self.queue = FakeClock(), FakeFeeds(page_size=page_size), FakeSyncQueue()
        self.scheduler = FakeScheduler()
        for number in range(feeds):
            self.add(f"acc_{number}", interval=interval)
        self.dispatch = DispatchDue(
            scheduler=self.scheduler,
            feeds=self.feeds,
            queue=self.queue,
            clock=self.clock,
            ids=FakeIds(),
            rng=random.Random(7),
        )

    def add(self, feed_id: str, *, interval: int = 15, broker: str = "oanda", **changes: bool) -> None:
        self.feeds.create(
            Feed(
                feed_id=feed_id,
                user_id=f"user of {feed_id}",
                connection_id="con",
                connection_version=1,
                broker=broker,
                plan=Plan.ELITE,
                interval_min=interval,
                accounts={},
                **changes,
            )
        )

    def tick(self, seconds: float = 50) -> DispatchReport:
        return self.dispatch.run(FakeDeadline(self.clock, seconds))

    def sent(self) -> list[str]:
        return [job.feed_id for job, _, _ in self.queue.jobs]


def test_no_feeds_no_messages_and_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    wheel = Wheel()
    with caplog.at_level(logging.INFO):
        report = wheel.tick()
    assert (report, wheel.queue.jobs) == (DispatchReport(), [])
    assert "nothing_due" in caplog.text


def test_the_first_tick_ever_finds_every_feed_once() -> None:
    wheel = Wheel(25)
    report = wheel.tick()
    assert (report.due, report.queued, report.behind) == (25, 25, 0)
    assert sorted(wheel.sent()) == sorted(f"acc_{n}" for n in range(25))


def test_a_job_names_its_feed_its_user_and_its_tick() -> None:
    wheel = Wheel(1)
    wheel.tick()
    job, user, delay = wheel.queue.jobs[0]
    assert (job.feed_id, user, delay) == ("acc_0", "user of acc_0", 0)
    assert job.tick is not None
    assert minute_of(wheel.clock.now()) - 15 < job.tick <= minute_of(wheel.clock.now())


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([5, 15, 60]), st.integers(min_value=1, max_value=40))
def test_every_feed_is_sent_once_per_interval_when_the_clock_just_runs(interval: int, feeds: int) -> None:
    # Given feeds of one interval, after the first tick
    wheel = Wheel(feeds, interval=interval)
    wheel.tick()
    wheel.queue.jobs.clear()
    # When as many minutes pass as their interval has
    for _ in range(interval):
        wheel.clock.advance(minutes=1)
        wheel.tick()
    # Then each was sent once
    assert sorted(wheel.sent()) == sorted(f"acc_{n}" for n in range(feeds))


def test_a_second_tick_in_the_same_minute_sends_nothing() -> None:
    wheel = Wheel(10)
    wheel.tick()
    before = len(wheel.queue.jobs)
    wheel.clock.advance(seconds=20)
    assert wheel.tick().due == 0
    assert len(wheel.queue.jobs) == before


def test_i11_after_an_outage_each_feed_is_sent_once_and_spread_out() -> None:
    # Given an outage of six hours
    wheel = Wheel(50, interval=5)
    wheel.tick()
    wheel.queue.jobs.clear()
    wheel.clock.advance(minutes=360)
    # When the dispatcher is back
    wheel.tick()
    # Then each feed gets one message, not 72, and they don't all start at once
    assert sorted(wheel.sent()) == sorted(f"acc_{n}" for n in range(50))
    delays = {delay for _, _, delay in wheel.queue.jobs}
    assert len(delays) > 10
    assert max(delays) <= 300


@settings(max_examples=20, deadline=None)
@given(st.integers(min_value=1, max_value=7), st.integers(min_value=0, max_value=40))
def test_i11_a_tick_that_runs_out_of_time_goes_on_where_it_stopped(page_size: int, feeds: int) -> None:
    # Given pages that are small, and invocations that each end after a few pages
    wheel = Wheel(feeds, page_size=page_size)
    due = wheel.feeds.due

    def slow(key: str, start: str) -> object:
        page = due(key, start)
        if page.feeds:
            wheel.clock.advance(seconds=1)
        return page

    wheel.feeds.due = slow  # type: ignore[method-assign,assignment]
    ticks = 0
    while wheel.tick(seconds=9).behind or ticks == 0:
        ticks += 1
        assert ticks < 60
    # Then every feed was sent, and none of the pages twice
    assert sorted(wheel.sent()) == sorted(f"acc_{n}" for n in range(feeds))


def test_paused_brokers_are_skipped_and_the_others_are_not() -> None:
    wheel = Wheel()
    wheel.add("acc_o", broker="oanda")
    wheel.add("feed_i", broker="ibkr_flex")
    wheel.scheduler.pause("ibkr_flex")
    report = wheel.tick()
    assert (report.due, report.queued, wheel.sent()) == (2, 1, ["acc_o"])
    # When everything is paused, Then time goes on without messages, and nothing piles up behind it
    wheel.scheduler.pause("*")
    wheel.clock.advance(minutes=30)
    assert (wheel.tick().queued, wheel.tick().behind) == (0, 0)


def test_feeds_that_are_off_or_need_their_user_are_not_due() -> None:
    wheel = Wheel()
    wheel.add("acc_off", sync_enabled=False)
    wheel.add("acc_reauth", runnable=False)
    assert wheel.tick().due == 0


def test_two_dispatchers_at_once_do_no_harm() -> None:
    # Given a dispatcher that another one overtakes in the middle of its tick
    wheel = Wheel(5)
    send = wheel.queue.send

    def overtaken(*args: object, **kwargs: object) -> None:
        send(*args, **kwargs)  # type: ignore[arg-type]
        state = wheel.scheduler.state().position
        wheel.scheduler.move(Position(done_minute=0, revision=state.revision if state else 0))

    wheel.queue.send = overtaken  # type: ignore[method-assign,assignment]
    # When it wants to note its position, Then it stops; what it sent stays sent, and the next tick does the rest
    wheel.tick()
    wheel.queue.send = send  # type: ignore[method-assign]
    wheel.tick()
    assert set(wheel.sent()) == {f"acc_{n}" for n in range(5)}


def test_the_wheel_goes_on_over_days() -> None:
    wheel = Wheel(3, interval=60)
    wheel.tick()
    wheel.queue.jobs.clear()
    start = wheel.clock.now()
    while wheel.clock.now() < start + timedelta(days=2):
        wheel.clock.advance(minutes=1)
        wheel.tick()
    assert len(wheel.sent()) == 3 * 48
