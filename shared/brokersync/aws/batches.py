"""Sending in batches of ten, as queue and bus take them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Entry = TypeVar("Entry")

BATCH = 10
ROUNDS = 3


def send_in_batches(entries: Sequence[Entry], send: Callable[[Sequence[Entry]], Sequence[Entry]]) -> Sequence[Entry]:
    """Send everything; `send` returns what of its batch was refused, which is sent again. Returns what still was."""
    waiting = list(entries)
    for _ in range(ROUNDS):
        batches = [waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)]
        waiting = [refused for batch in batches for refused in send(batch)]
        if not waiting:
            break
    return waiting
