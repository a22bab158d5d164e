"""When feeds are synced by themselves: what the plan allows, the trader chose and the broker makes useful."""

import logging

from brokersync.domain.feeds import Feed
from brokersync.domain.plans import Plan, Schedule, effective_interval
from brokersync.ports.brokers import Manifests
from brokersync.ports.feeds import Feeds
from brokersync.ports.storage import ConflictError

log = logging.getLogger(__name__)

TRIES = 5  # how often a schedule is computed anew because somebody else changed it meanwhile


class Schedules:
    """Changes schedules; each from what it is at that moment, so that of two changes at once none is lost."""

    def __init__(self, feeds: Feeds, manifests: Manifests) -> None:
        self._feeds, self._manifests = feeds, manifests

    def change(
        self,
        feed: Feed,
        *,
        plan: Plan | None = None,
        chosen_min: int | None = None,
        sync_enabled: bool | None = None,
    ) -> Feed:
        """Change what is given and leave the rest; returns the feed as it is then. Raises KeyError when it is gone."""
        for _ in range(TRIES):
            under = plan or feed.plan
            chosen = chosen_min or feed.chosen_min
            wanted = Schedule(
                plan=under,
                chosen_min=chosen,
                interval_min=effective_interval(chosen, under, self._useful_interval_min(feed)),
                sync_enabled=feed.sync_enabled if sync_enabled is None else sync_enabled,
            )
            done = wanted == feed.schedule or self._feeds.reschedule(feed, wanted)
            now = self._feeds.get(feed.feed_id)
            if now is None:
                raise KeyError(feed.feed_id)
            if done:
                return now
            feed = now
        raise ConflictError(f"{feed.feed_id} was rescheduled {TRIES} times by others")

    def _useful_interval_min(self, feed: Feed) -> int:
        """Minutes below which nothing is gained at the feed's broker."""
        try:
            return self._manifests.manifest(feed.broker).useful_interval_min
        except ValueError:  # a release that knows the broker was rolled back
            log.warning("unknown_broker", extra={"broker": feed.broker, "feed_id": feed.feed_id})
            return feed.interval_min
