"""What was served so far, and the proof that no deal is missing: the balance is the sum of all deals. Pure.

A terminal downloads its history late, and bridges answer an empty list where the terminal failed. So what the deals add
up to is compared with the balance: what it was before the oldest deal that is read again (`opening`), plus these deals,
has to be what the account has now.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from brokersync.brokers.mt5.deals import effect_on_balance
from brokersync.brokers.mt5.manifest import OVERLAP
from brokersync.brokers.mt5.models import Deal

SECOND: Final = 1000
DAY: Final = 86_400 * SECOND
EARLIEST: Final = 1_262_304_000_000
"""2010 by the server's clock: MetaTrader 5 came out that year."""
LONGEST_WINDOW: Final = 366 * DAY
"""The longest time that is asked for at once: a year."""
DOUBTED_FOR: Final = timedelta(days=1)
"""So long a terminal is given to load its history; then all is read once more, and taken as it comes."""


class Cursor(BaseModel):
    """Where a feed stands. Times are the server's clock in milliseconds, except `at` and `doubted_since`.

    `start`: from here on deals are read. `opening`: the balance before the first of them (None: not known).
    `served`: how many deals there were from `start` through `reached`, the newest one's time (0: none yet).
    `loading`: a first load that is not at its end. `seen`: the newest time of anything, told at (or before) `at`.
    `doubted_since`: since then the balance is not explained by the deals.
    """

    model_config = ConfigDict(frozen=True)

    start: int
    opening: Decimal | None = None
    served: int = 0
    reached: int = 0
    loading: bool = False
    seen: int = 0
    at: datetime | None = None
    doubted_since: datetime | None = None

    @classmethod
    def first(cls, start: int | None) -> "Cursor":
        """Of a load that begins: from a time, or from the beginning, when there was no money yet."""
        if start is None:
            return cls(start=EARLIEST, opening=Decimal(0), loading=True)
        return cls(start=start // SECOND * SECOND, loading=True)

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """From `text`."""
        return cls.model_validate_json(text)

    @property
    def text(self) -> str:
        """The cursor as a feed keeps it: equal cursors are equal texts."""
        return self.model_dump_json(exclude_defaults=True)


class Tally:
    """Adds up deals from a cursor's start on; a deal that comes twice counts once."""

    def __init__(self, cursor: Cursor) -> None:
        self.start = cursor.start
        self.opening = cursor.opening
        self.reached = cursor.reached
        self._effects: dict[str, tuple[int, Decimal]] = {}

    def add(self, deals: Iterable[Deal | None]) -> None:
        """Take deals into account; None stands for a row that can't be read, after which nothing is proven."""
        for deal in deals:
            effect = effect_on_balance(deal) if deal is not None else None
            if deal is None or effect is None:
                self.opening = None
            if deal is not None:
                self._effects[deal.ticket] = deal.wall_ms, effect or Decimal(0)
                self.reached = max(self.reached, deal.wall_ms)

    def count(self, through: int) -> int:
        """How many deals there are until this time."""
        return sum(at <= through for at, _ in self._effects.values())

    def balance(self) -> Decimal | None:
        """What the balance is by the deals; None when it was not known before them."""
        return None if self.opening is None else self.opening + self._moved()

    def close(self, balance: Decimal | None) -> None:
        """Take the account's balance for right (None: it isn't known), and so what it was before the deals."""
        self.opening = None if balance is None else balance - self._moved()

    def move_to(self, start: int) -> None:
        """Begin later: what is before that becomes part of the opening."""
        if start <= self.start:
            return
        before = [effect for at, effect in self._effects.values() if at < start]
        if self.opening is not None:
            self.opening += sum(before, Decimal(0))
        self._effects = {ticket: (at, effect) for ticket, (at, effect) in self._effects.items() if at >= start}
        self.start = start

    def __len__(self) -> int:
        return len(self._effects)

    def _moved(self) -> Decimal:
        return sum((effect for _, effect in self._effects.values()), Decimal(0))


def overlapping(served_through: int) -> int:
    """Where to read again from, after everything through this time was served."""
    return (served_through - OVERLAP // timedelta(milliseconds=1)) // SECOND * SECOND


def explains(due: Decimal, balances: Iterable[Decimal], digits: int) -> bool:
    """Whether one of the balances told is what the deals add up to, but for one unit of the last digit."""
    tolerance = Decimal(1).scaleb(-digits)
    return any(abs(balance - due) <= tolerance for balance in balances)
