"""The users table."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.base import Table, settings


class UserItem(Table):
    """What we know of a user: the plan."""

    Meta = settings("users")

    user_id = UnicodeAttribute(hash_key=True)
    plan = UnicodeAttribute()
