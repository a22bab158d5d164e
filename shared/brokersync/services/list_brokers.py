"""The brokers that can be connected, and how they are."""

from collections.abc import Mapping, Sequence

from brokersync.domain.breaker import BreakerState, Circuit
from brokersync.domain.errors import RetryLaterError
from brokersync.domain.manifests import Manifest
from brokersync.ports.breakers import BreakerStore
from brokersync.ports.brokers import Manifests
from brokersync.ports.world import Clock
from brokersync.services.breakers import circuit_of

Circuits = tuple[Circuit, ...] | None
"""Of each environment. None where nobody could say, and empty where every connection has a server of its own."""


class ListBrokers:
    """Tells the catalog; no broker's HTTP client is loaded for it."""

    def __init__(self, slugs: Sequence[str], manifests: Manifests, breakers: BreakerStore | None, clock: Clock) -> None:
        """Without `breakers` the catalog is told alone: nobody asks a stack."""
        self._slugs, self._manifests = slugs, manifests
        self._breakers, self._clock = breakers, clock

    def run(self) -> Sequence[tuple[Manifest, Circuits]]:
        """All brokers, by name."""
        manifests = sorted(map(self._manifests.manifest, self._slugs), key=lambda manifest: manifest.name.lower())
        states = self._states(manifests)
        return [(manifest, self._circuits(manifest, states)) for manifest in manifests]

    def _states(self, manifests: Sequence[Manifest]) -> Mapping[str, BreakerState] | None:
        if self._breakers is None:
            return None
        keys = [circuit_of(one, environment.name) for one in manifests for environment in one.environments]
        try:
            return self._breakers.read(keys)
        except RetryLaterError:
            return None  # the catalog is worth telling without it

    def _circuits(self, manifest: Manifest, states: Mapping[str, BreakerState] | None) -> Circuits:
        if states is None:
            return None
        if manifest.own_server:
            return ()
        now = self._clock.now()
        return tuple(
            Circuit.of(environment.name, states.get(circuit_of(manifest, environment.name)), now)
            for environment in manifest.environments
        )
