"""What a trader is told about the accounts: each with its status, and the truth about all of them together (I5)."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from brokersync.domain.plans import CHOOSABLE_INTERVALS_MIN, effective_interval
from brokersync.domain.status import SEVERITY, AccountStatus, SyncStatus, derive
from brokersync.ports.brokers import Manifests
from brokersync.ports.world import Clock
from brokersync.services.own_accounts import OwnAccount, OwnAccounts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account, its broker's name, why nothing newer can exist yet, and how its sync stands.

    `min_interval_min` is the shortest interval that the plan allows and the broker makes useful.
    """

    own: OwnAccount
    broker_name: str
    news_note: str
    min_interval_min: int
    status: SyncStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All accounts, the worst status among them, and the oldest last success.

    `worst` is None without accounts; `last_successful_sync_at` is None also while one of them never succeeded.
    """

    accounts: Sequence[AccountState]
    worst: AccountStatus | None
    last_successful_sync_at: datetime | None

    @property
    def worst_account(self) -> AccountState | None:
        """The account that needs a look most; None without accounts."""
        return max(self.accounts, key=lambda state: SEVERITY[state.status.status], default=None)

    @property
    def counts(self) -> Mapping[AccountStatus, int]:
        """How many accounts have each status that there is."""
        return Counter(state.status.status for state in self.accounts)

    @property
    def last_attempted_sync_at(self) -> datetime | None:
        """When the last sync of any account ended."""
        return max(filter(None, (state.status.last_attempted_sync_at for state in self.accounts)), default=None)

    @property
    def next_sync_at(self) -> datetime | None:
        """When the next sync of any account comes."""
        return min(filter(None, (state.status.next_sync_at for state in self.accounts)), default=None)


class ReadStatus:
    """Reads the status of a user's accounts. All accounts of a feed show their feed's status."""

    def __init__(self, own: OwnAccounts, manifests: Manifests, clock: Clock) -> None:
        self._own, self._manifests, self._clock = own, manifests, clock

    def all(self, user_id: str) -> Overview:
        """Every account of the user."""
        now = self._clock.now()
        states = [self._state(own, now) for own in self._own.all(user_id)]
        successes = [state.status.last_successful_sync_at for state in states]
        known = [success for success in successes if success is not None]
        return Overview(
            accounts=states,
            worst=max((state.status.status for state in states), key=SEVERITY.__getitem__, default=None),
            last_successful_sync_at=min(known) if known and len(known) == len(successes) else None,
        )

    def one(self, user_id: str, account_id: str) -> AccountState:
        """One account of the user. Raises AccountNotFoundError."""
        return self._state(self._own.with_feed(user_id, account_id), self._clock.now())

    def _state(self, own: OwnAccount, now: datetime) -> AccountState:
        name, note, useful = own.feed.broker, "", own.feed.interval_min
        try:
            manifest = self._manifests.manifest(own.feed.broker)
            name, note, useful = manifest.name, manifest.news_note, manifest.useful_interval_min
        except ValueError:  # a release that knows the broker was rolled back: the other accounts must still be shown
            logger.warning("unknown_broker", extra={"broker": own.feed.broker, "feed_id": own.feed.feed_id})
        return AccountState(
            own=own,
            broker_name=name,
            news_note=note,
            min_interval_min=effective_interval(CHOOSABLE_INTERVALS_MIN[0], own.feed.plan, useful),
            status=derive(own.feed, now),
        )
