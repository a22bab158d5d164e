"""The brokers that can be connected."""

from collections.abc import Sequence

from brokersync.domain.manifests import Manifest
from brokersync.ports.brokers import Manifests


class ListBrokers:
    """Tells the catalog; no broker's HTTP client is loaded for it."""

    def __init__(self, slugs: Sequence[str], manifests: Manifests) -> None:
        self._slugs, self._manifests = slugs, manifests

    def run(self) -> Sequence[Manifest]:
        """All brokers' facts, by name."""
        return sorted(map(self._manifests.manifest, self._slugs), key=lambda manifest: manifest.name.lower())
