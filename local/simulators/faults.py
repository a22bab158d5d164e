"""What can go wrong at a broker, as a plan: which requests are hit, and how.

A fault hits requests by path, by credential and by count. It answers with a status or a body of its own, or spoils
the true answer: cut short, cut off with its connection, late, or never (reset).
"""

import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Fault(BaseModel):
    """One fault. Of the requests that match `path` and `token`, it hits `times`, beginning with the `nth`.

    Without `path` and `token`, `nth` simply counts requests. `delay` (seconds) alone leaves the answer as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(default="", description="regular expression, searched in the request's path")
    token: str = Field(default="", description="the credential of the request, in full")
    nth: int = Field(default=1, ge=1, description="the first matching request to hit, counted from now: 1 is the next")
    times: int | None = Field(default=1, ge=1, description="how many matching requests to hit; null for all")

    delay: float = Field(default=0.0, ge=0, le=120, description="seconds before anything else happens")
    status: int | None = Field(default=None, ge=100, le=599, description="answer with this status instead")
    body: str | None = Field(default=None, description="answer with this body instead")
    headers: dict[str, str] = Field(default_factory=dict, description="headers of that answer")
    retry_after: int | None = Field(default=None, ge=0, description="add Retry-After, in seconds from now")
    retry_after_as: Literal["seconds", "date"] = Field(default="seconds", description="which form it takes")
    keep_bytes: int | None = Field(default=None, ge=0, description="cut the true body here, in valid HTTP")
    drop_after: int | None = Field(default=None, ge=0, description="send so much of the true body, then hang up")
    reset: bool = Field(default=False, description="reset the connection instead of answering")

    @model_validator(mode="after")
    def _one_effect(self) -> Self:
        effects = [
            self.status is not None or self.body is not None,
            self.keep_bytes is not None,
            self.drop_after is not None,
            self.reset,
        ]
        if sum(effects) > 1:
            raise ValueError("a fault has one effect: status/body, keep_bytes, drop_after or reset")
        if not any(effects) and self.delay == 0:
            raise ValueError("a fault needs an effect: status, body, keep_bytes, drop_after, reset or delay")
        if not effects[0] and (self.headers or self.retry_after is not None):
            raise ValueError("headers and retry_after belong to an answer of the fault's own: give it a status")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path: not a regular expression: {error}") from None
        return self

    @property
    def answers(self) -> bool:
        """Whether the fault answers in the broker's place."""
        return self.status is not None or self.body is not None

    def answer_headers(self, now: datetime | None = None) -> dict[str, str]:
        """Headers of the fault's own answer, Retry-After in the form that was asked for."""
        if self.retry_after is None:
            return dict(self.headers)
        if self.retry_after_as == "seconds":
            return {**self.headers, "Retry-After": str(self.retry_after)}
        moment = (now or datetime.now(UTC)) + timedelta(seconds=self.retry_after)
        return {**self.headers, "Retry-After": format_datetime(moment, usegmt=True)}


class FaultPlan:
    """The faults of one simulator, in the order they were added; the first that fits a request hits it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def add(self, *faults: Fault) -> None:
        """Plan faults; their counts start now."""
        with self._lock:
            self._planned += [_Planned(fault) for fault in faults]

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._planned.clear()

    def take(self, path: str, token: str) -> Fault | None:
        """The fault that hits this request, if any. Every fault counts every request that matches it."""
        with self._lock:
            hits = [planned for planned in self._planned if planned.counts(path, token)]
            if not hits:
                return None
            hits[0].hits += 1
            return hits[0].fault

    def state(self) -> Sequence[tuple[Fault, int]]:
        """All faults with how often each has hit."""
        with self._lock:
            return [(planned.fault, planned.hits) for planned in self._planned]


class _Planned:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matched = 0
        self.hits = 0

    def counts(self, path: str, token: str) -> bool:
        fault = self.fault
        if (fault.token and fault.token != token) or not re.search(fault.path, path):
            return False
        self.matched += 1
        return self.matched >= fault.nth and (fault.times is None or self.hits < fault.times)
