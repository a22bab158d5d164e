"""The ledger of limits in memory; tests/contract runs the same tests over it and over the table."""

from collections import Counter
from datetime import datetime
from threading import Lock

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.ports.limits import LimitEntry


class FakeLimitLedger:
    """Counts reads and writes, refused ones too. `down` is a ledger that can't be reached."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.down = False
        self._entries: dict[str, LimitEntry] = {}
        self._lock = Lock()

    def read(self, key: str) -> LimitEntry | None:
        self._call("read")
        return self._entries.get(key)

    def replace(self, key: str, entry: LimitEntry, *, turn: str) -> LimitEntry | None:
        self._call("write")
        with self._lock:
            there = self._entries.get(key)
            if there is None or there.turn != turn:
                return there or LimitEntry(turn="", log=())
            self._entries[key] = entry
            return None

    def start(self, key: str, entry: LimitEntry, *, idle_since: datetime) -> LimitEntry | None:
        self._call("write")
        with self._lock:
            there = self._entries.get(key)
            if there is not None and any(uses.until > idle_since for uses in there.log):
                return there
            self._entries[key] = entry
            return None

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.down:
            raise RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "The limits can't be checked right now.")
