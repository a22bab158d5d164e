"""What DynamoDB bills for one request, in write and read units, computed from the items themselves.

Rules: docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html and GSI.html. Where the
documents are silent, what was measured on real tables counts (github.com/paritysuite/dynamodb-conformance pull requests
67 and 74, github.com/nubo-db/dynoxide pull request 188): a transaction doubles what its tables cost but not what their
indexes cost; a condition that holds costs nothing more; a ConditionCheck counts as a write.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from brokersync.aws.tables.records import RawItem
from tests.bench.sizes import item_size

WRITE_BYTES = 1024
READ_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index. `projected` None: every attribute."""

    key: tuple[str, ...]
    projected: frozenset[str] | None

    def entry(self, item: RawItem | None) -> RawItem | None:
        """The item's entry; None where it has none, because it lacks a key attribute."""
        if item is None or any(name not in item for name in self.key):
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}


@dataclass(frozen=True, slots=True)
class TableShape:
    """What of a table decides about its costs."""

    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()

    @classmethod
    def of(cls, properties: Mapping[str, object]) -> "TableShape":
        """The shape of an AWS::DynamoDB::Table from its template properties."""
        key = _key(properties)
        return cls(key, tuple(_index(one, key) for one in properties.get("GlobalSecondaryIndexes", ())))


def _key(properties) -> tuple[str, ...]:
    return tuple(element["AttributeName"] for element in properties["KeySchema"])


def _index(properties, table_key: tuple[str, ...]) -> Index:
    key = _key(properties)
    projection = properties["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(key, None)
    return Index(key, frozenset({*table_key, *key, *projection.get("NonKeyAttributes", ())}))


def write_units(table: TableShape, before: RawItem | None, after: RawItem | None, *, transaction: bool = False) -> int:
    """A put, update or delete that took effect: the larger of both images, and every index entry that it touched."""
    base = _kilobytes(before, after) * (2 if transaction else 1)
    return base + sum(_index_units(index, before, after) for index in table.indexes)


def refused_units(before: RawItem | None, *, transaction: bool = False) -> int:
    """A write whose condition did not hold is billed by the item that was met."""
    return _kilobytes(before, None) * (2 if transaction else 1)


def read_units(sizes: Iterable[int], *, consistent: bool, transaction: bool = False) -> float:
    """Items read one by one (GetItem, BatchGetItem), each rounded up; a missing one has size 0 and costs the least."""
    rate = 2.0 if transaction else 1.0 if consistent else 0.5
    return sum(max(1, ceil(size / READ_BYTES)) * rate for size in sizes)


def query_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Items read by one Query, rounded up together."""
    return read_units([sum(sizes)], consistent=consistent)


def _kilobytes(before: RawItem | None, after: RawItem | None) -> int:
    return max(1, ceil(max(item_size(before or {}), item_size(after or {})) / WRITE_BYTES))


def _index_units(index: Index, before: RawItem | None, after: RawItem | None) -> int:
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old is not None and new is not None and any(old[name] != new[name] for name in index.key):
        return _kilobytes(old, None) + _kilobytes(None, new)  # the entry moves: one goes, one comes
    return _kilobytes(old, new)
