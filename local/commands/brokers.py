"""`brokersync brokers`: the catalog, as a table or as the document of GET /brokers."""

from collections.abc import Sequence

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.contracts.brokers import Broker, BrokerLimit, Brokers
from brokersync.services.list_brokers import ListBrokers
from local.console import make_console, make_table


def brokers_json() -> str:
    """The document that GET /brokers answers, indented."""
    return _brokers().model_dump_json(indent=2)


def show_brokers() -> None:
    """A table of the brokers."""
    table = make_table("broker", "name", "environments", "to enter", "limits", "history", "news")
    for broker in _brokers().brokers:
        table.add_row(
            broker.slug,
            broker.name,
            ", ".join(broker.environments),
            ", ".join(field.name for field in broker.auth_fields if field.required),
            _limits(broker.limits.windows),
            "all" if broker.history_days is None else f"{broker.history_days} days",
            _news(broker),
        )
    make_console().print(table)


def _brokers() -> Brokers:
    catalog = BrokerCatalog()
    return Brokers.of(ListBrokers(catalog.slugs(), catalog).run())


def _limits(windows: Sequence[BrokerLimit]) -> str:
    return ", ".join(f"{window.requests} in {window.seconds:g} s" for window in windows)


def _news(broker: Broker) -> str:
    lost = "What is not fetched in time is lost. " if broker.perishable else ""
    return f"{lost}{broker.news_note}" or "At once."
