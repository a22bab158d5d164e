"""The idempotency table. Powertools writes it; here are its name and keys."""

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, settings


class IdempotencyItem(Table):
    """What a request with an Idempotency-Key was answered. `expires_at` is seconds since 1970, for the table's TTL."""

    Meta = settings("idempotency")

    idempotency_key = UnicodeAttribute(hash_key=True)
    expires_at = IntegerAttribute()
