"""Permits for brokers that count by the caller's address: each process has its own, so its memory is the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

from brokersync.domain.limiter import Pace, reserve
from brokersync.domain.manifests import LimitWindow


class ProcessPermits:
    """ports.Permits in memory, safe to use from several threads. It holds one entry per broker."""

    def __init__(self) -> None:
        self._next: dict[str, Mapping[str, datetime]] = {}
        self._lock = Lock()

    def take(self, key: str, windows: Sequence[LimitWindow], now: datetime) -> datetime:
        """Reserve one request; a slot further away than RESERVE_AHEAD is only told."""
        with self._lock:
            reservation = reserve(self._next.get(key, {}), [Pace.of(window) for window in windows], now)
            if reservation.is_near(now):
                self._next[key] = reservation.following
            return reservation.slot
