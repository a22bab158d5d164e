"""The newest trades that a feed has stored, by hashes: a filter that saves reads and writes, never the truth (I2).

Losing it costs a few writes: the ledger's conditional insert decides anyway. It must never call a changed entry the
same, so it keeps the whole content hash of an entry.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from brokersync.domain.trades import HASH_SCHEME

MAX_ENTRIES = 2_000
_HALF, _WHOLE = 8, 16  # bytes per hash, bytes per entry


class Knowledge(StrEnum):
    """What the filter knows about an entry: nothing, this very content, or another content."""

    UNKNOWN = "unknown"
    SAME = "same"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class KnownFilter:
    """Content hashes by id hash, the one that was learned first in front."""

    _known: Mapping[bytes, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._known)

    def status(self, key: str, content_hash: str) -> Knowledge:
        """What is known about the entry `key` (`account_id/source_id`) with this content hash."""
        known = self._known.get(_key_digest(key))
        if known is None:
            return Knowledge.UNKNOWN
        return Knowledge.SAME if known == _content_digest(content_hash) else Knowledge.CHANGED

    def adding(self, entries: Iterable[tuple[str, str]]) -> "KnownFilter":
        """The filter with these (key, content hash) too, the oldest first: past 2,000 entries, the first ones go.

        Add an entry after it was stored, never before.
        """
        known = dict(self._known)
        for key, content_hash in entries:
            digest = _key_digest(key)
            known.pop(digest, None)
            known[digest] = _content_digest(content_hash)
        return KnownFilter(dict(islice(known.items(), max(0, len(known) - MAX_ENTRIES), None)))

    def to_bytes(self) -> bytes:
        """The filter as one value: the hash scheme, then 16 bytes per entry."""
        return HASH_SCHEME.encode() + b"".join(key + content for key, content in self._known.items())

    @classmethod
    def from_bytes(cls, packed: bytes) -> "KnownFilter":
        """Read `to_bytes`; empty when it comes from another hash scheme or is damaged."""
        scheme, rows = packed[: len(HASH_SCHEME)], packed[len(HASH_SCHEME) :]
        if scheme != HASH_SCHEME.encode() or len(rows) % _WHOLE:
            return cls()
        return cls({rows[at : at + _HALF]: rows[at + _HALF : at + _WHOLE] for at in range(0, len(rows), _WHOLE)})


def _key_digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()[:_HALF]


def _content_digest(content_hash: str) -> bytes:
    """The 8 bytes of a content hash. Raises ValueError for one of another scheme: it can't be compared with ours."""
    scheme, _, digits = content_hash.partition(":")
    if scheme != HASH_SCHEME:
        raise ValueError(f"content hash {content_hash!r} is not of scheme {HASH_SCHEME}")
    return bytes.fromhex(digits)
