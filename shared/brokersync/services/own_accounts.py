"""Which accounts are a user's own: the one place where another user's are told apart from nothing at all (I7)."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.feeds import Feed, FeedPurpose
from brokersync.ports.accounts import AccountsReader, TradingAccount
from brokersync.ports.feeds import Feeds

logger = logging.getLogger(__name__)

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AccountNotFoundError(Exception):
    """The user has no such account: unknown, malformed and another user's are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """An account with the feed that brings its data."""

    account: TradingAccount
    feed: Feed


class OwnAccounts:
    """A user's accounts. A connection whose accounts no fetch has found yet stands in for them, under its feed's id."""

    def __init__(self, accounts: AccountsReader, feeds: Feeds) -> None:
        self._accounts, self._feeds = accounts, feeds

    def account(self, user_id: str, account_id: str) -> TradingAccount:
        """One account of the user. Raises AccountNotFoundError."""
        account = self._find(account_id) if _ACCOUNT_ID.fullmatch(account_id) else None
        if account is None or account.user_id != user_id:
            raise AccountNotFoundError(account_id)
        return account

    def with_feed(self, user_id: str, account_id: str) -> OwnAccount:
        """One account of the user with its feed. Raises AccountNotFoundError."""
        account = self.account(user_id, account_id)
        feed = self._feeds.get(account.feed_id)
        if feed is None:
            logger.warning("account_without_feed", extra={"account_id": account_id, "feed_id": account.feed_id})
            raise AccountNotFoundError(account_id)
        return OwnAccount(account=account, feed=feed)

    def all(self, user_id: str) -> Sequence[OwnAccount]:
        """All accounts of the user, by broker and account id."""
        feeds = {feed.feed_id: feed for feed in self._feeds.of_user(user_id)}
        own = []
        for account in self._accounts.of_user(user_id):
            if account.feed_id in feeds:
                own.append(OwnAccount(account=account, feed=feeds[account.feed_id]))
            else:
                logger.warning("account_without_feed", extra={"account_id": account.account_id})
        found = {item.feed.feed_id for item in own}
        own += [
            OwnAccount(account=_stand_in(feed), feed=feed)
            for key, feed in feeds.items()
            if key not in found and _stands_in(feed)
        ]
        return sorted(own, key=lambda item: (item.account.broker, item.account.account_id))

    def _find(self, account_id: str) -> TradingAccount | None:
        account = self._accounts.get(account_id)
        if account is not None:
            return account
        feed = self._feeds.get(account_id)
        return _stand_in(feed) if feed is not None and _stands_in(feed) else None


def _stands_in(feed: Feed) -> bool:
    """Whether a feed is shown for accounts that are not known yet."""
    return not feed.accounts and feed.purpose is not FeedPurpose.ERASE


def _stand_in(feed: Feed) -> TradingAccount:
    return TradingAccount(
        account_id=feed.feed_id,
        user_id=feed.user_id,
        feed_id=feed.feed_id,
        connection_id=feed.connection_id,
        broker=feed.broker,
        broker_account_id="",
        masked_number="",
        name="",
        currency="",
    )
