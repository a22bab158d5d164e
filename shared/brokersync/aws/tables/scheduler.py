"""The scheduler table."""

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute

from brokersync.aws.tables.attributes import RecordAttribute
from brokersync.aws.tables.base import Table, settings
from brokersync.ports.dispatching import Position


class SchedulerItem(Table):
    """The dispatcher's memory: how far it has got, and what is paused (broker slugs, `*` for all)."""

    Meta = settings("scheduler")

    name = UnicodeAttribute(hash_key=True)
    position: RecordAttribute[Position | None] = RecordAttribute(Position, null=True)
    paused = UnicodeSetAttribute(null=True)
