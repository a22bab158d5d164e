"""A trader asks for older history, or takes that back. The load itself is the engine's: any run of the feed does it."""

import logging
from datetime import datetime, timedelta

from brokersync.domain.feeds import Feed
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.domain.plans import TERMS
from brokersync.domain.runs import RequestedBy
from brokersync.ports.brokers import Manifests
from brokersync.ports.feeds import Feeds
from brokersync.ports.world import Clock, Ids
from brokersync.services.owe_sync import OweSync, ReconnectNeededError
from brokersync.services.own_accounts import OwnAccounts

logger = logging.getLogger(__name__)


class BadRangeError(ValueError):
    """A range that can't be loaded. `field` is the name of the bound, `problem` what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        self.field, self.problem = field, problem
        super().__init__(f"{field}: {problem}")


class LoadGoesOnError(Exception):
    """History of this account is being loaded already."""


class Backfill:
    """Owes loads of history to feeds. Accounts that one fetch brings are loaded together."""

    def __init__(
        self, own: OwnAccounts, feeds: Feeds, owe: OweSync, manifests: Manifests, ids: Ids, clock: Clock
    ) -> None:
        self._own, self._feeds, self._owe = own, feeds, owe
        self._manifests, self._ids, self._clock = manifests, ids, clock

    def run(self, user_id: str, account_id: str, start: datetime, end: datetime | None) -> LoadRequest:
        """Ask for what happened from `start` on (aware). `end` None: until what is there already.

        No gap is left: an end before what is there is moved up to it, a start after it back to it.
        Raises AccountNotFoundError, ReconnectNeededError, BadRangeError and LoadGoesOnError.
        """
        feed = self._own.with_feed(user_id, account_id).feed
        if not feed.runnable:
            raise ReconnectNeededError(feed)
        now = self._clock.now()
        self._check(feed, start, end, now)
        known = feed.coverage.of(account_id)
        if known.start is not None and (start < known.start or end is not None):
            end = known.start if end is None else max(end, known.start)
        if known.end is not None:
            start = min(start, known.end)
        request = LoadRequest(kind=LoadKind.BACKFILL, job_id=self._ids.new("job"), start=start, end=end)
        self.owe(feed, account_id, request)
        return request

    def owe(self, feed: Feed, account_id: str, request: LoadRequest) -> None:
        """Write the wish down, then wake a worker for it (I11). Raises LoadGoesOnError and ReconnectNeededError."""
        if not self._feeds.request_load(feed.feed_id, request):
            raise LoadGoesOnError(feed.feed_id)
        logger.info("load_requested", extra={"feed_id": feed.feed_id, "kind": request.kind.value})
        self._owe.run(feed, account_id, RequestedBy.BACKFILL, request.job_id)

    def cancel(self, user_id: str, account_id: str) -> str:
        """Take a wish back; returns its job, empty if there was none. What was loaded stays.

        A run that is at it stops at its next chunk, and the account's sync goes on from where it was before. A first
        sync is no wish: that ends with its connection. Raises AccountNotFoundError.
        """
        feed = self._own.with_feed(user_id, account_id).feed
        if feed.load_request is None:
            return ""
        self._feeds.cancel_load(feed.feed_id)
        logger.info("load_cancelled", extra={"job_id": feed.load_request.job_id, "feed_id": feed.feed_id})
        return feed.load_request.job_id

    def _check(self, feed: Feed, start: datetime, end: datetime | None, now: datetime) -> None:
        if start >= now:
            raise BadRangeError("from", f"is not in the past; it is {_day(now)} now")
        if end is not None and end <= start:
            raise BadRangeError("to", "is not after `from`: swap them, or leave it out")
        if end is not None and end > now:
            raise BadRangeError("to", "is in the future: leave it out to load until now")
        plan_days = TERMS[feed.plan].history_days
        if plan_days is not None and start < now - timedelta(days=plan_days):
            earliest = _day(now - timedelta(days=plan_days - 1))
            raise BadRangeError(
                "from",
                f"is further back than the plan {feed.plan.value} shows: ask from {earliest} on, or change the plan",
            )
        manifest = self._manifests.manifest(feed.broker)
        depth = manifest.history_depth_days
        if depth is not None and start < now - timedelta(days=depth):
            earliest = _day(now - timedelta(days=depth - 1))
            raise BadRangeError("from", f"is further back than {manifest.name} serves: ask from {earliest} on")


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
