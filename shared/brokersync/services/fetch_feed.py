"""The fetch of a run: each raw answer is kept before anybody looks into it, and stored at the next checkpoint."""

from dataclasses import dataclass, replace

from brokersync.domain.feeds import Feed, Lease
from brokersync.domain.pages import Checkpoint, ComeBack, RawPage, page_digest
from brokersync.domain.runs import SectionState
from brokersync.domain.trades import Origin
from brokersync.ports.world import Deadline
from brokersync.services.conclude import BackToSync, Completed, OutOfTime, Verdict
from brokersync.services.open_broker import OpenBroker, SyncPorts
from brokersync.services.progress import Progress, Work
from brokersync.services.store_chunk import Chunk, StoreChunk

RESERVE_SECONDS = 15.0  # kept back for storing the last chunk and finishing
HASH_GOOD_FOR_DAYS = 15  # half of the shortest retention: then an unchanged answer is stored anew


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A page of the present chunk. `seq` is its number among the run's snapshots; None: it is the same as before."""

    page: RawPage
    name: str
    digest: str
    seq: int | None


class FetchFeed:
    """One fetch, under a lease."""

    def __init__(
        self, ports: SyncPorts, feed: Feed, lease: Lease, work: Work, progress: Progress, opened: OpenBroker
    ) -> None:
        self._p = ports
        self._feed = feed
        self._lease = lease
        self._work = work
        self._progress = progress
        self._provider = opened.provider
        self._manifest = opened.provider.manifest
        self._context = opened.context

    def run(self, chunk: StoreChunk, deadline: Deadline) -> Verdict:
        """Fetch and store until the broker has no more, or time is up. Raises SyncError and LeaseLostError."""
        pending: list[_Held] = []
        slowest = 0.0
        begun = deadline.seconds_left()
        for step in self._provider.fetch(self._context):
            match step:
                case RawPage():
                    pending.append(self._keep(step))
                case Checkpoint():
                    self._store(chunk, pending, step)
                    pending.clear()
                    if not step.last and (ended := self._write_down()):
                        return ended
                    left = deadline.seconds_left()
                    slowest = max(slowest, begun - left)
                    begun = left
                    if not step.last and left - RESERVE_SECONDS < slowest:
                        # What is held back is not asked for at once again: a later tick may find it mended.
                        return Completed() if self._progress.held_back else OutOfTime()
                case ComeBack():
                    return step
        return Completed()

    def _keep(self, page: RawPage) -> _Held:
        """Store an answer before anybody looks into it, unless it is the one that we have (I1)."""
        digest = page_digest(page, self._manifest.volatile)
        name = self._progress.page_name(page)
        known, _, stored_on = self._progress.known_hashes.get(name, "").partition(":")
        today = page.received_at.toordinal()
        if known == digest and stored_on and today - int(stored_on) < HASH_GOOD_FOR_DAYS:
            return _Held(page=page, name=name, digest=f"{known}:{stored_on}", seq=None)
        return self._put(_Held(page=page, name=name, digest=f"{digest}:{today}", seq=None))

    def _put(self, held: _Held) -> _Held:
        seq = len(self._progress.snapshot_keys)
        key = self._p.snapshots.put(
            feed_id=self._feed.feed_id,
            run_id=self._lease.run_id,
            seq=seq,
            broker=self._feed.broker,
            job_id=self._work.job_id,
            page=held.page,
        )
        self._progress.snapshot_keys.append(key)
        return replace(held, seq=seq)

    def _store(self, chunk: StoreChunk, held: list[_Held], checkpoint: Checkpoint) -> None:
        progress = self._progress
        for one in held:
            if one.seq is not None:
                progress.sections[one.page.section] = SectionState.STORED
            else:
                progress.sections.setdefault(one.page.section, SectionState.UNCHANGED)
        if all(one.seq is None for one in held):
            if checkpoint.stays or not progress.held_back:
                progress.reach(checkpoint, trades=0)
        else:
            normalised = self._provider.normalise([one.page for one in held], tuple(self._feed.accounts))
            if chunk.unread(normalised):
                # Whoever reads these rows again needs all of their pages.
                held = [self._put(one) if one.seq is None else one for one in held]
            if not chunk.run(normalised, checkpoint, self._where(held)):
                return  # the same answer next time is to be looked at again
        progress.hashes.update({one.name: one.digest for one in held})

    def _where(self, held: list[_Held]) -> Chunk:
        stored = [(one.seq, one.page.section) for one in held if one.seq is not None]
        cited = [seq for seq, section in stored if section not in self._manifest.uncited] or [stored[-1][0]]
        origin = Origin(run_id=self._lease.run_id, snapshot_key=self._progress.snapshot_keys[cited[-1]])
        return Chunk(origin=origin, first=stored[0][0], last=stored[-1][0])

    def _write_down(self) -> Verdict | None:
        """In a load, or after a hole: the feed learns now how far everything is stored. Whether the load is over."""
        progress = self._progress
        if progress.load is None and progress.coverage.holes == self._feed.coverage.holes:
            return None
        asked = self._p.stores.feeds.advance(self._lease, progress.cursor, progress.coverage, progress.load)
        load = progress.load
        if load is None or not load.is_asked:
            return None
        if asked is None or asked.job_id != load.job_id:
            return BackToSync("The load of older history was cancelled; what it brought is kept.")
        return BackToSync("The history that was asked for is loaded.") if load.is_there else None
