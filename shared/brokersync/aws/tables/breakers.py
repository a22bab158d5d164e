"""The breakers table: brokers that have trouble."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.attributes import TimeAttribute
from brokersync.aws.tables.base import Table, settings
from brokersync.domain.breaker import BreakerState


class BreakerItem(Table):
    """A breaker as domain.breaker.BreakerState has it; one that was closed has no times."""

    Meta = settings("breakers")

    circuit = UnicodeAttribute(hash_key=True)
    since = TimeAttribute(null=True)
    open_until = TimeAttribute(null=True)
    probe_until = TimeAttribute(null=True)

    def to_state(self) -> BreakerState | None:
        """The breaker; None if it is closed."""
        if self.attribute_values.get("open_until") is None:
            return None
        return BreakerState(since=self.since, open_until=self.open_until, probe_until=self.probe_until)
