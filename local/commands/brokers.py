"""`brokersync brokers`: the catalog, as a table or as the document of GET /brokers."""

from collections.abc import Sequence

from brokersync.aws.breakers import DynamoBreakers
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.contracts.brokers import Broker, BrokerLimit, Brokers
from brokersync.domain.breaker import BreakerStatus
from brokersync.runtime import SystemClock
from brokersync.services.list_brokers import ListBrokers
from local.commands.stack import Stack
from local.console import make_console, make_table
from local.stack.running import find


def brokers_json(stack: Stack | None = None) -> str:
    """The document that GET /brokers answers, indented. Raises CommandError for a stack that can't be asked."""
    return _brokers(stack).model_dump_json(indent=2)


def show_brokers(stack: Stack | None = None) -> None:
    """A table of the brokers, with a stack also how each is. Raises CommandError for a stack that can't be asked."""
    brokers = _brokers(stack).brokers
    states = ["state"] if stack else []
    table = make_table("broker", "name", "environments", *states, "to enter", "limits", "history", "news")
    for broker in brokers:
        table.add_row(
            broker.slug,
            broker.name,
            ", ".join(broker.environments),
            *(state_of(broker) for _ in states),
            ", ".join(field.name for field in broker.auth_fields if field.required),
            _limits(broker.limits.windows),
            "all" if broker.history_days is None else f"{broker.history_days} days",
            _news(broker),
        )
    make_console().print(table)


def stack_there(name: str) -> Stack | None:
    """The stack of that name, or the one of `make run`; None where there is none. Raises CommandError."""
    return Stack.named(name) if name or find() else None


def _brokers(stack: Stack | None) -> Brokers:
    """The catalog, with how each broker is as far as the stack knows; without one the catalog alone."""
    catalog = BrokerCatalog()
    breakers = DynamoBreakers(stack.session) if stack else None
    return Brokers.of(ListBrokers(catalog.slugs(), catalog, breakers, SystemClock()).run())


def state_of(broker: Broker) -> str:
    """How the broker is: the environments with trouble, each with the time of the next try."""
    if broker.circuits is None:
        return "not known"  # the stack's table can't be read
    troubled = [circuit for circuit in broker.circuits if circuit.state is not BreakerStatus.CLOSED]
    return "\n".join(
        f"{one.environment}: trouble since {one.since:%H:%M} UTC, "
        + (f"asked again at {one.retry_at:%H:%M:%S}" if one.retry_at else "the next sync finds out")
        for one in troubled
    ) or ("well" if broker.circuits else "each its own")


def _limits(windows: Sequence[BrokerLimit]) -> str:
    return ", ".join(f"{window.requests} in {window.seconds:g} s" for window in windows)


def _news(broker: Broker) -> str:
    lost = "What is not fetched in time is lost. " if broker.perishable else ""
    return f"{lost}{broker.news_note}" or "At once."
