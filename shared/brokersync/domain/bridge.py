"""Entries whose ids the broker has changed, recognised by what they say: one to one, or not at all (I2).

Some brokers give what they served before new ids: when a connection is made anew, or when an institution's history is
read again. Stored under those, each trade would be there twice. So what such a broker serves is laid beside what the
ledger holds of the same time:

- an id that is known, also as an alias, is that entry, whatever it says now (then it is a correction);
- of the rest, entries with the same content are the same, one to one, equal ones by their order;
- what is served and not held is new;
- what is held and should have been served, or is served a different number of times, is a contradiction. Nothing is
  guessed then: a person decides.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn, Self

from brokersync.domain.errors import ErrorCode, NeedsReviewError
from brokersync.domain.money import plain
from brokersync.domain.pages import Checkpoint
from brokersync.domain.trades import CashEvent, Execution, ExecutionKind, LedgerEntry, StoredEntry, content_hash

_Key = tuple[type[LedgerEntry], str]
"""An id, which is unique among entries of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridged:
    """`entries` are those that were served, in their order, under the ids by which the ledger holds them.

    `renamed` are the held entries that have come under a new id, with that id among their aliases.
    """

    entries: Sequence[LedgerEntry]
    renamed: Sequence[StoredEntry]


@dataclass(frozen=True, slots=True)
class Proven:
    """The time of which an answer is known to be complete: from `start` to before `end`; None: of no time at all.

    `broker_account_id` is the account that it is about; empty: all of them. Up to `accepted_through` the trader has
    accepted that the broker tells something else than what is held.
    """

    start: datetime | None
    end: datetime | None
    broker_account_id: str = ""
    accepted_through: datetime | None = None

    @classmethod
    def by(cls, checkpoint: Checkpoint | None, accepted_through: datetime | None = None) -> Self:
        """What a checkpoint proves; None proves nothing."""
        if checkpoint is None:
            return cls(None, None, accepted_through=accepted_through)
        return cls(checkpoint.covered_from, checkpoint.covered_to, checkpoint.broker_account_id, accepted_through)

    def covers(self, stored: StoredEntry) -> bool:
        """Whether the answer has to have this entry. Broker rows that were cancelled may be gone."""
        if self.start is None or self.end is None or stored.cancelled_by:
            return False
        if self.broker_account_id not in ("", stored.entry.broker_account_id):
            return False
        return self.start <= stored.entry.occurred_at.utc < self.end

    def accepts(self, stored: StoredEntry) -> bool:
        """Whether the trader knows that this entry may be missing, or be there another number of times."""
        return self.accepted_through is not None and stored.entry.occurred_at.utc <= self.accepted_through


