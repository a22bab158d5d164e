"""The breakers of the fleet in memory; tests/unit/aws runs the same tests over them and over the table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from brokersync.domain.breaker import BreakerState
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.ports.breakers import Probe


class FakeBreakers:
    """Counts its calls. `down` is a store that can't be reached."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.down = False
        self._states: dict[str, BreakerState] = {}
        self._lock = Lock()

    def read(self, keys: Sequence[str]) -> Mapping[str, BreakerState]:
        self._call("read")
        return {key: state for key, state in self._states.items() if key in keys}

    def open(self, key: str, now: datetime, until: datetime) -> None:
        self._call("open")
        with self._lock:
            known = self._states.get(key)
            self._states[key] = BreakerState(since=known.since if known else now, open_until=until)

    def take_probe(self, key: str, now: datetime, until: datetime) -> Probe:
        self._call("take_probe")
        with self._lock:
            known = self._states.get(key)
            if known is None or known.closed_until(now) is not None:
                return Probe(ours=False, state=known)
            self._states[key] = replace(known, probe_until=until)
            return Probe(ours=True, state=known)

    def give_back(self, key: str, probe_until: datetime) -> None:
        self._call("give_back")
        with self._lock:
            if (known := self._states.get(key)) and known.probe_until == probe_until:
                self._states[key] = replace(known, probe_until=None)

    def close(self, key: str, probe_until: datetime) -> None:
        self._call("close")
        with self._lock:
            if (known := self._states.get(key)) and known.probe_until == probe_until:
                del self._states[key]

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.down:
            raise RetryLaterError(ErrorCode.CIRCUIT_OPEN, "We can't see right now whether the broker has trouble.")
