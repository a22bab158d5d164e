"""The breakers that the whole fleet sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from brokersync.domain.breaker import BreakerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What came of asking for the probe: whether it is `ours`, and the breaker as it was found (None: closed)."""

    ours: bool
    state: BreakerState | None


class BreakerStore(Protocol):
    """One breaker per key (`{broker}:{environment}`); a closed one is not there.

    A store that can't be reached raises RetryLaterError (circuit_open): nobody knows whether the broker may be asked.
    """

    def read(self, keys: Sequence[str]) -> Mapping[str, BreakerState]:
        """The breakers of these keys that are not closed."""
        ...

    def open(self, key: str, now: datetime, until: datetime) -> None:
        """Open it, or keep it open longer; ends the probe, if there is one."""
        ...

    def take_probe(self, key: str, now: datetime, until: datetime) -> Probe:
        """Become the one run that probes, until then, if it is half open and nobody else does."""
        ...

    def give_back(self, key: str, probe_until: datetime) -> None:
        """End our probe, if it is still ours: the next run takes another."""
        ...

    def close(self, key: str, probe_until: datetime) -> None:
        """The broker answered our probe, if it is still ours."""
        ...
