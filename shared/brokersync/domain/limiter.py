"""When the next request to a broker may be sent, so that none of its limits is ever passed (I6). Pure.

Each window is a leaky bucket that remembers one time, `next`: how long the permits given so far use up the window's
steady pace. A permit costs one step of that pace, and permits may run ahead of it by the window's slack:

    slot = max(now, next - slack) over all windows        next = max(next, slot) + step in each of them

With step = (seconds + guard) / (configured - burst + 1) and slack = (burst - 1) * step no window of `seconds` holds
more than `configured` requests, though each may arrive up to a guard after its slot: the slots inside seconds + guard
are at most (configured - burst + 1) + (burst - 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from brokersync.domain.manifests import LimitWindow

GUARD = timedelta(milliseconds=500)
"""How late after its slot a request may arrive: half for a late start, half for its way and clocks that differ."""

RESERVE_AHEAD = timedelta(seconds=5)
"""Slots further ahead are told but not reserved: whoever is told comes back, and must not have used them up."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A window as its bucket sees it: what a permit costs, and how far permits may run ahead of the steady pace."""

    name: str
    step: timedelta
    slack: timedelta

    @classmethod
    def of(cls, window: LimitWindow) -> "Pace":
        """The pace of a window: half of what it allows may come at once, the rest is spread over it."""
        burst = (window.configured + 1) // 2
        length = (timedelta(seconds=window.seconds) + GUARD) // _TICK
        step = -(-length // (window.configured - burst + 1)) * _TICK
        return cls(name=f"{round(window.seconds * 1000)}ms", step=step, slack=(burst - 1) * step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One permit: the time from which it may be used, and `next` of each window once it is taken."""

    slot: datetime
    following: Mapping[str, datetime]

    def is_near(self, now: datetime) -> bool:
        """Whether the slot is worth reserving."""
        return self.slot - now <= RESERVE_AHEAD


def reserve(known: Mapping[str, datetime], paces: Sequence[Pace], now: datetime) -> Reservation:
    """The earliest permit, given `next` of each window by its name; a window without one was never used."""
    slot = max([now, *(known[pace.name] - pace.slack for pace in paces if pace.name in known)])
    following = {pace.name: max(known.get(pace.name, slot), slot) + pace.step for pace in paces}
    return Reservation(slot=slot, following=following)


def is_good(slot: datetime, now: datetime) -> bool:
    """Whether a permit may still be used. A late one is forfeited: the requests after it count on its slot."""
    return now <= slot + GUARD / 2
