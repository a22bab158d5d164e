"""The connections table."""

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.indexes import KeysOnlyProjection

from brokersync.aws.tables.attributes import CountsAttribute, IntegerAttribute, TimeAttribute
from brokersync.aws.tables.base import Table, TableIndex, settings
from brokersync.domain.connections import ConnectionStatus
from brokersync.ports.connections import Connection, ConnectionRecord, ErasureReceipt


class ConnectionsByUser(TableIndex["ConnectionItem"], name="by_user", projection=KeysOnlyProjection()):
    """A user's connections."""

    user_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)


class ConnectionItem(Table):
    """A connection. `credentials` is ciphertext, sealed for the shard `key_id` of the vault and for this version.

    So is `session`, the broker's token; `session_version` counts its renewals. A removed connection has neither.
    `erased` counts by kind what was deleted of it, `erased_at` is the end of that.
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
    replaces = UnicodeAttribute(null=True)
    erased = CountsAttribute(null=True)
    erased_at = TimeAttribute(null=True)

    def to_connection(self) -> Connection:
        """The connection without its secrets."""
        return Connection(
            connection_id=self.connection_id,
            user_id=self.user_id,
            broker=self.broker,
            environment=self.environment,
            version=self.version,
            fingerprint=self.fingerprint or "",
            replaces=self.replaces or "",
        )

    def to_record(self) -> ConnectionRecord:
        """The connection with its stored state."""
        being_erased = "erased" in self.attribute_values
        return ConnectionRecord(
            connection=self.to_connection(),
            status=ConnectionStatus(self.status),
            receipt=ErasureReceipt(counts=self.erased, finished_at=self.erased_at) if being_erased else None,
        )
