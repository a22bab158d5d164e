"""The dispatcher over in-memory ports: everybody once, nobody forgotten, resumable at any page."""

import logging
import random
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.domain.feeds import Feed
from brokersync.domain.manifests import TradingSession
from brokersync.domain.plans import Plan
from brokersync.domain.times import minute_of
from brokersync.ports.dispatching import Position
from brokersync.services.dispatch_due import DispatchDue, DispatchReport
from tests.fakes import FakeClock, FakeDeadline, FakeFeeds, FakeIds, FakeScheduler, FakeSyncQueue


class Wheel:
    """A dispatcher and its feeds."""

    def __init__(
        self,
        feeds: int = 0,
        *,
        interval: int = 15,
        page_size: int = 1000,
        sessions: Mapping[str, TradingSession] = MappingProxyType({}),
    ) -> None:
        self.clock, self.feeds, self.queue = FakeClock(), FakeFeeds(page_size=page_size), FakeSyncQueue()
        self.scheduler = FakeScheduler()
        for number in range(feeds):
            self.add(f"acc_{number}", interval=interval)
        self.dispatch = DispatchDue(
            scheduler=self.scheduler,
            feeds=self.feeds,
            queue=self.queue,
            sessions=sessions,
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


@pytest.mark.parametrize("interval", [5, 15, 60])
def test_the_first_tick_ever_looks_back_an_hour_and_finds_every_feed_of_that_once(interval: int) -> None:
    # given feeds, and a dispatcher that never ran
    wheel, queries = Wheel(25, interval=interval), []
    due = wheel.feeds.due
    wheel.feeds.due = lambda key, start: (queries.append(key), due(key, start))[1]  # type: ignore[method-assign]
    # when it runs
    report = wheel.tick()
    # then each is sent once, and no key of the last day was looked at that the last hour doesn't have
    assert (report.due, report.queued, report.behind) == (25, 25, 0)
    assert sorted(wheel.sent()) == sorted(f"acc_{n}" for n in range(25))
    assert len(queries) == 5 + 10 + 15 + 30 + 60 + 60 + 60


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


# --- brokers that forget a session -----------------------------------------------------------------------------------

CHICAGO = TradingSession(zone="America/Chicago", weekdays=(0, 1, 2, 3, 4), closes=time(16), rolls=time(17))
WINTER_CLOSE, SUMMER_CLOSE = datetime(2026, 3, 5, 22, tzinfo=UTC), datetime(2026, 3, 10, 21, tzinfo=UTC)


def sent_through(wheel: Wheel, minutes: int) -> dict[str, list[datetime]]:
    """When each feed was sent, while so many minutes pass."""
    times: dict[str, list[datetime]] = {}
    for _ in range(minutes):
        wheel.clock.advance(minutes=1)
        wheel.queue.jobs.clear()
        wheel.tick()
        for job, _, _ in wheel.queue.jobs:
            times.setdefault(job.feed_id, []).append(wheel.clock.now())
    return times


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([5, 15, 30, 60]), st.sampled_from([WINTER_CLOSE, SUMMER_CLOSE]))
def test_a_feed_whose_session_is_about_to_be_lost_is_due_four_times_before(interval: int, close: datetime) -> None:
    # given feeds of any interval of a broker that forgets, and others, before a close in winter and in summer time
    wheel = Wheel(sessions={"tradovate": CHICAGO})
    for number in range(12):
        wheel.add(f"feed_{number}", interval=interval, broker="tradovate")
        wheel.add(f"acc_{number}", interval=interval, broker="oanda")
    wheel.clock.set(close - timedelta(minutes=1))
    wheel.tick()
    # when the hour passes until the data are lost
    times = sent_through(wheel, 60)
    # then each of its feeds was due four times at least, the first within a quarter of an hour
    for number in range(12):
        mine = times[f"feed_{number}"]
        assert len(mine) == max(4, 60 // interval)
        assert mine[0] < close + timedelta(minutes=15)
        assert all(later - earlier <= timedelta(minutes=15) for earlier, later in pairwise(mine))
        # and others as always
        assert len(times[f"acc_{number}"]) == 60 // interval
    # and afterwards its feeds are too
    assert len(sent_through(wheel, 60)["feed_0"]) == 60 // interval


def test_at_the_weekend_nothing_is_about_to_be_lost() -> None:
    wheel = Wheel(sessions={"tradovate": CHICAGO})
    wheel.add("feed_1", interval=60, broker="tradovate")
    wheel.clock.set(datetime(2026, 3, 7, 22, tzinfo=UTC))  # a Saturday
    wheel.tick()
    assert len(sent_through(wheel, 60)["feed_1"]) == 1


def test_a_dispatcher_that_comes_back_in_time_looks_at_each_feed_that_it_missed() -> None:
    # given an outage from before the close until half an hour after it
    wheel = Wheel(sessions={"tradovate": CHICAGO})
    for number in range(20):
        wheel.add(f"feed_{number}", interval=60, broker="tradovate")
    wheel.clock.set(WINTER_CLOSE - timedelta(minutes=1))
    wheel.tick()
    wheel.queue.jobs.clear()
    wheel.clock.set(WINTER_CLOSE + timedelta(minutes=30))
    # when it is back
    wheel.tick()
    # then every feed is sent, with a tick since the close
    assert set(wheel.sent()) == {f"feed_{number}" for number in range(20)}
    assert {job.tick for job, _, _ in wheel.queue.jobs if job.tick} <= set(
        range(minute_of(WINTER_CLOSE), minute_of(WINTER_CLOSE) + 31)
    )


def test_a_paused_broker_is_not_asked_in_its_last_hour_either() -> None:
    wheel = Wheel(sessions={"tradovate": CHICAGO})
    wheel.add("feed_1", interval=60, broker="tradovate")
    wheel.scheduler.pause("tradovate")
    wheel.clock.set(WINTER_CLOSE)
    wheel.tick()
    assert sent_through(wheel, 59) == {}
