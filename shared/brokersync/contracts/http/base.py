"""What all bodies share. Amounts are decimal text, times ISO 8601 in UTC, names those of the tables."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from brokersync.domain.money import plain
from brokersync.domain.times import BrokerTime


def _instant(value: object) -> object:
    return value.utc if isinstance(value, BrokerTime) else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-20T10:35:52.120000Z"]}),
]
"""An aware datetime or a BrokerTime; text with `Z` and at most microseconds."""

Amount = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["1.08435"]}),
]
"""An exact number as text, without exponent."""


def _zone(name: str) -> str:
    """Raises PydanticCustomError for what is no zone's name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # it has none of that name, or the name leaves the database
        raise PydanticCustomError("time_zone", "Input should be a time zone such as Europe/Paris") from None
    return name


TimeZone = Annotated[
    str,
    AfterValidator(_zone),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, "examples": ["Europe/Paris"]}),
]
"""The name of a time zone in the IANA database."""


class Body(BaseModel):
    """What all bodies share: read from our own objects by attribute, closed to fields nobody declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)
