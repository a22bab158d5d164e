"""Simulated days: what plan, interval, switch and re-connect make of a schedule, from the dispatcher to the run row."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.feeds import Wanted
from brokersync.domain.pages import Checkpoint, FetchStep
from brokersync.domain.plans import CHOOSABLE_INTERVALS_MIN, TERMS, Plan
from brokersync.domain.runs import RequestedBy, SyncRun
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import wheel_key
from brokersync.ports.accounts import TradingAccount
from brokersync.ports.brokers import FetchContext
from brokersync.ports.connections import Connection
from brokersync.services.change_account import AccountChanges, ChangeAccount
from brokersync.services.dispatch_due import DispatchDue
from brokersync.services.operate import SetPlan
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.schedules import Schedules
from tests.fakes import FakeDeadline, FakeScheduler, FakeUsers
from tests.unit.services.world import ScriptedBroker, World, a_manifest, a_page

DAY = 24 * 60
USER = "user"


class Days:
    """One trader's feed with dispatcher and worker, minute by minute. `rejects` makes the broker reject the token."""

    def __init__(self, plan: Plan = Plan.PRO) -> None:
        self.rejects = False
        self.world = World(ScriptedBroker(a_manifest(), self._serve))
        self.clock, self.feeds = self.world.clock, self.world.feeds
        self.clock.set(start_of_minute(minute_of(self.clock.now())))
        self.users = FakeUsers()
        manifests = self._Manifests()
        self._set_plan = SetPlan(self.users, self.feeds, manifests)
        own = OwnAccounts(self.world.accounts, self.feeds)
        self._change = ChangeAccount(own, Schedules(self.feeds, manifests), self.world.accounts)
        self._dispatch = DispatchDue(
            scheduler=FakeScheduler(),
            feeds=self.feeds,
            queue=self.world.queue,
            sessions={},
            clock=self.clock,
            ids=self.world.ids,
            rng=random.Random(7),
        )
        self._know_the_account()
        self.live(1)  # a dispatcher that never ran looks back a little
        self.set_plan(plan)

    class _Manifests:
        def manifest(self, slug: str):
            return a_manifest()

    def _know_the_account(self) -> None:
        self.world.accounts.ensure(
            TradingAccount(
                account_id="acc_1",
                user_id=USER,
                feed_id="acc_1",
                connection_id="con_1",
                broker="scripted",
                broker_account_id="001",
                masked_number="",
                name="",
                currency="USD",
            )
        )

    def _serve(self, context: FetchContext) -> Iterator[FetchStep]:
        if self.rejects:
            raise UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "The token was revoked.")
        yield a_page(at=self.clock.now(), asked=self.clock.now().isoformat())
        yield Checkpoint(cursor=self.clock.now().isoformat(), last=True)

    def set_plan(self, plan: Plan) -> None:
        self._set_plan.run(USER, plan)

    def choose(self, minutes: int) -> None:
        self._change.run(USER, "acc_1", AccountChanges(interval_min=minutes))

    def switch(self, *, on: bool) -> None:
        self._change.run(USER, "acc_1", AccountChanges(sync_enabled=on))

    def enter_new_credentials(self) -> None:
        """What a re-connect does to the connection and its feed."""
        renewed: Connection = self.world.connections.replace_credentials("con_1", {"token": "new"})
        job = Wanted(job_id="job_connect", kind=RequestedBy.CONNECT, not_before=self.clock.now())
        assert self.feeds.renew("acc_1", renewed, job, of="con_1", under=None)

    def live(self, minutes: int) -> list[int]:
        """Let time pass; the minutes at which a run began."""
        seen = len(self.runs())
        for _ in range(minutes):
            self.clock.advance(minutes=1)
            self._dispatch.run(FakeDeadline(self.clock))
            while self.world.queue.jobs:
                job, _, _ = self.world.queue.jobs.pop(0)
                self.world.sync(job)
        return [minute_of(run.started_at) for run in self.runs()[seen:]]

    def runs(self) -> list[SyncRun]:
        return sorted(self.world.runs.newest("acc_1", limit=10_000), key=lambda run: run.started_at)


def gaps(minutes: list[int]) -> set[int]:
    return {later - earlier for earlier, later in pairwise(minutes)}


