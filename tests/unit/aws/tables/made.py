"""The stack's tables, for tests that need all of them."""

from importlib import import_module
from pkgutil import iter_modules

from brokersync.aws import tables
from brokersync.aws.tables.base import Table


def _models() -> list[type[Table]]:
    """Every model with a table of its own, found by looking: a new one needs no line here."""
    found = []
    for module in iter_modules(tables.__path__):
        names = vars(import_module(f"{tables.__name__}.{module.name}")).values()
        models = [one for one in names if isinstance(one, type) and issubclass(one, Table)]
        found += [model for model in models if model.__module__.endswith(f".{module.name}") and hasattr(model, "Meta")]
    return found


MODELS = _models()
