"""What a simulator says it truly holds, and where the ledger says something else, entry by entry and field by field."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum

from pydantic import BaseModel, JsonValue

from brokersync.domain.money import plain
from brokersync.domain.trades import LedgerEntry

TrueEntry = Mapping[str, JsonValue]
"""An entry under the ledger's names; amounts are text, a time is nanoseconds under its name with `_ns`."""


class AccountTruth(BaseModel):
    """One account by the simulator's own books."""

    broker_account_id: str
    executions: Sequence[TrueEntry]
    cash_events: Sequence[TrueEntry]

    def by_id(self) -> Mapping[str, TrueEntry]:
        """Executions and cash events by their ids in the ledger."""
        trades = {str(entry["source_trade_id"]): entry for entry in self.executions}
        return trades | {str(entry["source_id"]): entry for entry in self.cash_events}


class Truth(BaseModel):
    """A simulator's answer to GET /_sim/truth."""

    accounts: Sequence[AccountTruth]


def differences(true: Mapping[str, TrueEntry], stored: Iterable[LedgerEntry], *, complete: bool) -> Iterator[str]:
    """Where the ledger differs from the truth: entries invented, stored twice, changed, and if `complete` missing."""
    seen: set[str] = set()
    for entry in stored:
        if entry.source_id in seen:
            yield f"{entry.source_id} is stored twice"
        seen.add(entry.source_id)
        if entry.source_id not in true:
            yield f"{entry.source_id} is invented"
        else:
            yield from _changed(true[entry.source_id], entry)
    if complete:
        yield from (f"{missing} is missing" for missing in true if missing not in seen)


def _changed(true: TrueEntry, entry: LedgerEntry) -> Iterator[str]:
    for name, expected in true.items():
        held = getattr(entry, name.removesuffix("_ns"))
        said = held.ns if name.endswith("_ns") else _json(held)
        if said != expected:
            yield f"{entry.source_id}: {name} is {said!r}, truly {expected!r}"


def _json(value: object) -> JsonValue:
    match value:
        case Decimal():
            return plain(value)
        case Enum():
            return str(value.value)
        case Mapping():
            return {str(key): _json(item) for key, item in value.items()}
        case None | bool() | int() | str():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")
