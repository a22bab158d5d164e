"""A feed is to be synced now: the work is written to it first, then a message wakes a worker (I11)."""

import logging
from dataclasses import dataclass
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.asked import AskedState
from brokersync.domain.errors import NEXT_STEPS, ErrorCode, RetryLaterError
from brokersync.domain.feeds import Feed, Wanted
from brokersync.domain.runs import RequestedBy
from brokersync.domain.status import derive
from brokersync.ports.feeds import Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.world import Clock, Ids

logger = logging.getLogger(__name__)


class ReconnectNeededError(Exception):
    """No sync can succeed before the trader re-connects. `code`, `safe_message` and `next_step` may be shown."""

    def __init__(self, feed: Feed) -> None:
        self.code = feed.error_code or ErrorCode.CREDENTIALS_REJECTED
        self.safe_message = feed.safe_message or "The broker does not let us in with the credential we have."
        self.next_step = NEXT_STEPS[self.code]
        super().__init__(self.safe_message)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedSync:
    """What became of a wish for one account. `job_id` is the job that serves it; empty where there is none."""

    account_id: str
    state: AskedState
    job_id: str = ""


class OweSync:
    """Owes a sync to a feed, whatever its schedule says, and wakes a worker for it.

    A running job serves the wish; so does a waiting one, which is brought forward when it waits for a later time.
    """

    def __init__(self, feeds: Feeds, queue: SyncQueue, ids: Ids, clock: Clock) -> None:
        self._feeds, self._queue, self._ids, self._clock = feeds, queue, ids, clock

    def run(
        self, feed: Feed, account_id: str, kind: RequestedBy = RequestedBy.MANUAL, job_id: str = ""
    ) -> RequestedSync:
        """Ask for a sync of a feed. Raises ReconnectNeededError.

        `account_id` is the account that it is asked for, empty for none in particular; `kind` says who asks; `job_id`
        is for a job that has one already.
        """
        if not feed.runnable:
            raise ReconnectNeededError(feed)
        now = self._clock.now()
        owed = self._feeds.want(feed.feed_id, Wanted(job_id=job_id or self._ids.new("job"), kind=kind, not_before=now))
        running = feed.is_held(now) and owed.job_id == derive(feed, now).job_id
        if not running:
            self._wake(feed, account_id, kind, owed, now)
        return RequestedSync(
            account_id=account_id, state=AskedState.RUNNING if running else AskedState.QUEUED, job_id=owed.job_id
        )

    def _wake(self, feed: Feed, account_id: str, kind: RequestedBy, owed: Wanted, now: datetime) -> None:
        job = SyncJob(
            job_id=owed.job_id,
            feed_id=feed.feed_id,
            trading_account_id=account_id or None,
            requested_by=kind,
            requested_at=now,
        )
        keys = {"job_id": owed.job_id, "feed_id": feed.feed_id, "account_id": account_id}
        try:
            self._queue.send(
                [(job, feed.user_id, 0)], backfill=owed.kind in {RequestedBy.BACKFILL, RequestedBy.CONNECT}
            )
        except RetryLaterError as error:
            # The work is written: the feed's next tick serves it, so what the trader was promised stays true.
            logger.warning("sync_requested_without_message", extra=keys | {"detail": error.detail})
        else:
            logger.info("sync_requested", extra=keys)
