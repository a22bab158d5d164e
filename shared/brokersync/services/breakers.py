"""Leaves a broker in peace that has trouble, in one environment, for the whole fleet (domain/breaker.py)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from brokersync.domain.breaker import FAULTS_TO_OPEN, OPEN_FOR, PROBE_FOR, Verdict, verdict_of
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.manifests import Manifest
from brokersync.ports.breakers import BreakerStore
from brokersync.ports.world import Clock

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Gate:
    """What this process knows of a breaker."""

    key: str
    lock: Lock = field(default_factory=Lock)
    faults: int = 0  # runs in a row that met a fault
    closed_until: datetime | None = None  # None: as far as we know, the broker is well


class Breakers:
    """Guards runs. Safe for threads: what is known is the process's, not a thread's.

    A broker that is well costs no request. A process that has not met its trouble asks once, and learns of an open
    breaker by its own first fault.
    """

    def __init__(self, store: BreakerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._gates: dict[str, _Gate] = {}
        self._lock = Lock()

    @contextmanager
    def guarding(self, manifest: Manifest, environment: str) -> Iterator[None]:
        """Let a run ask the broker, and learn from how it ends.

        Raises RetryLaterError (circuit_open) with the time until which the broker is left in peace.
        """
        if manifest.own_server:
            yield
            return
        gate = self._gate(circuit_of(manifest, environment))
        probe_until = self._enter(gate)
        try:
            yield
        except BaseException as error:
            self._learn(gate, probe_until, verdict_of(error))
            raise
        self._learn(gate, probe_until, Verdict.ANSWERED)

    def _enter(self, gate: _Gate) -> datetime | None:
        """Returns until when the run is the probe, if it is."""
        with gate.lock:
            if gate.closed_until is None:
                return None
            now = self._clock.now()
            if now < gate.closed_until:
                raise _held_back(gate.closed_until)
            until = now + PROBE_FOR
            probe = self._store.take_probe(gate.key, now, until)
            if probe.state is None:  # another process found it well
                gate.closed_until, gate.faults = None, 0
                return None
            if probe.ours:
                gate.closed_until = until
                return until
            gate.closed_until = probe.state.closed_until(now) or until
            raise _held_back(gate.closed_until)

    def _learn(self, gate: _Gate, probe_until: datetime | None, verdict: Verdict) -> None:
        # What can't be written down must not change how the run ended: the probe's time ends by itself.
        with gate.lock, suppress(RetryLaterError):
            match verdict:
                case Verdict.FAULT:
                    self._fault(gate, probe_until)
                case Verdict.ANSWERED if probe_until is not None:
                    gate.closed_until, gate.faults = None, 0
                    self._store.close(gate.key, probe_until)
                    log.info("circuit_closed", extra={"circuit": gate.key})
                case Verdict.ANSWERED if gate.closed_until is None:
                    gate.faults = 0
                case Verdict.NOTHING if probe_until is not None:
                    gate.closed_until = self._clock.now()
                    self._store.give_back(gate.key, probe_until)
                case _:
                    pass

    def _fault(self, gate: _Gate, probe_until: datetime | None) -> None:
        now = self._clock.now()
        gate.faults += 1
        if probe_until is not None or (gate.closed_until is None and gate.faults >= FAULTS_TO_OPEN):
            gate.closed_until = now + OPEN_FOR
            self._store.open(gate.key, now, gate.closed_until)
            log.error("circuit_opened", extra={"circuit": gate.key, "until": gate.closed_until.isoformat()})
        elif gate.closed_until is None:
            state = self._store.read([gate.key]).get(gate.key)
            gate.closed_until = state.closed_until(now) or now if state else None

    def _gate(self, key: str) -> _Gate:
        with self._lock:
            return self._gates.setdefault(key, _Gate(key))


def circuit_of(manifest: Manifest, environment: str) -> str:
    """The key of a breaker."""
    return f"{manifest.slug}:{environment}"


def _held_back(until: datetime) -> RetryLaterError:
    return RetryLaterError(
        ErrorCode.CIRCUIT_OPEN, "The broker has trouble; we leave it in peace for a moment.", not_before=until
    )
