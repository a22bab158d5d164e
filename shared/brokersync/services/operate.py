"""What an operator does to a running service: pause and resume scheduling, change a trader's plan."""

from collections.abc import Sequence
from typing import Protocol

from brokersync.domain.feeds import Feed
from brokersync.domain.plans import Plan, effective_interval
from brokersync.ports.brokers import Manifests
from brokersync.ports.feeds import Feeds


class Users(Protocol):
    """The users table."""

    def plan(self, user_id: str) -> Plan:
        """The user's plan; a user nobody knows is on the free one."""
        ...

    def set_plan(self, user_id: str, plan: Plan) -> None:
        """Store the user's plan."""
        ...


class SetPlan:
    """Moves a user to another plan, and all feeds to what it allows, at once."""

    def __init__(self, users: Users, feeds: Feeds, manifests: Manifests) -> None:
        self._users, self._feeds, self._manifests = users, feeds, manifests

    def run(self, user_id: str, plan: Plan) -> Sequence[Feed]:
        """Change the plan; returns the user's feeds as they are then."""
        self._users.set_plan(user_id, plan)
        for feed in self._feeds.of_user(user_id):
            useful = self._manifests.manifest(feed.broker).useful_interval_min
            self._feeds.reschedule(feed.feed_id, plan, effective_interval(feed.chosen_min, plan, useful))
        return self._feeds.of_user(user_id)
