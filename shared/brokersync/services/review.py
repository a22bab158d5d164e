"""A trader decides about an answer that contradicts what we hold: it is true, or it is to be read again."""

import logging

from brokersync.domain.asked import ReviewDecision
from brokersync.domain.runs import Outcome
from brokersync.ports.feeds import Feeds
from brokersync.ports.world import Clock
from brokersync.services.owe_sync import OweSync, RequestedSync
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.request_sync import RequestSync

logger = logging.getLogger(__name__)


class NothingToReviewError(Exception):
    """The account's last sync left nothing to decide."""


class Review:
    """Ends a review by another run. What is stored stays stored, whatever is decided (I9)."""

    def __init__(self, own: OwnAccounts, feeds: Feeds, request_sync: RequestSync, owe: OweSync, clock: Clock) -> None:
        self._own, self._feeds, self._clock = own, feeds, clock
        self._request_sync, self._owe = request_sync, owe

    def run(self, user_id: str, account_id: str, decision: ReviewDecision) -> RequestedSync:
        """Decide. Accepted is that trades executed until now may be missing from answers; it counts as no manual sync.

        Raises AccountNotFoundError, NothingToReviewError, and as RequestSync does.
        """
        feed = self._own.with_feed(user_id, account_id).feed
        if feed.outcome is not Outcome.NEEDS_REVIEW:
            raise NothingToReviewError(account_id)
        logger.info("account_reviewed", extra={"feed_id": feed.feed_id, "decision": decision.value})
        if decision is ReviewDecision.READ_AGAIN:
            return self._request_sync.run(user_id, account_id)
        self._feeds.accept(feed.feed_id, self._clock.now())
        return self._owe.run(feed, account_id)