@pytest.mark.parametrize(("plan", "a_day"), [(Plan.FREE, 24), (Plan.PRO, 96), (Plan.ELITE, 288)])
def test_each_plan_syncs_as_often_as_it_allows(plan: Plan, a_day: int) -> None:
    # given a trader who wants it as often as can be
    days = Days(plan)
    days.choose(5)
    # when two days pass
    minutes = days.live(2 * DAY)
    # then there was a run at each interval, and none between
    assert len(minutes) == 2 * a_day
    assert gaps(minutes) == {TERMS[plan].min_interval_min}


def test_without_a_choice_it_is_every_15_minutes_or_what_the_plan_allows() -> None:
    assert gaps(Days(Plan.ELITE).live(DAY)) == {15}
    assert gaps(Days(Plan.FREE).live(DAY)) == {60}


def test_a_new_user_is_free() -> None:
    assert FakeUsers().plan("somebody") is Plan.FREE


def test_a_downgrade_slows_down_at_once_and_an_upgrade_remembers_the_choice() -> None:
    # given a trader on elite who chose 5 minutes
    days = Days(Plan.ELITE)
    days.choose(5)
    assert gaps(days.live(DAY)) == {5}
    # when the plan becomes free
    days.set_plan(Plan.FREE)
    # then from the next run on there is an hour between two
    slow = days.live(DAY)
    assert gaps(slow) == {60}
    assert len(slow) == 24
    # and back on elite it is the choice again
    days.set_plan(Plan.ELITE)
    assert gaps(days.live(DAY)) == {5}


@pytest.mark.parametrize("minutes", CHOOSABLE_INTERVALS_MIN)
def test_the_interval_is_the_slower_of_choice_and_plan(minutes: int) -> None:
    # given a choice on pro
    days = Days(Plan.PRO)
    days.choose(minutes)
    # then a day is as the slower of the two says
    assert gaps(days.live(DAY)) == {max(minutes, 15)}


def test_auto_sync_off_is_off_and_on_is_on_from_the_next_tick() -> None:
    # given a feed that is synced
    days = Days(Plan.PRO)
    assert days.live(60)
    # when it is switched off for a day
    days.switch(on=False)
    assert days.live(DAY) == []
    # then switched on it is synced within an interval, at its own minute, and not for the time between
    days.switch(on=True)
    minutes = days.live(60)
    assert minutes[0] - minute_of(days.clock.now() - timedelta(minutes=60)) <= 15
    assert gaps(minutes) == {15}


def test_a_rejected_credential_stops_everything_until_there_is_a_new_one() -> None:
    # given a broker that rejects the token from now on
    days = Days(Plan.ELITE)
    days.choose(5)
    days.live(60)
    days.rejects = True
    # when two days pass
    minutes = days.live(2 * DAY)
    # then the broker was asked once, whatever the trader's settings do meanwhile
    assert len(minutes) == 1
    days.set_plan(Plan.PRO)
    days.choose(30)
    days.switch(on=False)
    days.switch(on=True)
    assert days.live(DAY) == []
    # and new credentials bring it back at once, on the schedule that was chosen meanwhile
    days.rejects = False
    days.enter_new_credentials()
    minutes = days.live(4 * 60)
    assert minutes[0] - minute_of(days.clock.now() - timedelta(hours=4)) <= 30
    assert gaps(minutes[1:]) == {30}


CHANGES: st.SearchStrategy[Callable[[Days], None]] = st.one_of(
    st.sampled_from(list(Plan)).map(lambda plan: lambda days: days.set_plan(plan)),
    st.sampled_from(CHOOSABLE_INTERVALS_MIN).map(lambda minutes: lambda days: days.choose(minutes)),
    st.booleans().map(lambda on: lambda days: days.switch(on=on)),
)


@settings(max_examples=15, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(1, 180), CHANGES), max_size=12))
def test_whatever_is_changed_when_a_run_begins_exactly_at_the_minutes_that_are_then_due(changes) -> None:
    # given any settings, changed at any minutes of some hours
    days = Days(Plan.PRO)
    expected: list[int] = []
    lived: list[int] = []
    for wait, change in [*changes, (180, lambda days: None)]:
        feed, now = days.world.feed, minute_of(days.clock.now())
        slot = wheel_key(feed.feed_id, feed.interval_min).slot
        due = [minute for minute in range(now + 1, now + wait + 1) if minute % feed.interval_min == slot]
        expected += due if feed.sync_enabled else []
        # when time passes until the next change
        lived += days.live(wait)
        change(days)
    # then the runs are those of the settings that were in force, no more and no fewer
    assert lived == expected
