"""What a broker that changes its ids serves, under the ids by which the ledger holds it (domain/bridge.py)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from brokersync.domain.bridge import Proven, bridge, under_known_ids
from brokersync.domain.feeds import Lease
from brokersync.domain.trades import LedgerEntry, StoredEntry
from brokersync.ports.storage import Ledger

_INSTANT = timedelta(microseconds=1)


def under_held_ids(
    ledger: Ledger, lease: Lease, accounts: Mapping[str, str], served: Sequence[LedgerEntry], proven: Proven | None
) -> list[LedgerEntry]:
    """The served entries under the ids of the held ones; new ids are written down as aliases first.

    `accounts` maps the broker's account ids to ours; `proven` is None where the entries are only a part of an answer.
    Raises NeedsReviewError (history_changed), LeaseLostError.
    """
    by_account: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in served:
        by_account[entry.broker_account_id].append(entry)
    found: list[LedgerEntry] = []
    renamed: list[StoredEntry] = []
    for number, account_id in accounts.items():
        entries = by_account.pop(number, [])
        time = _time_of(entries, proven)
        held = ledger.between(account_id, *time) if time else []
        if proven is None:
            found += under_known_ids(held, entries)
            continue
        bridged = bridge(held, entries, proven)
        found += bridged.entries
        renamed += bridged.renamed
    if renamed:
        ledger.put_aliases(lease, renamed)
    return [*found, *(entry for entries in by_account.values() for entry in entries)]


def _time_of(entries: Sequence[LedgerEntry], proven: Proven | None) -> tuple[datetime, datetime] | None:
    """From when to when entries are to be compared: what is proven complete, and what was served."""
    times = [entry.occurred_at.utc for entry in entries]
    starts = [*times, *([proven.start] if proven and proven.start else [])]
    ends = [*(time + _INSTANT for time in times), *([proven.end] if proven and proven.end else [])]
    return (min(starts), max(ends)) if starts and ends else None