def under_known_ids(held: Sequence[StoredEntry], served: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """What a part of an answer says, under the ids by which the ledger holds it, as far as it knows them.

    Nothing can be told by content there: what is missing in a part may be in the rest.
    """
    known = {name: stored for stored in held for name in _names(stored)}
    found = [(entry, known.get(_key(entry))) for entry in served]
    return [_under(entry, stored.entry.source_id) if stored else entry for entry, stored in found]


def bridge(held: Sequence[StoredEntry], served: Sequence[LedgerEntry], proven: Proven) -> Bridged:
    """Find out which of the served entries are held already under other ids.

    All of one account: `held` is what the ledger has of the answer's time, oldest first, `served` the whole answer.
    Raises NeedsReviewError (history_changed) where the counts of equal entries differ.
    """
    known = {name: stored for stored in held for name in _names(stored)}
    found = [known.get(_key(entry)) for entry in served]
    _refuse_two_names(served, [stored if stored and not proven.accepts(stored) else None for stored in found])
    recognised = {_key(stored.entry) for stored in found if stored is not None}
    unknown = {_key(entry): entry for entry, stored in zip(served, found, strict=True) if stored is None}
    left = [stored for stored in held if _key(stored.entry) not in recognised]
    matched = _match(left, unknown.values(), proven)
    ids = {_key(entry): stored.entry.source_id for stored, entry in matched}
    ids |= {_key(entry): one.entry.source_id for entry, one in zip(served, found, strict=True) if one is not None}
    return Bridged(
        entries=[_under(entry, ids.get(_key(entry), entry.source_id)) for entry in served],
        renamed=[replace(stored, aliases=(*stored.aliases, entry.source_id)) for stored, entry in matched],
    )


def _match(
    held: Iterable[StoredEntry], served: Iterable[LedgerEntry], proven: Proven
) -> Sequence[tuple[StoredEntry, LedgerEntry]]:
    """Pairs of the same content. Raises NeedsReviewError."""
    ours: dict[Hashable, list[StoredEntry]] = defaultdict(list)
    theirs: dict[Hashable, list[LedgerEntry]] = defaultdict(list)
    for stored in held:
        ours[_what(stored.entry)].append(stored)
    for entry in served:
        theirs[_what(entry)].append(entry)
    pairs: list[tuple[StoredEntry, LedgerEntry]] = []
    differing: list[tuple[Sequence[StoredEntry], int]] = []
    for what, before in ours.items():
        now = theirs.get(what, [])
        if len(before) == len(now) or proven.accepts(before[0]):
            pairs += _pairs(before, now)
        elif now or any(proven.covers(stored) for stored in before):
            differing.append((before, len(now)))
    if differing:
        _refuse(differing)
    return pairs


def _pairs(before: Sequence[StoredEntry], now: Sequence[LedgerEntry]) -> Iterator[tuple[StoredEntry, LedgerEntry]]:
    """Equal in full first; those that differ in a detail (a fee, a description) by their order, as far as both go."""
    alike: dict[str, deque[LedgerEntry]] = defaultdict(deque)
    for entry in now:
        alike[_said(entry)].append(entry)
    rest = []
    for stored in before:
        same = alike[_said(stored.entry)]
        if same:
            yield stored, same.popleft()
        else:
            rest.append(stored)
    left = {id(entry) for entries in alike.values() for entry in entries}
    yield from zip(rest, (entry for entry in now if id(entry) in left), strict=False)


def _refuse_two_names(served: Sequence[LedgerEntry], found: Sequence[StoredEntry | None]) -> None:
    """One held entry can't be two served ones: both its old id and a later one are there."""
    names: Mapping[_Key, set[str]] = defaultdict(set)
    for entry, stored in zip(served, found, strict=True):
        if stored is not None:
            names[_key(stored.entry)].add(entry.source_id)
    doubled = {key for key, ids in names.items() if len(ids) > 1}
    if doubled:
        once = {_key(one.entry): one for one in found if one is not None}
        _refuse([([once[key]], len(names[key])) for key in doubled])


def _refuse(differing: Sequence[tuple[Sequence[StoredEntry], int]]) -> NoReturn:
    before, now = differing[0]
    more = f" (and {len(differing) - 1} more differences)" if len(differing) > 1 else ""
    ids = ", ".join(stored.entry.source_id for stored in before[:5])
    raise NeedsReviewError(
        ErrorCode.HISTORY_CHANGED,
        f"The broker tells {_times(now)} what it told {_times(len(before))} before: "
        f"{describe(before[0].entry)}{more}. Nothing was changed.",
        detail=f"{len(differing)} contents differ in number; held under {ids}",
    )


def describe(entry: LedgerEntry) -> str:
    """An entry in a few words for the trader: `buy 10 AAPL at 190.05 on 2026-05-11`."""
    day = entry.occurred_at.utc.date().isoformat()
    if isinstance(entry, CashEvent):
        about = f" {entry.symbol}" if entry.symbol else ""
        return f"{entry.kind.value}{about} of {plain(entry.amount)} {entry.currency} on {day}"
    cancel = "cancel of " if entry.kind is ExecutionKind.CANCEL else ""
    return f"{cancel}{entry.side.value} {plain(entry.quantity)} {entry.symbol} at {plain(entry.price)} on {day}"


def _what(entry: LedgerEntry) -> Hashable:
    """What makes two entries the same trade or movement, whatever their ids and details."""
    if isinstance(entry, Execution):
        traded = (entry.kind, entry.symbol, entry.side, entry.quantity, entry.price, entry.currency)
        return Execution, traded, entry.occurred_at.ns
    return CashEvent, (entry.kind, entry.symbol, entry.amount, entry.currency), entry.occurred_at.ns


def _said(entry: LedgerEntry) -> str:
    return content_hash(_under(entry, ""))


def _under(entry: LedgerEntry, source_id: str) -> LedgerEntry:
    if entry.source_id == source_id:
        return entry
    if isinstance(entry, Execution):
        return replace(entry, source_trade_id=source_id)
    return replace(entry, source_id=source_id)


def _key(entry: LedgerEntry) -> _Key:
    return type(entry), entry.source_id


def _names(stored: StoredEntry) -> Iterator[_Key]:
    yield from ((type(stored.entry), name) for name in (stored.entry.source_id, *stored.aliases))


def _times(count: int) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count} times")
