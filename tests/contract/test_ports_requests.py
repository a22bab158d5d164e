"""Feeds: what is owed, when it is due, and what is still to be told (I11)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokersync.domain.feeds import LEASE_SECONDS, Announcement, Feed, Wanted
from brokersync.domain.runs import RequestedBy
from brokersync.domain.wheel import wheel_key
from brokersync.ports.feeds import Acquired, NotAcquired
from tests.contract import made
from tests.contract.conftest import World
from tests.fakes import FakeIds

EVENTS = tuple(
    Announcement(event_id=f"event_{number}", detail_type="sync_job_failed", detail={"feed_id": "acc_1", "n": number})
    for number in range(3)
)
MOMENTS = st.sampled_from([made.after(minutes=-1), made.after(microseconds=-1), made.NOW, made.after(microseconds=1)])
FEEDS = st.builds(
    lambda owed, **changes: (owed, changes),
    owed=st.none() | MOMENTS,
    served_minute=st.integers(made.TICK - 1, made.TICK + 1),
    sync_enabled=st.booleans(),
    runnable=st.booleans(),
    poison_job_id=st.sampled_from(["", "job_message", "job_other"]),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=FEEDS, tick=st.none() | st.integers(made.TICK - 1, made.TICK + 1))
def test_i11_the_table_and_the_domain_agree_on_what_is_owed(world: World, state: tuple, tick: int | None):
    # given any feed that nobody holds
    owed, changes = state
    feed_id = NEXT_ID.new("feed")
    feed = made.feed(feed_id, wanted=made.wanted(at=owed) if owed else None, **changes)
    world.feeds.create(feed)
    # when a message with any tick arrives
    job = made.job(tick, feed_id)
    got = world.feeds.acquire(feed_id, token="t", run_id="r", job=job, now=made.NOW)
    # then it is acquired exactly if the domain says that there is work
    assert isinstance(got, Acquired) is feed.owes(job.job_id, tick, made.NOW)


def test_i10_the_job_that_stands_for_a_failure_streak_finds_work_while_the_streak_lasts(world: World):
    # given a feed that keeps failing through a fault of ours, its owed work being used up by the ticks between
    world.feeds.create(made.feed(poison_job_id="job_message", served_minute=made.TICK, sync_enabled=False))
    # when the message of the streak's job comes back, and succeeds
    held = world.acquire(job=made.job(tick=None))
    world.feeds.finish(held.lease, made.finish(), held.feed)
    # then the same message finds nothing any more
    again = world.feeds.acquire("acc_1", token="t", run_id="r", job=made.job(tick=None), now=made.NOW)
    assert isinstance(again, NotAcquired)


NEXT_ID = FakeIds()


def ask(world: World, wanted: Wanted) -> tuple[Wanted, Feed]:
    answer = world.feeds.want("acc_1", wanted)
    return answer, world.stored()


def is_due(world: World) -> bool:
    return bool(world.feeds.due(wheel_key("acc_1", 15).text, "").feeds)


def test_i11_a_request_is_owed_before_any_message(world: World):
    # given a feed without auto-sync, which the dispatcher doesn't see
    world.feeds.create(made.feed(sync_enabled=False))
    assert not is_due(world)
    # when a trader asks for a sync
    answer, feed = ask(world, made.wanted())
    # then it is owed, and the dispatcher will find it though its message is lost
    assert answer == feed.wanted == made.wanted()
    assert is_due(world)


def test_a_second_request_gets_the_job_that_waits(world: World):
    # given a request that waits for a worker
    world.feeds.create(made.feed(wanted=made.wanted("job_1")))
    # when the trader asks again
    answer, feed = ask(world, made.wanted("job_2", at=made.after(seconds=5)))
    # then the answer is the first job, unchanged
    assert answer == feed.wanted == made.wanted("job_1")


def test_a_request_brings_a_retry_forward(world: World):
    # given a retry that waits for five minutes, with what the broker is preparing
    retry = Wanted(
        job_id="job_1",
        kind=RequestedBy.RETRY,
        not_before=made.after(minutes=5),
        attempt=2,
        state={"reference": "1234567890"},
    )
    world.feeds.create(made.feed(wanted=retry))
    # when the trader asks for a sync now
    answer, feed = ask(world, made.wanted("job_2"))
    # then the retry is due now, with all that it knows
    assert answer == feed.wanted
    assert answer == Wanted(
        job_id="job_1", kind=RequestedBy.RETRY, not_before=made.NOW, attempt=2, state={"reference": "1234567890"}
    )


def test_a_request_during_a_run_gets_the_running_job(world: World):
    # given a scheduled run
    held = world.held()
    # when a trader asks for a sync
    answer, feed = ask(world, made.wanted("job_2", at=made.after(seconds=1)))
    # then the running job is the answer, and nothing more is owed
    assert answer == Wanted(job_id="job_message", kind=RequestedBy.SYSTEM, not_before=made.NOW)
    assert feed.wanted is None
    assert feed.lease == held.lease


def test_a_request_during_a_run_of_another_request_gets_that_one(world: World):
    # given a run that serves what was owed when it began
    world.held(wanted=made.wanted("job_1"))
    # when a trader asks again
    answer, feed = ask(world, made.wanted("job_2", at=made.after(seconds=1)))
    # then the answer is the job that runs
    assert answer.job_id == "job_1"
    assert feed.wanted == made.wanted("job_1")


def test_a_request_after_a_worker_died_waits_for_the_next(world: World):
    # given a worker that died during a scheduled run
    world.held()
    late = made.after(seconds=LEASE_SECONDS)
    # when a trader asks after its lease
    answer, feed = ask(world, made.wanted("job_2", at=late))
    # then the request is owed
    assert answer == feed.wanted == made.wanted("job_2", at=late)


@pytest.mark.parametrize("kind", [RequestedBy.CONNECT, RequestedBy.BACKFILL])
@pytest.mark.parametrize("served", [None, made.wanted("job_1")])
def test_new_credentials_are_owed_a_run_of_their_own(world: World, kind: RequestedBy, served: Wanted | None):
    # given a run that began with the old credentials
    world.held(wanted=served)
    # when the trader re-connects
    request = made.wanted("job_2", kind, made.after(seconds=1))
    answer, feed = ask(world, request)
    # then a run is owed, whatever the present one serves
    assert answer == feed.wanted == request


def test_a_request_for_a_feed_that_waits_for_its_trader_stays_off_the_wheel(world: World):
    # given a feed that can't run
    world.feeds.create(made.feed(runnable=False))
    # when work is owed to it
    answer, feed = ask(world, made.wanted())
    # then it is written down, and no dispatcher sends messages in vain
    assert answer == feed.wanted == made.wanted()
    assert not is_due(world)


def test_a_request_for_an_unknown_feed_is_an_error(world: World):
    # given no such feed
    with pytest.raises(KeyError):
        world.feeds.want("nobody", made.wanted())


def test_events_are_forgotten_once_they_were_sent(world: World):
    # given a feed with unsent events
    world.feeds.create(made.feed(announce=EVENTS[:2]))
    # when they were sent
    world.feeds.announced("acc_1", EVENTS[:2])
    # then they are forgotten, and doing so twice or for nobody changes nothing
    world.feeds.announced("acc_1", EVENTS[:2])
    world.feeds.announced("nobody", EVENTS[:2])
    assert world.stored() == made.feed()


def test_events_that_came_after_are_not_forgotten_with_those_that_were_sent(world: World):
    # given a worker that sent two events while a run of another added a third
    world.feeds.create(made.feed(announce=EVENTS))
    # when it says which it sent
    world.feeds.announced("acc_1", EVENTS[:2])
    # then the third is still to be sent
    assert world.stored().announce == EVENTS[2:]


def test_a_feed_is_created_once(world: World):
    # given a feed
    world.feeds.create(made.feed())
    # when another one claims its id
    with pytest.raises(ValueError, match="feed_id: acc_1 exists already"):
        world.feeds.create(made.feed(user_id="user_2"))
    # then the first one stays
    assert world.stored() == made.feed()


def test_a_user_has_only_the_own_feeds(world: World):
    # given feeds of two users
    world.feeds.create(made.feed("acc_2"))
    world.feeds.create(made.feed("acc_1"))
    world.feeds.create(made.feed("acc_3", user_id="user_2"))
    # then each sees the own ones, in order
    assert [feed.feed_id for feed in world.feeds.of_user("user_1")] == ["acc_1", "acc_2"]
    assert world.feeds.of_user("user_2") == [made.feed("acc_3", user_id="user_2")]
    assert world.feeds.of_user("user_3") == []
