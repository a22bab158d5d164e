"""Limits that the whole fleet keeps, over one ledger entry per key (I6)."""

import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.limiter import (
    RESERVE_AHEAD,
    Block,
    Grant,
    LimitStatus,
    Log,
    Window,
    closed,
    first_block,
    largest_block,
    longest,
    reserve,
    status,
    with_uses,
)
from brokersync.ports.limits import LimitEntry, LimitLedger

TRIES = 12
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.4  # seconds between two tries at most
MOST_KEYS = 10_000

Change = Callable[[Log, datetime], Log | None]  # None: there is nothing to change


@dataclass(slots=True)
class _Key:
    """What this process knows of a key. The lock makes its threads use one block instead of taking one each."""

    lock: Lock = field(default_factory=Lock)
    entry: LimitEntry | None = None
    block: Block | None = None
    contended: bool = False  # another process was met here since the key lay idle


class SharedLimits:
    """ports.Permits and ports.Limits. Without the ledger nobody gets anything.

    Permits for requests are taken in blocks that grow and shrink with what was used of the last one: a write per block.
    A key that nobody else uses costs no read: its entry is replaced as we left it, or started anew when it lay idle.
    Only after another process was met there it is read before it is written, as a read is a fifth of a write.
    """

    def __init__(
        self,
        ledger: LimitLedger,
        *,
        in_blocks: bool = True,
        ahead: timedelta = RESERVE_AHEAD,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`in_blocks=False` and `ahead=timedelta(0)` count each use by itself, and only what happens now."""
        self._ledger = ledger
        self._sleep = sleep
        self._rng = random.Random().random  # noqa: S311 (spreads tries, hides nothing)
        self._in_blocks = in_blocks
        self._ahead = ahead
        self._keys: dict[str, _Key] = {}
        self._lock = Lock()

    def take(self, key: str, windows: Sequence[Window], now: datetime) -> datetime:
        """Reserve one use; returns its time. A time further away than `ahead` is only told.

        Raises RetryLaterError (limits_unavailable) when the ledger can't be reached, or everybody wants the key.
        """
        if not windows:
            return now
        own = self._key(key)
        with own.lock:
            slot = own.block.slot(now) if own.block else None
            if slot is None or own.block is None:
                grant = self._take_block(own, key, windows, now)
                if grant.slot - now > self._ahead:
                    return grant.slot
                own.block, slot = Block(grant, windows), grant.slot
            if slot - now <= self._ahead:
                own.block.use(slot)
            return slot

    def refused(self, key: str, windows: Sequence[Window], now: datetime, until: datetime) -> None:
        """Let nobody have a permit before `until`. Raises as `take` does."""
        if not windows:
            return
        own = self._key(key)
        with own.lock:
            own.block = None
            self._change(own, key, windows, now, lambda log, now: closed(log, windows, now, until))

    def status(self, key: str, windows: Sequence[Window], now: datetime) -> LimitStatus:
        """What is used of each window, and when the next use may happen. Raises as `take` does."""
        entry = self._ledger.read(key)
        return status(entry.log if entry else (), windows, now)

    def _take_block(self, own: _Key, key: str, windows: Sequence[Window], now: datetime) -> Grant:
        size = self._size(own, windows)
        grant = reserve((), windows, now, size)

        def taken(log: Log, now: datetime) -> Log | None:
            nonlocal grant
            grant = reserve(log, windows, now, size)
            if not own.contended:  # where others wait too, taking what is left would cut all blocks to pieces
                smaller = (reserve(log, windows, now, less) for less in range(size - 1, 0, -1))
                grant = grant if grant.slot <= now else next((one for one in smaller if one.slot <= now), grant)
            return None if grant.slot - now > self._ahead else with_uses(log, grant.uses, windows, now)

        self._change(own, key, windows, now, taken)
        return grant

    def _size(self, own: _Key, windows: Sequence[Window]) -> int:
        """How many permits to take at once."""
        if not self._in_blocks or (any(window.is_short for window in windows) and not own.contended):
            return 1  # the permits of a block would have to be kept apart, for nobody's sake
        return own.block.next_size(largest_block(windows)) if own.block else first_block(windows)

    def _change(self, own: _Key, key: str, windows: Sequence[Window], now: datetime, change: Change) -> None:
        """Replace the log by what `change` makes of it, whoever else changes it meanwhile."""
        for overtaken in range(TRIES):
            changed = change(_log(own.entry), now)
            if changed is not None and own.contended:
                own.entry = self._ledger.read(key)
                changed = change(_log(own.entry), now)
            if changed is None:
                return  # nothing to have now: what others did since we looked can only make it later
            refusing = self._write(
                own, key, LimitEntry(turn=uuid.uuid4().hex[:16], log=changed), now - longest(windows)
            )
            if refusing is None:
                return
            own.entry, own.contended = refusing, True
            # Those who met here would meet again.
            pause = self._rng() * min(FIRST_PAUSE * 2**overtaken, LONGEST_PAUSE)
            self._sleep(pause)
            now += timedelta(seconds=pause)
        raise RetryLaterError(
            ErrorCode.LIMITS_UNAVAILABLE,
            "The broker's limits can't be checked right now.",
            detail=f"limits: {TRIES} writes of one key were overtaken",
        )

    def _write(self, own: _Key, key: str, new: LimitEntry, idle_since: datetime) -> LimitEntry | None:
        """Returns the entry that was there instead of the one that we know, if so."""
        if own.entry and any(uses.until > idle_since for uses in own.entry.log):
            refusing = self._ledger.replace(key, new, turn=own.entry.turn)
        else:
            refusing = self._ledger.start(key, new, idle_since=idle_since)
            own.contended = False
        if refusing is None:
            own.entry = new
        return refusing

    def _key(self, key: str) -> _Key:
        with self._lock:
            if len(self._keys) >= MOST_KEYS:
                self._keys.clear()
            return self._keys.setdefault(key, _Key())


def _log(entry: LimitEntry | None) -> Log:
    return entry.log if entry else ()
