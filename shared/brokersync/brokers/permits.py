"""Permits for brokers that count by the caller's address: each process has its own, so its memory is the ledger."""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from brokersync.domain.limiter import RESERVE_AHEAD, Log, Window, closed, reserve, with_uses


class ProcessPermits:
    """ports.Permits in memory, safe to use from several threads. It holds one log per broker."""

    def __init__(self) -> None:
        self._logs: dict[str, Log] = {}
        self._lock = Lock()

    def take(self, key: str, windows: Sequence[Window], now: datetime) -> datetime:
        """Reserve one request; a slot further away than RESERVE_AHEAD is only told."""
        with self._lock:
            log = self._logs.get(key, ())
            grant = reserve(log, windows, now)
            if windows and grant.slot - now <= RESERVE_AHEAD:
                self._logs[key] = with_uses(log, grant.uses, windows, now)
            return grant.slot

    def refused(self, key: str, windows: Sequence[Window], now: datetime, until: datetime) -> None:
        """Let nobody in this process have a permit before `until`."""
        with self._lock:
            if windows:
                self._logs[key] = closed(self._logs.get(key, ()), windows, now, until)
