"""The users table."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.base import Table, settings
from brokersync.domain.messages import Locale
from brokersync.domain.plans import Plan
from brokersync.ports.users import UserSettings


class UserItem(Table):
    """What we know of a user: the plan, and what was chosen."""

    Meta = settings("users")

    user_id = UnicodeAttribute(hash_key=True)
    plan = UnicodeAttribute(null=True)
    locale = UnicodeAttribute(null=True)
    time_zone = UnicodeAttribute(null=True)

    def to_settings(self) -> UserSettings:
        """The settings as the services know them."""
        return UserSettings(
            plan=Plan(self.plan or Plan.FREE),
            locale=Locale(self.locale) if self.locale else None,
            time_zone=self.time_zone or "",
        )
