"""Time, chance and the end of an invocation."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, so that a day can be simulated."""

    def now(self) -> datetime:
        """The time, aware UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Ids(Protocol):
    """New ids."""

    def new(self, prefix: str) -> str:
        """A new id `prefix_...`: unique, not guessable, and sorting by the time it was made."""
        ...


class Deadline(Protocol):
    """How long this invocation may go on."""

    def seconds_left(self) -> float:
        """Seconds until the function is ended."""
        ...
