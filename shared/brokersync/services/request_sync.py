"""A trader asks for a sync now: the work is written to the feed first, then a message wakes a worker (I11)."""

import logging
from dataclasses import dataclass
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import NEXT_STEPS, ErrorCode, RetryLaterError
from brokersync.domain.feeds import Feed, Wanted
from brokersync.domain.runs import RequestedBy
from brokersync.domain.status import derive
from brokersync.ports.feeds import Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.world import Clock, Ids
from brokersync.services.own_accounts import OwnAccounts

logger = logging.getLogger(__name__)


class ReconnectNeededError(Exception):
    """No sync can succeed before the trader re-connects. `safe_message` and `next_step` may be shown."""

    def __init__(self, feed: Feed) -> None:
        self.safe_message = feed.safe_message or "The broker does not let us in with the credential we have."
        self.next_step = NEXT_STEPS[feed.error_code or ErrorCode.CREDENTIALS_REJECTED]
        super().__init__(self.safe_message)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedSync:
    """The job that serves the request: the one that runs already, or the one that waits for a worker."""

    job_id: str
    running: bool


class RequestSync:
    """Owes a sync to an account's feed, whatever its schedule says, and wakes a worker for it."""

    def __init__(self, own: OwnAccounts, feeds: Feeds, queue: SyncQueue, ids: Ids, clock: Clock) -> None:
        self._own, self._feeds, self._queue, self._ids, self._clock = own, feeds, queue, ids, clock

    def run(self, user_id: str, account_id: str) -> RequestedSync:
        """Ask for a sync of one account. Raises AccountNotFoundError and ReconnectNeededError.

        A running job serves the request; so does a waiting one, which is brought forward when it waits for a later
        time. Auto-sync may be off.
        """
        feed = self._own.with_feed(user_id, account_id).feed
        if not feed.runnable:
            raise ReconnectNeededError(feed)
        now = self._clock.now()
        owed = self._feeds.want(
            feed.feed_id, Wanted(job_id=self._ids.new("job"), kind=RequestedBy.MANUAL, not_before=now)
        )
        running = feed.is_held(now) and owed.job_id == derive(feed, now).job_id
        if not running:
            self._wake(feed, account_id, owed, now)
        return RequestedSync(job_id=owed.job_id, running=running)

    def _wake(self, feed: Feed, account_id: str, owed: Wanted, now: datetime) -> None:
        job = SyncJob(
            job_id=owed.job_id,
            feed_id=feed.feed_id,
            trading_account_id=account_id,
            requested_by=RequestedBy.MANUAL,
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
