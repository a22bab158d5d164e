"""Trading accounts and their owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from brokersync.domain.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingAccount:
    """A trader's account at a broker. `masked_number` is all of the broker's number that is ever shown.

    `name` is the broker's, `display_name` the trader's own; empty where there is none.
    """

    account_id: str
    user_id: str
    feed_id: str
    connection_id: str
    broker: str
    broker_account_id: str
    masked_number: str
    name: str
    currency: str
    environment: str = ""
    display_name: str = ""


class Accounts(Protocol):
    """Trading accounts."""

    def ensure(self, account: TradingAccount) -> None:
        """Create the account unless it exists; name and currency are brought up to date where they are not empty."""
        ...

    def same(self, account: TradingAccount) -> Sequence[TradingAccount]:
        """All accounts of the user that are this one at the broker: equal broker, environment and number."""
        ...

    def move(self, account: TradingAccount, *, feed_id: str, connection_id: str) -> None:
        """Put the account under another feed and connection, unless somebody else has since it was read."""
        ...

    def of_user(self, user_id: str) -> Sequence[TradingAccount]:
        """All accounts of a user, by account id."""
        ...


class AccountsReader(Protocol):
    """What the API reads of the accounts table."""

    def get(self, account_id: str) -> TradingAccount | None:
        """The account, whoever owns it: the caller compares `user_id`."""
        ...

    def of_user(self, user_id: str) -> Sequence[TradingAccount]:
        """All accounts of a user, by account id."""
        ...


class AccountNames(Protocol):
    """Where traders name their accounts."""

    def rename(self, account_id: str, display_name: str) -> None:
        """Give the account the trader's own name; empty takes it away. Raises KeyError for an unknown account."""
        ...


class Plans(Protocol):
    """Which plan a user is on."""

    def plan(self, user_id: str) -> Plan:
        """The user's plan; a user nobody knows is on the free one."""
        ...
