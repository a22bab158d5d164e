"""When the next use of something that is limited may happen, so that no window is ever passed (I6). Pure.

Permits are granted in blocks: so many of them, usable from `slot`, the last of them with the broker by `until`. A log
keeps what was granted lately. A block is granted at a time at which every window has room for it, where a window counts
all permits that may arrive less than its length before that time.

Why no window is passed: take any span of a window's length, and of the blocks that may send into it the one granted
last. When that one was granted, each of the others still counted, and all together were within the window.

While a block is good, its permits may come at any time; in windows that are shorter than that all of them would count
all the time. So its holder keeps them `spacing` apart, and a block counts there as one permit.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

GUARD = timedelta(milliseconds=500)
"""How late after its slot a use may arrive: half for a late start, half for its way and clocks that differ."""

RESERVE_AHEAD = timedelta(seconds=5)
"""Slots further ahead are told but not reserved: whoever is told comes back, and must not have used them up."""

HOLD = timedelta(seconds=4)
"""How long a block of several permits is good, unless its spacing needs longer."""

LARGEST_BLOCK = 5  # larger ones are too often left half used: then less than nine tenths of a limit would be
WELL_USED = 0.9
MOST_USES = 64  # an item of the ledger with so many stays under 1 KB, so that an update costs one write unit


@dataclass(frozen=True)
class Window:
    """At most `most` uses in any span of `seconds`."""

    most: int
    seconds: float

    @cached_property
    def length(self) -> timedelta:
        """`seconds` as a length of time."""
        return timedelta(seconds=self.seconds)

    @cached_property
    def is_short(self) -> bool:
        """Whether it ends sooner than a block of several permits."""
        return self.length < HOLD

    def weight(self, uses: "Uses") -> int:
        """How many of these uses it may see at most."""
        return min(uses.blocks if self.is_short else uses.count, self.most)


@dataclass(frozen=True, slots=True)
class Uses:
    """So many uses in so many blocks, the last of them arrived by `until` (aware UTC)."""

    until: datetime
    count: int
    blocks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A block of permits, the first of them good from `slot` on (aware UTC)."""

    slot: datetime
    uses: Uses


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStatus:
    """What is used of a window: `used` of `max`, and when all of it is free again if nothing more is used."""

    seconds: float
    used: int
    max: int
    resets_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStatus:
    """A limit as it stands: when the next use may happen (now, if at once), and each of its windows."""

    next_allowed_at: datetime
    windows: tuple[WindowStatus, ...]


Log = Sequence[Uses]  # by `until`


def spacing(windows: Sequence[Window], count: int) -> timedelta:
    """How far apart the permits of a block of `count` have to be; zero where every window has room for them at once."""
    if count == 1:
        return timedelta(0)
    apart = [(window.length + GUARD) / (1 if window.is_short else window.most) for window in windows]
    tight = [window.is_short or window.most < count for window in windows]
    return max((one for one, needed in zip(apart, tight, strict=True) if needed), default=timedelta(0))


def hold(windows: Sequence[Window], count: int) -> timedelta:
    """How long a block of `count` is good: what its permits count longer than if they were taken one by one."""
    return max(HOLD, (count - 1) * spacing(windows, count)) if count > 1 else timedelta(0)


def largest_block(windows: Sequence[Window]) -> int:
    """The most permits that are worth taking at once: whole blocks still have to use the longest window well."""
    window = max(windows, key=lambda window: window.seconds)

    def used(size: int) -> float:
        whole = window.most // size * size / window.most
        return whole * (window.length / (window.length + hold(windows, size) + GUARD))

    return max([1, *(size for size in range(2, LARGEST_BLOCK + 1) if used(size) >= WELL_USED)])


def first_block(windows: Sequence[Window]) -> int:
    """How many to take of a key nobody knows anything about: what a small sync needs, if that is little of it."""
    most = max(windows, key=lambda window: window.seconds).most
    return min(max(most // 16, 1), largest_block(windows))


def reserve(log: Log, windows: Sequence[Window], now: datetime, count: int = 1) -> Grant:
    """The earliest block of that many permits."""
    slot = now
    for window in windows:
        used = window.weight(Uses(now, count))
        for uses in reversed(log):
            used += window.weight(uses)
            if used > window.most:
                slot = max(slot, uses.until + window.length)
                break
    return Grant(slot=slot, uses=Uses(slot + hold(windows, count) + GUARD, count))


def with_uses(log: Log, uses: Uses, windows: Sequence[Window], now: datetime) -> Log:
    """The log with one more block, without those that count no more, and never longer than MOST_USES."""
    oldest = now - longest(windows)
    kept = [one for one in log if one.until > oldest]
    insort(kept, uses, key=lambda one: one.until)
    while len(kept) > MOST_USES:
        # The earlier of two that become one counts a little longer: that is safe, and least where they are close.
        at = min(range(len(kept) - 1), key=lambda place: kept[place + 1].until - kept[place].until)
        one, other = kept[at : at + 2]
        kept[at : at + 2] = [Uses(other.until, one.count + other.count, one.blocks + other.blocks)]
    return tuple(kept)


def closed(log: Log, windows: Sequence[Window], now: datetime, until: datetime) -> Log:
    """The log after the broker refused: nothing more is granted before `until`."""
    widest = max(windows, key=lambda window: window.seconds)
    return with_uses(log, Uses(until - widest.length, widest.most, widest.most), windows, now)


def longest(windows: Sequence[Window]) -> timedelta:
    """The length of the longest window: what is older counts nowhere."""
    return max(window.length for window in windows)


def status(log: Log, windows: Sequence[Window], now: datetime) -> LimitStatus:
    """What is used of each window. A block that was reserved counts as used."""
    told = []
    for window in windows:
        counted = [uses for uses in log if uses.until > now - window.length]
        told.append(
            WindowStatus(
                seconds=window.seconds,
                used=min(sum(window.weight(uses) for uses in counted), window.most),
                max=window.most,
                resets_at=max((uses.until for uses in counted), default=now - window.length) + window.length,
            )
        )
    return LimitStatus(next_allowed_at=reserve(log, windows, now).slot, windows=tuple(told))


def is_good(slot: datetime, now: datetime) -> bool:
    """Whether a permit may still be used. A late one is forfeited: the requests after it count on its slot."""
    return now <= slot + GUARD / 2


class Block:
    """A granted block in the hands of its process."""

    def __init__(self, grant: Grant, windows: Sequence[Window]) -> None:
        self._uses = grant.uses
        self._spacing = spacing(windows, grant.uses.count)
        self._next = grant.slot
        self.used = 0

    def slot(self, now: datetime) -> datetime | None:
        """When the next of its permits may be used; None when there is none any more."""
        slot = max(now, self._next)
        good = self.used < self._uses.count and slot <= self._uses.until - GUARD
        return slot if good else None

    def use(self, slot: datetime) -> None:
        """Take the permit at its slot."""
        self.used += 1
        self._next = slot + self._spacing

    def next_size(self, largest: int) -> int:
        """How many to take next: one more than were needed of this one, so that few are left unused."""
        return min(self.used + 1, largest)
