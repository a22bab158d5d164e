"""The dispatcher's position and the pause switches (ports.Scheduler)."""

from dataclasses import replace

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.attributes import becomes
from brokersync.aws.tables.base import Refused
from brokersync.aws.tables.scheduler import SchedulerItem
from brokersync.ports.dispatching import Position, SchedulerState
from brokersync.ports.storage import ConflictError

DISPATCHER = "dispatcher"  # the table's one item


class DynamoScheduler:
    """The scheduler table: one item, which dispatcher and operator change without touching each other's part."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(SchedulerItem)

    def state(self) -> SchedulerState:
        """Position and switches, strongly consistent."""
        item = self._items.find(DISPATCHER)
        if item is None:
            return SchedulerState(position=None)
        return SchedulerState(position=item.position, paused=frozenset(item.paused or ()))

    def move(self, position: Position) -> Position:
        """Write the position if nobody moved it since (revision); returns it with its new revision.

        Raises ConflictError when another dispatcher did.
        """
        moved = replace(position, revision=position.revision + 1)
        stored = SchedulerItem.position
        unmoved = stored["revision"] == position.revision if position.revision else stored.does_not_exist()
        result = self._items.change(DISPATCHER, actions=[becomes(stored, moved)], condition=unmoved)
        if isinstance(result, Refused) and (result.found is None or result.found.position != moved):
            raise ConflictError(f"another dispatcher moved the position on from revision {position.revision}")
        return moved  # refused by this very position: it was written before, and the answer was lost

    def pause(self, broker: str) -> None:
        """Stop scheduling a broker's feeds (`*`: all). What traders ask for goes on."""
        self._items.change(DISPATCHER, actions=[SchedulerItem.paused.add({broker})], condition=None)

    def resume(self, broker: str) -> None:
        """Take a broker (or `*`) off the pause switches."""
        self._items.change(DISPATCHER, actions=[SchedulerItem.paused.delete({broker})], condition=None)
