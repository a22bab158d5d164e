"""Connecting an account again keeps its identity: the account we have goes on under the new connection."""

import logging
from collections.abc import Sequence

from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.ports.accounts import Accounts, TradingAccount
from brokersync.ports.connections import Connection, Disconnecting
from brokersync.ports.feeds import Feeds

log = logging.getLogger(__name__)


class Relink:
    """Finds accounts that are known already, and takes them over from connections that are dead or replaced."""

    def __init__(self, feeds: Feeds, accounts: Accounts, connections: Disconnecting) -> None:
        self._feeds = feeds
        self._accounts = accounts
        self._connections = connections

    def find(self, new: TradingAccount, connection: Connection) -> TradingAccount | None:
        """The account that `new` is at the broker, as we have it; None: it is really new.

        Raises UserActionNeededError (already_connected) where another connection that works has it, unless it is the
        one that `connection` replaces, and where several have it: nothing is guessed.
        """
        known = self._accounts.same(new)
        for account in known:
            if account.connection_id == connection.connection_id:
                return account
        for account in known:
            if account.connection_id != connection.replaces and self._is_alive(account, connection):
                raise UserActionNeededError(
                    ErrorCode.ALREADY_CONNECTED,
                    f"Account {account.masked_number} is connected already, by {account.connection_id}.",
                )
        if len(known) > 1:
            raise UserActionNeededError(
                ErrorCode.ALREADY_CONNECTED,
                f"Account {new.masked_number} is here {len(known)} times, from connections that were removed: "
                f"{', '.join(account.connection_id for account in known)}. Erase all but the one that is to go on.",
            )
        return known[0] if known else None

    def release(self, taken: Sequence[TradingAccount], connection: Connection) -> None:
        """Disconnect the other connections that keep no account once these are taken; before the accounts move."""
        taken_ids = {account.account_id for account in taken}
        for old in {account.connection_id for account in taken} - {connection.connection_id}:
            left = [account for account in self._accounts.of_user(connection.user_id) if account.connection_id == old]
            if all(account.account_id in taken_ids for account in left):
                for feed in self._feeds.of_user(connection.user_id):
                    self._feeds.close(feed.feed_id, old)
                self._disconnect(old)
                log.info("connection_superseded", extra={"connection_id": old, "by": connection.connection_id})

    def _disconnect(self, connection_id: str) -> None:
        try:
            self._connections.disconnect(connection_id)
        except KeyError:
            log.warning("account_without_connection", extra={"connection_id": connection_id})

    def _is_alive(self, account: TradingAccount, connection: Connection) -> bool:
        """Whether its feed still runs for another connection; one that is ours already is half-way over."""
        feed = self._feeds.get(account.feed_id)
        return feed is not None and feed.runnable and feed.connection_id != connection.connection_id
