"""Users: their plans and how they want to be spoken to (ports.Users, ports.Plans)."""

from pynamodb.expressions.update import Action

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.attributes import becomes
from brokersync.aws.tables.users import UserItem
from brokersync.domain.messages import Locale
from brokersync.domain.plans import Plan
from brokersync.ports.users import UserSettings


class DynamoUsers:
    """Users in DynamoDB. A row is made by the first thing that is written to it."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(UserItem)

    def settings(self, user_id: str) -> UserSettings:
        """The user's settings; the default ones of a user nobody knows."""
        item = self._items.find(user_id)
        return item.to_settings() if item else UserSettings()

    def plan(self, user_id: str) -> Plan:
        """The user's plan; a user nobody knows is on the free one."""
        return self.settings(user_id).plan

    def set_plan(self, user_id: str, plan: Plan) -> None:
        """Store the user's plan."""
        self._items.change(user_id, actions=[UserItem.plan.set(plan.value)], condition=None)

    def prefer(self, user_id: str, *, locale: Locale | None = None, time_zone: str | None = None) -> UserSettings:
        """Store what is given and leave the rest; returns the settings as they are then."""
        chosen: list[Action] = [] if locale is None else [UserItem.locale.set(locale.value)]
        if time_zone is not None:
            chosen.append(becomes(UserItem.time_zone, time_zone))
        if chosen:
            self._items.change(user_id, actions=chosen, condition=None)
        return self.settings(user_id)
