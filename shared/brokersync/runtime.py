"""The real clock, ids and deadline."""

import secrets
import time
from datetime import UTC, datetime
from typing import Protocol


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, aware UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class RandomIds:
    """Ids that sort by the millisecond they were made in, with 80 random bits."""

    def new(self, prefix: str) -> str:
        """A new id: prefix, 12 hex digits of milliseconds since 1970, 20 random ones."""
        return f"{prefix}_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


class LambdaContext(Protocol):
    """The part of Lambda's context that we use."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        ...


class LambdaDeadline:
    """The end of an invocation, by Lambda's own count."""

    def __init__(self, context: LambdaContext) -> None:
        self._context = context

    def seconds_left(self) -> float:
        """Seconds until the function is ended."""
        return self._context.get_remaining_time_in_millis() / 1000
