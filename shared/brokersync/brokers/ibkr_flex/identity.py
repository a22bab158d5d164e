"""Ids: IBKR's own where a row has one; else a hash of what was traded or booked, and the row's place among equals."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from brokersync.brokers.ibkr_flex.values import RowError
from brokersync.domain.money import plain
from brokersync.domain.trades import CashEvent, Execution

_Entry = TypeVar("_Entry", Execution, CashEvent)


class Entries(Generic[_Entry]):
    """Executions or cash events by account and id, in the order they were read. Rows without id count per document."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._ordinals: Counter[tuple[str, str]] = Counter()

    def add(self, entry: _Entry) -> _Entry:
        """Keep the entry, with an id if it had none; returns it with its id.

        Raises RowError when another entry has its id and another content.
        """
        key = entry.broker_account_id, entry.source_id or content_id(entry)
        if not entry.source_id:
            self._ordinals[key] += 1
            key = key[0], f"{key[1]}:{self._ordinals[key]}"
            entry = _with_id(entry, key[1])
        known = self._entries.setdefault(key, entry)
        if known is not entry and known != entry:
            raise RowError("transactionID", f"{key[1]} is there twice with different content")
        return entry

    def adopt(self, others: "Entries[_Entry]") -> Iterator[tuple[_Entry, RowError]]:
        """Keep another document's entries too; yields those that contradict what is kept, with the problem."""
        if not self._entries:
            self._entries.update(others._entries)
            return
        for entry in others.all():
            try:
                self.add(entry)
            except RowError as error:
                yield entry, error

    def all(self) -> Sequence[_Entry]:
        """The entries."""
        return list(self._entries.values())


def content_id(entry: Execution | CashEvent) -> str:
    """A hash of what makes the entry what it is; later corrections (fees, P&L) leave it as it is."""
    match entry:
        case Execution():
            parts = [
                entry.kind,
                entry.contract.get("conid", ""),
                entry.symbol,
                entry.side,
                plain(entry.quantity),
                plain(entry.price),
                entry.currency,
                str(entry.executed_at.ns),
                entry.order_id,
                entry.trade_ref,
            ]
        case CashEvent():
            parts = [
                entry.kind,
                plain(entry.amount),
                entry.currency,
                str(entry.occurred_at.ns),
                entry.symbol,
                entry.description,
            ]
    return f"row:{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()[:16]}"


def _with_id(entry: _Entry, source_id: str) -> _Entry:
    if isinstance(entry, Execution):
        return replace(entry, source_trade_id=source_id)
    return replace(entry, source_id=source_id)


def mask(number: str) -> str:
    """All of an account number that a message tells."""
    return f"...{number[-4:]}" if len(number) > 4 else "..."
