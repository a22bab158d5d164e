"""What an operator does to a running service: change a trader's plan."""

from collections.abc import Sequence
from typing import Protocol

from brokersync.domain.feeds import Feed, FeedPurpose
from brokersync.domain.plans import Plan
from brokersync.ports.brokers import Manifests
from brokersync.ports.feeds import Feeds
from brokersync.services.schedules import Schedules


class PlanWriter(Protocol):
    """Where plans are kept."""

    def set_plan(self, user_id: str, plan: Plan) -> None:
        """Store the user's plan."""
        ...


class SetPlan:
    """Moves a user to another plan, and all feeds to what it allows, at once."""

    def __init__(self, plans: PlanWriter, feeds: Feeds, manifests: Manifests) -> None:
        self._plans, self._feeds = plans, feeds
        self._schedules = Schedules(feeds, manifests)

    def run(self, user_id: str, plan: Plan) -> Sequence[Feed]:
        """Change the plan; returns the user's feeds as they are then."""
        self._plans.set_plan(user_id, plan)
        kept = [feed for feed in self._feeds.of_user(user_id) if feed.purpose is not FeedPurpose.ERASE]
        return [self._schedules.change(feed, plan=plan) for feed in kept]
