"""Which brokers there are: each folder beside this file is one. Nothing of a broker is loaded until it is asked for."""

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from brokersync.domain.manifests import Manifest
from brokersync.ports.brokers import Provider


class BrokerCatalog:
    """ports.Catalog and ports.Manifests over the broker folders.

    A folder has `manifest.py` with `MANIFEST` (facts only, no HTTP client) and `provider.py` with `provider`.
    """

    def slugs(self) -> Sequence[str]:
        """Every broker's slug, in alphabetical order, without importing any."""
        return _slugs()

    def manifest(self, slug: str) -> Manifest:
        """The facts of the broker of that slug. Raises ValueError naming the known ones."""
        return cast("Manifest", _attribute(slug, "manifest", "MANIFEST"))

    def provider(self, slug: str) -> Provider:
        """The broker of that slug. Raises ValueError naming the known ones."""
        return cast("Provider", _attribute(slug, "provider", "provider"))


@cache
def _slugs() -> tuple[str, ...]:
    folders = pkgutil.iter_modules([str(Path(__file__).parent)])
    return tuple(sorted(folder.name for folder in folders if folder.ispkg))


def _attribute(slug: str, module: str, name: str) -> object:
    if slug not in _slugs():
        raise ValueError(f"broker: {slug!r} is not one of {', '.join(_slugs())}")
    return getattr(import_module(f"{__package__}.{slug}.{module}"), name)
