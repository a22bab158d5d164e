"""What is complete: since when, until when, and which rows nobody has understood yet. Per feed, and per account."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

MAX_HOLE_ROWS = 20
"""With more rows than this that nobody understands, the cursor waits; what comes is stored all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of an account's history that is complete (aware UTC; None: not known, or the feed's own).

    `waterline` is how far the broker says its own data reaches, where it says so: what is newer can't be served yet.
    """

    start: datetime | None = None
    end: datetime | None = None
    waterline: datetime | None = None

    def joined(self, start: datetime | None, end: datetime | None, waterline: datetime | None = None) -> "Span":
        """The stretch with what was served besides; the two touch or overlap."""
        return Span(
            start=min(filter(None, (self.start, start)), default=None),
            end=max(filter(None, (self.end, end)), default=None),
            waterline=max(filter(None, (self.waterline, waterline)), default=None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Rows of one chunk that were not understood. Their raw pages are snapshots `first` to `last` of the run `run_id`.

    `rows` has the account of each row, by a short hash of where it stands; empty where the row doesn't say whose it is.
    """

    run_id: str
    first: int
    last: int
    rows: Mapping[str, str]

    @property
    def name(self) -> str:
        """Names it within its feed."""
        return f"{self.run_id}/{self.first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCoverage:
    """What is complete of one account. `holes` counts rows that nobody understood: its own, and those of nobody's."""

    start: datetime | None
    end: datetime | None
    waterline: datetime | None
    holes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Since when and until when a feed's ledger is complete, as the broker served it. None: nothing stored yet.

    `accounts` has what differs of single accounts, by our account id: one that came later than the feed, or one that
    the broker serves by itself. While there is a hole, the feed is at best partial (I5).
    """

    start: datetime | None = None
    end: datetime | None = None
    waterline: datetime | None = None
    accounts: Mapping[str, Span] = field(default_factory=dict)
    holes: tuple[Hole, ...] = ()

    def of(self, account_id: str) -> AccountCoverage:
        """What is complete of one of the feed's accounts."""
        own = self.accounts.get(account_id, Span())
        return AccountCoverage(
            start=own.start or self.start,
            end=own.end or self.end,
            waterline=own.waterline or self.waterline,
            holes=sum(owner in ("", account_id) for hole in self.holes for owner in hole.rows.values()),
        )

    @property
    def unread(self) -> int:
        """How many rows nobody understood."""
        return sum(len(hole.rows) for hole in self.holes)

    def joined(
        self, start: datetime | None, end: datetime | None, waterline: datetime | None = None, *, account_id: str = ""
    ) -> "Coverage":
        """The coverage with what was served besides: of one account, or (empty) of all that the feed has."""
        if account_id:
            own = self.accounts.get(account_id, Span()).joined(start, end, waterline)
            return replace(self, accounts={**self.accounts, account_id: own})
        all_of_it = Span(start=self.start, end=self.end, waterline=self.waterline).joined(start, end, waterline)
        return replace(self, start=all_of_it.start, end=all_of_it.end, waterline=all_of_it.waterline)

    def with_late(self, account_ids: list[str], start: datetime | None) -> "Coverage":
        """Accounts that are found only now: what the feed covered before they came says nothing about them."""
        if start is None or self.start is None or start <= self.start:
            return self
        late = {account_id: Span(start=start) for account_id in account_ids if account_id not in self.accounts}
        return replace(self, accounts={**self.accounts, **late})

    def unknown(self, rows: Mapping[str, str]) -> Mapping[str, str]:
        """Those of the rows that no hole names yet: an overlap serves the same row again and again."""
        known = {row for hole in self.holes for row in hole.rows}
        return {row: owner for row, owner in rows.items() if row not in known}

    def with_hole(self, hole: Hole) -> "Coverage":
        """The coverage with one hole more."""
        return replace(self, holes=(*self.holes, hole))

    def read_again(self, hole: Hole, left: frozenset[str]) -> "Coverage":
        """A hole was read again: only the rows `left` are still not understood; without any it is closed."""
        rows = {row: owner for row, owner in hole.rows.items() if row in left}
        mended = (replace(hole, rows=rows),) if rows else ()
        at = self.holes.index(hole)
        return replace(self, holes=(*self.holes[:at], *mended, *self.holes[at + 1 :]))


def row_name(section: str, where: str) -> str:
    """A short name of a row, the same however often it is served: 8 hex digits."""
    return hashlib.sha256(f"{section} {where}".encode()).hexdigest()[:8]
