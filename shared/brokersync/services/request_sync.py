"""A trader asks for a sync now, of one account or of all, as often as the plan allows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from brokersync.domain.asked import AskedState
from brokersync.domain.feeds import Feed
from brokersync.domain.status import derive
from brokersync.ports.world import Clock
from brokersync.services.manual_syncs import ManualSyncs
from brokersync.services.owe_sync import OweSync, ReconnectNeededError, RequestedSync
from brokersync.services.own_accounts import OwnAccount, OwnAccounts


class RequestSync:
    """Asks for syncs, whatever the schedule says. What makes a job, or hurries one, is one of the manual syncs."""

    def __init__(self, own: OwnAccounts, owe: OweSync, limit: ManualSyncs, clock: Clock) -> None:
        self._own, self._owe, self._limit, self._clock = own, owe, limit, clock

    def run(self, user_id: str, account_id: str) -> RequestedSync:
        """Ask for a sync of one account. Raises AccountNotFoundError, ReconnectNeededError and LimitReachedError."""
        feed = self._own.with_feed(user_id, account_id).feed
        if not feed.runnable:
            raise ReconnectNeededError(feed)
        now = self._clock.now()
        if not _is_under_way(feed, now):
            self._limit.take(user_id, feed.plan)
        return self._owe.run(feed, account_id)

    def all(self, user_id: str, *, if_stale_for: timedelta = timedelta(0)) -> Sequence[RequestedSync]:
        """Ask for a sync of all accounts, which counts once; with `if_stale_for`, of those not attempted for so long.

        Raises LimitReachedError, before anything is asked for.
        """
        now = self._clock.now()
        own = self._own.all(user_id)
        asked = {one.feed.feed_id: one for one in reversed(own) if _is_wanted(one.feed, if_stale_for, now)}
        if new := [one.feed for one in asked.values() if not _is_under_way(one.feed, now)]:
            self._limit.take(user_id, new[0].plan)
        of_feed = {feed_id: self._owe.run(one.feed, one.account.account_id) for feed_id, one in asked.items()}
        return [
            replace(of_feed[one.feed.feed_id], account_id=one.account.account_id)
            if one.feed.feed_id in of_feed
            else _not_asked(one, now)
            for one in own
        ]


def _is_under_way(feed: Feed, now: datetime) -> bool:
    """Whether a job runs or waits for nothing but a worker: a wish for one makes no other."""
    return feed.is_held(now) or (feed.wanted is not None and feed.wanted.not_before <= now)


def _is_wanted(feed: Feed, if_stale_for: timedelta, now: datetime) -> bool:
    if not feed.runnable:
        return False
    if not if_stale_for:
        return True
    if feed.is_held(now) or feed.wanted is not None:
        return False  # something is coming already: looking at the page doesn't hurry it
    return feed.last_attempted_at is None or now - feed.last_attempted_at >= if_stale_for


def _not_asked(own: OwnAccount, now: datetime) -> RequestedSync:
    job_id = derive(own.feed, now).job_id
    if not own.feed.runnable:
        state = AskedState.RECONNECT_NEEDED
    elif own.feed.is_held(now):
        state = AskedState.RUNNING
    else:
        state = AskedState.QUEUED if job_id else AskedState.FRESH
    return RequestedSync(account_id=own.account.account_id, state=state, job_id=job_id)
