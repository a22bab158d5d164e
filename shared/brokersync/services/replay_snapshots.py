"""Stored raw answers, read again under the present code: what was not understood when they came, and is by now.

Two occasions: the holes of a feed, at the start of each of its runs, and a replay of all that is kept, which an
operator asks for. Nobody is asked but S3, and storing is idempotent (I2).
"""

import logging

from brokersync.domain.errors import SyncError
from brokersync.domain.feeds import Feed, Lease
from brokersync.domain.pages import Normalised
from brokersync.domain.trades import Origin
from brokersync.ports.brokers import Provider
from brokersync.ports.world import Deadline
from brokersync.services.conclude import BackToSync, OutOfTime, Verdict
from brokersync.services.open_broker import SyncPorts
from brokersync.services.progress import Progress
from brokersync.services.store_chunk import StoreChunk

log = logging.getLogger(__name__)

RESERVE_SECONDS = 15.0
MOST_TRIED = 10_000  # names of holes that a process remembers
LAST = 9_999  # no run has so many answers


class TriedHoles:
    """Which holes this process has read in vain: its code stays the same, so it never reads one twice."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def is_new(self, name: str) -> bool:
        """Whether a hole was not tried here; from now on it was."""
        if name in self._names:
            return False
        if len(self._names) >= MOST_TRIED:
            self._names.clear()
        self._names.add(name)
        return True


class ReplaySnapshots:
    """Reads a feed's stored answers again, under its lease."""

    def __init__(self, ports: SyncPorts, feed: Feed, lease: Lease, provider: Provider, progress: Progress) -> None:
        self._p = ports
        self._feed = feed
        self._lease = lease
        self._provider = provider
        self._progress = progress

    def holes(self, chunk: StoreChunk, tried: TriedHoles) -> None:
        """Read the rows again that nobody understood; those that are understood by now close their hole."""
        for hole in self._progress.coverage.holes:
            if tried.is_new(f"{self._feed.feed_id}/{hole.name}"):
                self._read(chunk, hole.run_id, hole.first, hole.last)

    def run(self, chunk: StoreChunk, deadline: Deadline) -> Verdict:
        """Read all that is kept, run by run, oldest first, from where the load stands. Raises LeaseLostError."""
        load = self._progress.load
        if load is None:
            raise ValueError(f"{self._feed.feed_id}: nobody asked for a replay")
        slowest, begun = 0.0, deadline.seconds_left()
        for run_id in self._p.snapshots.runs(self._feed.feed_id, load.position):
            trades = self._progress.trades
            self._read(chunk, run_id, 0, LAST)
            load = load.replayed(run_id, self._progress.trades - trades)
            self._progress.load = load
            asked = self._p.stores.feeds.advance(self._lease, self._progress.cursor, self._progress.coverage, load)
            if asked is None or asked.job_id != load.job_id:
                return BackToSync("The replay was cancelled; what it brought is kept.")
            left = deadline.seconds_left()
            slowest, begun = max(slowest, begun - left), left
            if left - RESERVE_SECONDS < slowest:
                return OutOfTime()
        return BackToSync("All that is kept was read again.")

    def _read(self, chunk: StoreChunk, run_id: str, first: int, last: int) -> None:
        """Store what some answers say by now, and close what they explain of the run's holes."""
        about = {"feed_id": self._feed.feed_id, "kept_run_id": run_id}
        found = self._p.snapshots.kept(self._feed.feed_id, run_id, first, last)
        if not found:
            log.error("snapshots_missing", extra=about)
            return
        try:
            said: Normalised = self._provider.normalise([page for _, page in found], tuple(self._feed.accounts))
        except SyncError as error:
            log.warning("snapshots_not_understood", extra=about | {"detail": error.detail})
            return
        except Exception:  # whatever an old answer does to us, the sync goes on
            log.exception("snapshots_not_understood", extra=about)
            return
        chunk.store_again(said, Origin(run_id=run_id, snapshot_key=found[-1][0]))
        left = chunk.unread(said)
        for hole in self._progress.coverage.holes:
            if hole.run_id == run_id and first <= hole.first and hole.last <= last:
                self._progress.coverage = self._progress.coverage.read_again(hole, left)
                log.info("hole_read_again", extra=about | {"rows": len(hole.rows), "left": len(left & set(hole.rows))})
