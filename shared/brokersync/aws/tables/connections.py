"""The connections table."""

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.indexes import KeysOnlyProjection

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, TableIndex, settings
from brokersync.ports import Connection


class ConnectionsByUser(TableIndex["ConnectionItem"], name="by_user", projection=KeysOnlyProjection()):
    """A user's connections."""

    user_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)


class ConnectionItem(Table):
    """A connection. `credentials` is ciphertext, sealed for the shard `key_id` of the vault and for this version.

    So is `session`, the broker's token; `session_version` counts its renewals. A removed connection has neither.
    """

    Meta = settings("connections")
    by_user = ConnectionsByUser()

    connection_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    broker = UnicodeAttribute()
    environment = UnicodeAttribute()
    status = UnicodeAttribute()
    version = IntegerAttribute()
    fingerprint = UnicodeAttribute(null=True)
    credentials = BinaryAttribute(legacy_encoding=False, null=True)
    key_id = UnicodeAttribute(null=True)
    session = BinaryAttribute(legacy_encoding=False, null=True)
    session_key_id = UnicodeAttribute(null=True)
    session_version = IntegerAttribute(null=True, default=0)

    def to_connection(self) -> Connection:
        """The connection without its secrets."""
        return Connection(
            connection_id=self.connection_id,
            user_id=self.user_id,
            broker=self.broker,
            environment=self.environment,
            version=self.version,
            fingerprint=self.fingerprint or "",
        )
