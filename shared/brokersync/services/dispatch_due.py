"""Every minute: one message for each feed that is due (DESIGN 5). Writes its own position, nothing per feed."""

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.manifests import TradingSession
from brokersync.domain.runs import RequestedBy
from brokersync.domain.sessions import saving_keys
from brokersync.domain.times import minute_of
from brokersync.domain.wheel import DueKey, due_keys
from brokersync.ports.dispatching import Position, Scheduler
from brokersync.ports.feeds import DueFeed, Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.storage import ConflictError
from brokersync.ports.world import Clock, Deadline, Ids

log = logging.getLogger(__name__)

RESERVE_SECONDS = 5.0
FIRST_LOOK_MINUTES = 60
OUTAGE_MINUTES = 5  # behind by more, a catch-up is spread out instead of sent at once
MAX_SPREAD_SECONDS = 900  # the longest that a queue holds a message back
ALL_BROKERS = "*"


@dataclass(slots=True, kw_only=True)
class DispatchReport:
    """What a tick did. `due` counts feeds found, `queued` messages sent; `behind` is minutes not yet dispatched."""

    due: int = 0
    queued: int = 0
    behind: int = 0


class DispatchDue:
    """Finds due feeds and sends their jobs."""

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        feeds: Feeds,
        queue: SyncQueue,
        sessions: Mapping[str, TradingSession],
        clock: Clock,
        ids: Ids,
        rng: random.Random,
    ) -> None:
        """`sessions` are those of the perishable brokers, by slug."""
        self._scheduler = scheduler
        self._feeds = feeds
        self._queue = queue
        self._sessions = sessions
        self._clock = clock
        self._ids = ids
        self._rng = rng

    def run(self, deadline: Deadline) -> DispatchReport:
        """Dispatch what is due up to this minute, or as far as the time reaches: the next tick goes on from there."""
        now = minute_of(self._clock.now())
        state = self._scheduler.state()
        report = DispatchReport()
        # A dispatcher that never ran looks back a little; who connects is woken without it.
        position = state.position or Position(done_minute=now - FIRST_LOOK_MINUTES)
        spread = state.position is not None and now - position.done_minute > OUTAGE_MINUTES
        try:
            while position.done_minute < now:
                if position.target_minute <= position.done_minute:
                    position = replace(position, target_minute=now, key_index=0, start="")
                position = self._dispatch_range(position, state.paused, deadline, report, spread=spread)
                if position.target_minute > position.done_minute:
                    break  # out of time inside the range
        except ConflictError:
            log.warning("another_dispatcher_is_at_work")
        report.behind = max(0, now - position.done_minute)
        if report.due == 0:
            log.info("nothing_due", extra={"behind": report.behind})
        else:
            log.info("dispatched", extra={"due": report.due, "queued": report.queued, "behind": report.behind})
        return report

    def _dispatch_range(
        self, position: Position, paused: frozenset[str], deadline: Deadline, report: DispatchReport, *, spread: bool
    ) -> Position:
        after, through = position.done_minute, position.target_minute
        keys = [*due_keys(after, through), *saving_keys(self._sessions, after, through)]
        while position.key_index < len(keys):
            if deadline.seconds_left() < RESERVE_SECONDS:
                return self._scheduler.move(position)
            key = keys[position.key_index]
            page = self._feeds.due(key.key.text, position.start)
            due = [feed for feed in page.feeds if key.includes(feed.broker)]
            report.due += len(due)
            wanted = [feed for feed in due if not paused & {feed.broker, ALL_BROKERS}]
            self._send(key, wanted, spread=spread)
            report.queued += len(wanted)
            if page.next_start:
                position = replace(position, start=page.next_start)
            else:
                position = replace(position, key_index=position.key_index + 1, start="")
            if wanted:
                # Only what was sent is worth a write: an empty key costs nothing to look at again.
                position = self._scheduler.move(position)
        done = replace(position, done_minute=position.target_minute, target_minute=0, key_index=0, start="")
        return self._scheduler.move(done)

    def _send(self, key: DueKey, feeds: list[DueFeed], *, spread: bool) -> None:
        now = self._clock.now()
        longest = min(MAX_SPREAD_SECONDS, key.key.interval * 60)
        self._queue.send(
            [
                (
                    SyncJob(
                        job_id=self._ids.new("job"),
                        feed_id=feed.feed_id,
                        requested_by=RequestedBy.SYSTEM,
                        requested_at=now,
                        tick=key.tick,
                    ),
                    feed.user_id,
                    self._rng.randrange(longest) if spread else 0,
                )
                for feed in feeds
            ]
        )
