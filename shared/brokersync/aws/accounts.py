"""Trading accounts (ports.Accounts, ports.AccountsReader)."""

from collections.abc import Sequence

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.accounts import AccountItem, identity_of
from brokersync.aws.tables.attributes import becomes
from brokersync.aws.tables.base import Refused, all_of
from brokersync.ports.accounts import TradingAccount


class DynamoAccounts:
    """Accounts in DynamoDB."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(AccountItem)

    def ensure(self, account: TradingAccount) -> None:
        """Create the account unless it exists; name and currency are brought up to date where they are not empty."""
        result = self._items.of(account).insert(AccountItem.account_id.does_not_exist())
        if not isinstance(result, Refused) or result.found is None:
            return
        known = result.found
        renewed = [AccountItem.name.set(account.name)] if account.name not in ("", known.name) else []
        if account.currency not in ("", known.currency):
            renewed.append(AccountItem.currency.set(account.currency))
        if renewed:
            self._items.change(account.account_id, actions=renewed, condition=AccountItem.account_id.exists())

    def same(self, account: TradingAccount) -> Sequence[TradingAccount]:
        """All accounts of the user that are this one at the broker. One made in the last moments may be missing."""
        return self._read([item.account_id for item in self._items.by_identity.query(identity_of(account))])

    def move(self, account: TradingAccount, *, feed_id: str, connection_id: str) -> None:
        """Put the account under another feed and connection, unless somebody else has since it was read."""
        self._items.change(
            account.account_id,
            actions=[AccountItem.feed_id.set(feed_id), AccountItem.connection_id.set(connection_id)],
            condition=all_of(
                AccountItem.feed_id == account.feed_id, AccountItem.connection_id == account.connection_id
            ),
        )

    def rename(self, account_id: str, display_name: str) -> None:
        """Give the account the trader's own name; empty takes it away. Raises KeyError for an unknown account."""
        renamed = self._items.change(
            account_id,
            actions=[becomes(AccountItem.display_name, display_name)],
            condition=AccountItem.account_id.exists(),
        )
        if isinstance(renamed, Refused):
            raise KeyError(account_id)

    def get(self, account_id: str) -> TradingAccount | None:
        """The account, whoever owns it: the caller compares `user_id`."""
        item = self._items.find(account_id)
        return item.to_account() if item else None

    def of_user(self, user_id: str) -> Sequence[TradingAccount]:
        """All accounts of a user, by account id. One made in the last moments may be missing."""
        return self._read([item.account_id for item in self._items.by_user.query(user_id)])

    def _read(self, account_ids: Sequence[str]) -> Sequence[TradingAccount]:
        found = self._items.batch_get(account_ids, consistent_read=True)
        return sorted((item.to_account() for item in found), key=lambda account: account.account_id)
