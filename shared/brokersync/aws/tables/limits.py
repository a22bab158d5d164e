"""The limits table: what was used lately of everything that is limited."""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, settings
from brokersync.domain.limiter import Log, Uses

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_USES = struct.Struct(">qHH")


def microseconds(moment: datetime) -> int:
    """A time as the table counts: whole microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def pack(log: Log) -> bytes:
    """A log in 12 bytes per entry: time in microseconds since 1970, count, blocks."""
    return b"".join(_USES.pack(microseconds(uses.until), uses.count, uses.blocks) for uses in log)


def unpack(packed: bytes) -> Log:
    """The log of its bytes."""
    entries: Iterable[tuple[int, int, int]] = _USES.iter_unpack(packed)
    return tuple(Uses(_EPOCH + timedelta(microseconds=until), count, blocks) for until, count, blocks in entries)


class LimitItem(Table):
    """A limit key's log; `until` is its last time in microseconds since 1970, `turn` changes with every write.

    `expires_at` is seconds since 1970, for the table's TTL.
    """

    Meta = settings("limits")

    limit_key = UnicodeAttribute(hash_key=True)
    turn = UnicodeAttribute()
    until = IntegerAttribute()
    log = BinaryAttribute(legacy_encoding=False)
    expires_at = IntegerAttribute()
