"""Users: what they may, and how they want to be spoken to."""

from dataclasses import dataclass
from typing import Protocol

from brokersync.domain.messages import Locale
from brokersync.domain.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSettings:
    """A user's row; who has none is on the free plan. `time_zone` is an IANA name. Empty or None: not chosen."""

    plan: Plan = Plan.FREE
    locale: Locale | None = None
    time_zone: str = ""


class UsersReader(Protocol):
    """What may be read of a user."""

    def settings(self, user_id: str) -> UserSettings:
        """The user's settings; the default ones of a user nobody knows."""
        ...


class Users(UsersReader, Protocol):
    """Where a user chooses."""

    def prefer(self, user_id: str, *, locale: Locale | None = None, time_zone: str | None = None) -> UserSettings:
        """Store what is given and leave the rest; returns the settings as they are then."""
        ...
