"""The accounts table."""

import hashlib
from typing import Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import KeysOnlyProjection

from brokersync.aws.tables.base import Table, TableIndex, settings
from brokersync.ports.accounts import TradingAccount


class AccountsByUser(TableIndex["AccountItem"], name="by_user", projection=KeysOnlyProjection()):
    """A user's accounts."""

    user_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute(range_key=True)


class AccountsByIdentity(TableIndex["AccountItem"], name="by_identity", projection=KeysOnlyProjection()):
    """Accounts of one user that are the same at the broker: an account that is connected again is found."""

    identity = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute(range_key=True)


class AccountItem(Table):
    """A trading account. `identity` is a hash of whose and which it is at the broker."""

    Meta = settings("accounts")
    by_user = AccountsByUser()
    by_identity = AccountsByIdentity()

    account_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    identity = UnicodeAttribute()
    feed_id = UnicodeAttribute()
    connection_id = UnicodeAttribute()
    broker = UnicodeAttribute()
    environment = UnicodeAttribute(null=True)
    broker_account_id = UnicodeAttribute()
    masked_number = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    display_name = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, account: TradingAccount) -> Self:
        """The item of an account."""
        return cls(
            account.account_id,
            user_id=account.user_id,
            identity=identity_of(account),
            feed_id=account.feed_id,
            connection_id=account.connection_id,
            broker=account.broker,
            environment=account.environment or None,
            broker_account_id=account.broker_account_id,
            masked_number=account.masked_number,
            name=account.name or None,
            currency=account.currency or None,
            display_name=account.display_name or None,
        )

    def to_account(self) -> TradingAccount:
        """The account as the services know it."""
        return TradingAccount(
            account_id=self.account_id,
            user_id=self.user_id,
            feed_id=self.feed_id,
            connection_id=self.connection_id,
            broker=self.broker,
            broker_account_id=self.broker_account_id,
            masked_number=self.masked_number,
            name=self.name or "",
            currency=self.currency or "",
            environment=self.environment or "",
            display_name=self.display_name or "",
        )


def identity_of(account: TradingAccount) -> str:
    """Whose account it is, and which one at the broker: brokers may give one number in each environment."""
    same = "\n".join((account.user_id, account.broker, account.environment, account.broker_account_id))
    return hashlib.sha256(same.encode()).hexdigest()[:32]
