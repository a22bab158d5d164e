"""A trader changes an account: whether and how often it is synced by itself, and what it is called."""

from dataclasses import dataclass

from brokersync.ports.accounts import AccountNames
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.schedules import Schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanges:
    """What to change; None leaves it. An empty `display_name` brings the broker's name back."""

    sync_enabled: bool | None = None
    interval_min: int | None = None
    display_name: str | None = None


class NotNameableError(Exception):
    """The account isn't known yet, so there is nothing that could bear a name."""


class ChangeAccount:
    """Changes an account, and the feed that brings its data: accounts of one feed share its schedule."""

    def __init__(self, own: OwnAccounts, schedules: Schedules, names: AccountNames) -> None:
        self._own, self._schedules, self._names = own, schedules, names

    def run(self, user_id: str, account_id: str, changes: AccountChanges) -> None:
        """Make the changes. Raises AccountNotFoundError, and NotNameableError before it has changed anything."""
        own = self._own.with_feed(user_id, account_id)
        if changes.display_name is not None:
            try:
                self._names.rename(account_id, changes.display_name)
            except KeyError:
                raise NotNameableError(account_id) from None
        if changes.sync_enabled is not None or changes.interval_min is not None:
            self._schedules.change(own.feed, chosen_min=changes.interval_min, sync_enabled=changes.sync_enabled)
