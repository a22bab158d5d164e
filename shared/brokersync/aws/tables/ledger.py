"""What the trades table and the cash events table share: versions, origin, and the order of time."""

from pynamodb.attributes import Attribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.constants import MAP, NUMBER, STRING, STRING_SET
from pynamodb.indexes import AllProjection

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, TableIndex
from brokersync.aws.tables.records import RawItem
from brokersync.domain.trades import LedgerEntry, Origin, StoredEntry, time_key


class ByTime(TableIndex["LedgerItem"], name="by_time", projection=AllProjection()):
    """Current versions by the time when they took effect. Sparse: older versions have no time key."""

    account_id = UnicodeAttribute(hash_key=True)
    time_key = UnicodeAttribute(range_key=True)


class LedgerItem(Table):
    """One version of an entry. The current one sits under the broker's id, version 1 of it under `{id}#v0001`."""

    by_time = ByTime()

    account_id = UnicodeAttribute(hash_key=True)
    source_id: UnicodeAttribute
    time_key = UnicodeAttribute(null=True)
    entry: Attribute[LedgerEntry]
    content_hash = UnicodeAttribute()
    version = IntegerAttribute()
    version_reason = UnicodeAttribute(null=True)
    cancelled_by = UnicodeAttribute(null=True)
    aliases = UnicodeSetAttribute(null=True)
    run_id = UnicodeAttribute()
    snapshot_key = UnicodeAttribute()

    @classmethod
    def current(cls, stored: StoredEntry) -> RawItem:
        """The item of an entry's current version."""
        item = cls._raw(stored, stored.entry.source_id) | {"time_key": {STRING: time_key(stored.entry)}}
        return item | {"aliases": {STRING_SET: sorted(stored.aliases)}} if stored.aliases else item

    @classmethod
    def replaced(cls, stored: StoredEntry) -> RawItem:
        """The item that keeps a version readable after another took its place (I9)."""
        return cls._raw(stored, f"{stored.entry.source_id}#v{stored.version:04d}")

    @classmethod
    def _raw(cls, stored: StoredEntry, key: str) -> RawItem:
        """As DynamoDB takes it: a first load stores thousands, and building models of them takes half of its time."""
        optional = {"version_reason": stored.version_reason, "cancelled_by": stored.cancelled_by}
        return {
            "account_id": {STRING: stored.account_id},
            cls.source_id.attr_name: {STRING: key},
            cls.entry.attr_name: {MAP: cls.entry.serialize(stored.entry)},
            "content_hash": {STRING: stored.content_hash},
            "version": {NUMBER: str(stored.version)},
            "run_id": {STRING: stored.origin.run_id},
            "snapshot_key": {STRING: stored.origin.snapshot_key},
            **{name: {STRING: str(text)} for name, text in optional.items() if text},
        }

    def to_stored(self) -> StoredEntry:
        """The version as the domain knows it."""
        return StoredEntry(
            account_id=self.account_id,
            entry=self.entry,
            content_hash=self.content_hash,
            origin=Origin(run_id=self.run_id, snapshot_key=self.snapshot_key),
            version=self.version,
            version_reason=self.version_reason or "",
            cancelled_by=self.cancelled_by or "",
            aliases=tuple(sorted(self.aliases or ())),
        )
