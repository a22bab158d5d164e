"""The limits table: when the next request of each credential may be sent."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, settings
from brokersync.domain.times import to_ns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW = "next_"


def microseconds(moment: datetime) -> int:
    """A time as the table counts, so that an update can add to it: whole microseconds since 1970 in UTC."""
    return to_ns(moment) // 1000


def microseconds_in(length: timedelta) -> int:
    """A length of time in whole microseconds."""
    return length // timedelta(microseconds=1)


class LimitItem(Table):
    """A limit key with one number per window, as there are windows in the broker's manifest.

    `expires_at` is seconds since 1970, for the table's TTL.
    """

    Meta = settings("limits")

    limit_key = UnicodeAttribute(hash_key=True)
    expires_at = IntegerAttribute()

    following: Mapping[str, datetime]

    @staticmethod
    def window(name: str) -> IntegerAttribute:
        """The attribute of a window, for actions and conditions."""
        return IntegerAttribute(attr_name=_WINDOW + name)

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """Read an item with whatever windows it has."""
        item = super().from_raw_data(data)
        item.following = {
            name.removeprefix(_WINDOW): _EPOCH + timedelta(microseconds=int(raw["N"]))
            for name, raw in data.items()
            if name.startswith(_WINDOW)
        }
        return item
