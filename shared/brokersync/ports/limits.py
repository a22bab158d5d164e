"""Limits that many processes keep together: requests to a broker, and what one user may ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from brokersync.domain.limiter import LimitStatus, Log, Window


class Permits(Protocol):
    """Permits for requests to a broker (I6)."""

    def take(self, key: str, windows: Sequence[Window], now: datetime) -> datetime:
        """Reserve one use; returns the time from which it may happen (`now`: at once).

        A slot further away than limiter.RESERVE_AHEAD is only told: nobody waits for it, so it must not be used up.
        Raises RetryLaterError(limits_unavailable) when the ledger can't be reached.
        """
        ...

    def refused(self, key: str, windows: Sequence[Window], now: datetime, until: datetime) -> None:
        """The broker refused and named a time: nobody gets a permit before it. Raises as `take` does."""
        ...


class Limits(Protocol):
    """Limits on anything, by a key of the caller's choice (`manual-sync:{user_id}`), each with its windows.

    `take` answers `now` when the use is granted and counted, and else the time at which one is possible again
    (next_allowed_at); then nothing is counted.
    """

    def take(self, key: str, windows: Sequence[Window], now: datetime) -> datetime:
        """Use it once, if every window has room. Raises RetryLaterError(limits_unavailable)."""
        ...

    def status(self, key: str, windows: Sequence[Window], now: datetime) -> LimitStatus:
        """What is used (used, max, resets_at by window) and when the next use may happen; counts nothing.

        Raises RetryLaterError(limits_unavailable).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitEntry:
    """What the ledger holds of a key; `turn` is another one after every write."""

    turn: str
    log: Log


class LimitLedger(Protocol):
    """One entry per key, changed by compare and set. What fails is told as RetryLaterError(limits_unavailable)."""

    def read(self, key: str) -> LimitEntry | None:
        """The entry as it is."""
        ...

    def replace(self, key: str, entry: LimitEntry, *, turn: str) -> LimitEntry | None:
        """Write the entry if the key's is at that turn; returns the one that is there instead, if not."""
        ...

    def start(self, key: str, entry: LimitEntry, *, idle_since: datetime) -> LimitEntry | None:
        """Write the entry if the key has none, or none with uses after `idle_since`; returns the one that has."""
        ...
