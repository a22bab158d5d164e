"""Users and their plans."""

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.users import UserItem
from brokersync.domain.plans import Plan


class DynamoUsers:
    """Users in DynamoDB."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(UserItem)

    def plan(self, user_id: str) -> Plan:
        """The user's plan; a user nobody knows is on the free one."""
        item = self._items.find(user_id)
        return Plan(item.plan) if item else Plan.FREE

    def set_plan(self, user_id: str, plan: Plan) -> None:
        """Store the user's plan."""
        self._items.change(user_id, actions=[UserItem.plan.set(plan.value)], condition=None)
