"""Time that a test sets, ids that a test can predict."""

from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock

START = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


class FakeClock:
    """Stands still until a test or a sleep moves it."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds=seconds)

    def set(self, now: datetime) -> None:
        self._now = now

    def advance(self, *, minutes: float = 0, seconds: float = 0) -> datetime:
        self._now += timedelta(minutes=minutes, seconds=seconds)
        return self._now


class FakeIds:
    """`run_000001`, `run_000002`, ...: one row of numbers for all prefixes, so ids sort by the time they were made."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._lock = Lock()

    def new(self, prefix: str) -> str:
        with self._lock:
            return f"{prefix}_{next(self._numbers):06d}"


class FakeDeadline:
    """An invocation that ends some seconds after now, by the test's clock."""

    def __init__(self, clock: FakeClock, seconds: float = 60.0) -> None:
        self._clock = clock
        self.ends_at = clock.now() + timedelta(seconds=seconds)

    def seconds_left(self) -> float:
        return (self.ends_at - self._clock.now()).total_seconds()
