"""Attribute types that pynamodb lacks: whole numbers, times, texts by name, records."""

from collections.abc import Mapping, Sequence, Sized
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from pynamodb.attributes import Attribute
from pynamodb.constants import LIST, MAP, NUMBER, STRING
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from brokersync.aws.tables.records import RawItem, RawValue, Record, utc_text

T = TypeVar("T")


def becomes(attribute: Attribute[T], value: T | None) -> Action:
    """Set an attribute, or remove it where there is nothing to keep: None, or an empty text, map or list.

    pynamodb's own `set` stores a NULL then, and takes a record or a map of one entry for something else.
    """
    if value is None or (isinstance(value, Sized) and len(value) == 0):
        return Path(attribute).remove()
    return Path(attribute).set({attribute.attr_type: attribute.serialize(value)})


class IntegerAttribute(Attribute[int]):
    """A whole number."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """The number as text."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """The number of a text, which may have an exponent."""
        return int(Decimal(value))


class TimeAttribute(Attribute[datetime]):
    """An aware time, stored as fixed-width ISO 8601 text in UTC: conditions compare it as a time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """The time as text. Raises ValueError for a naive one."""
        return utc_text(value)

    def deserialize(self, value: str) -> datetime:
        """The aware time."""
        return datetime.fromisoformat(value)


class TextsAttribute(Attribute[Mapping[str, str]]):
    """Texts by name."""

    attr_type = MAP

    def serialize(self, value: Mapping[str, str]) -> RawItem:
        """The map as DynamoDB takes it."""
        return {name: {STRING: text} for name, text in value.items()}

    def deserialize(self, value: RawItem) -> dict[str, str]:
        """The texts by name."""
        return {name: raw[STRING] for name, raw in value.items()}


class CountsAttribute(Attribute[Mapping[str, int]]):
    """Whole numbers by name."""

    attr_type = MAP

    def serialize(self, value: Mapping[str, int]) -> RawItem:
        """The map as DynamoDB takes it."""
        return {name: {NUMBER: str(count)} for name, count in value.items()}

    def deserialize(self, value: RawItem) -> dict[str, int]:
        """The numbers by name."""
        return {name: int(Decimal(raw[NUMBER])) for name, raw in value.items()}


class RecordAttribute(Attribute[T]):
    """A dataclass. Its fields are the map's names: `FeedItem.wanted["not_before"]` in a condition."""

    attr_type = MAP

    def __init__(self, kind: type[T], *, null: bool = False, attr_name: str | None = None) -> None:
        super().__init__(null=null, attr_name=attr_name)
        self._record = Record(kind)

    def serialize(self, value: T) -> RawItem:
        """The instance as a map."""
        return self._record.encode(value)

    def deserialize(self, value: RawItem) -> T:
        """The instance."""
        return self._record.decode(value)


class RecordsAttribute(Attribute[Sequence[T]]):
    """Several of one dataclass, in order."""

    attr_type = LIST

    def __init__(self, kind: type[T], *, null: bool = False, attr_name: str | None = None) -> None:
        super().__init__(null=null, attr_name=attr_name)
        self._record = Record(kind)

    def serialize(self, value: Sequence[T]) -> list[RawValue]:
        """The instances as a list of maps."""
        return [{MAP: self._record.encode(one)} for one in value]

    def deserialize(self, value: list[RawValue]) -> tuple[T, ...]:
        """The instances."""
        return tuple(self._record.decode(one[MAP]) for one in value)

    def adding(self, values: Sequence[T]) -> Action:
        """Append to what is there."""
        path = Path(self)
        return path.set((path | {LIST: []}).append({LIST: self.serialize(values)}))

    def equals(self, values: Sequence[T]) -> Condition:
        """Whether exactly these are there."""
        return Path(self) == {LIST: self.serialize(values)}
