"""What a run has done so far, and what it is working on: plain state that its steps hand on."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.coverage import Coverage, Hole
from brokersync.domain.feeds import Feed, FeedPurpose, Lease, Wanted
from brokersync.domain.loads import Load, LoadKind
from brokersync.domain.pages import Checkpoint, RawPage
from brokersync.domain.runs import RequestedBy, RunStats, SectionState

MAX_HASHES = 16
"""So many pages of a run can turn out unchanged at the next: each takes 22 bytes of the feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The job that a run does: what the feed is owed if its time has come, else what the message asks for."""

    job_id: str
    requested_by: RequestedBy
    attempt: int = 0
    state: Mapping[str, str] = field(default_factory=dict)
    wanted: Wanted | None = None

    @classmethod
    def of(cls, feed: Feed, job: SyncJob, lease: Lease) -> "Work":
        """What a holder of the feed has to do."""
        owed = feed.wanted
        if owed is None or owed.not_before > lease.started_at:
            return cls(job_id=job.job_id, requested_by=job.requested_by)
        return cls(job_id=owed.job_id, requested_by=owed.kind, attempt=owed.attempt, state=owed.state, wanted=owed)


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run has fetched and stored. Everything in it is true already, however the run ends.

    `load` is the long load that the run begins or goes on with. `held_back`: a chunk was not understood whole, so that
    no later one may move the cursor past it. `unread` counts figures that were not understood; rows that would be
    entries are holes of `coverage`. `corrected_cash` are those of the corrections that are no trades.
    """

    cursor: str
    coverage: Coverage
    accounts: dict[str, str]
    known_hashes: Mapping[str, str]
    load: Load | None = None
    hashes: dict[str, str] = field(default_factory=dict)
    stats: RunStats = field(default_factory=RunStats)
    sections: dict[str, SectionState] = field(default_factory=dict)
    snapshot_keys: list[str] = field(default_factory=list)
    held_back: bool = False
    unread: int = 0
    corrected_cash: int = 0
    _times: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, feed: Feed, job_id: str) -> "Progress":
        """The state at the start of a run."""
        load, cursor = feed.load, feed.cursor
        request = feed.load_request
        if load is not None and load.is_asked and (request is None or request.job_id != load.job_id):
            cursor = _before(load, cursor)
            load = None  # it was cancelled
        begins = load is None
        if load is None and request is not None:
            load = Load.begin(request, resume=cursor)
            cursor = "" if request.kind is LoadKind.BACKFILL else cursor
        elif load is None and not cursor and feed.purpose is FeedPurpose.SYNC:
            load = Load(kind=LoadKind.FIRST, job_id=job_id)
        return cls(
            cursor=cursor,
            coverage=feed.coverage,
            accounts=dict(feed.accounts),
            # A load reads all anew, also what was the same the last time.
            known_hashes={} if begins and load is not None else feed.hashes,
            load=load,
        )

    @property
    def stored(self) -> int:
        """Entries and versions that this run added to the ledger."""
        return self.stats.inserted + self.stats.corrections

    @property
    def trades(self) -> int:
        """New trades that this run has stored."""
        return self.stats.inserted - self.stats.cash_events

    def page_name(self, page: RawPage) -> str:
        """Names a page among those of its run, the same from run to run: 4 characters.

        By section, path, and which time it is asked for. Not by its parameters: windows move with the clock.
        """
        asked = f"{page.section} {page.path}"
        self._times[asked] = nth = self._times.get(asked, 0) + 1
        return urlsafe_b64encode(hashlib.sha256(f"{asked} {nth}".encode()).digest()[:3]).decode()

    def merged_hashes(self) -> Mapping[str, str]:
        """The hashes to remember: those of this run's pages, and what else there is room for."""
        newest = dict(list(self.hashes.items())[:MAX_HASHES])
        room = MAX_HASHES - len(newest)
        older = [(name, digest) for name, digest in self.known_hashes.items() if name not in newest]
        return newest | dict(sorted(older)[:room])

    def reach(self, checkpoint: Checkpoint, trades: int, hole: Hole | None = None) -> None:
        """A chunk is stored: move the cursor, and extend what is complete by what the broker served."""
        self.cursor = checkpoint.cursor
        if hole is not None:
            self.coverage = self.coverage.with_hole(hole)
        start, end = checkpoint.covered_from, checkpoint.covered_to
        account_id = self.accounts.get(checkpoint.broker_account_id, "")
        if self.load is not None:
            self.load = self.load.further(start, end, trades)
            if not account_id:
                self.coverage = self.load.joined_to(self.coverage, checkpoint.waterline)
                return
        self.coverage = self.coverage.joined(start, end, checkpoint.waterline, account_id=account_id)

    def leave_load(self) -> None:
        """End a load before its end: the feed goes on where it was before. What was loaded stays."""
        if self.load is not None:
            self.cursor = _before(self.load, self.cursor)
            self.load = None


def _before(load: Load, cursor: str) -> str:
    return load.resume if load.kind is LoadKind.BACKFILL else cursor
