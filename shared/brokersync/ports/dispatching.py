"""The dispatcher's memory."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the dispatcher has got.

    All ticks through `done_minute`; inside (`done_minute`, `target_minute`] every due key before number `key_index`,
    and of that key everything before `start`.
    """

    done_minute: int
    target_minute: int = 0
    key_index: int = 0
    start: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerState:
    """The dispatcher's position (None: it never ran) and the pause switches: broker slugs, or `*` for all."""

    position: Position | None
    paused: frozenset[str] = field(default_factory=frozenset)


class Scheduler(Protocol):
    """The scheduler table."""

    def state(self) -> SchedulerState:
        """Position and switches, strongly consistent."""
        ...

    def move(self, position: Position) -> Position:
        """Write the position if nobody moved it since (revision); returns it with its new revision.

        Raises ConflictError when another dispatcher did.
        """
        ...
