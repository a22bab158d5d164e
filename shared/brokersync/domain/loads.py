"""Long loads of history: a first sync, a backfill that was asked for, a replay of what is stored. Their rules, pure.

A load takes as many runs as it needs. While it goes on, the feed's cursor is the load's: a backfill begins at the
beginning like a first sync does, remembers where the feed stood (`resume`), and gives it back when it ends early.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from brokersync.domain.coverage import Coverage


class LoadKind(StrEnum):
    """Why history is loaded: the first sync, a trader's request for more, or stored answers under newer code."""

    FIRST = "first"
    BACKFILL = "backfill"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What somebody asked for; whoever removes it cancels the load. Times are aware UTC.

    None: from the beginning of what there is; to what there is now.
    """

    kind: LoadKind
    job_id: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load that has begun, and how far it is: times (aware UTC), chunks, and trades that were new.

    `resume` is the feed's cursor from before; `position` the last run whose answers a replay has read.
    """

    kind: LoadKind
    job_id: str
    start: datetime | None = None
    end: datetime | None = None
    resume: str = ""
    position: str = ""
    covered_from: datetime | None = None
    reached: datetime | None = None
    chunks: int = 0
    trades: int = 0

    @classmethod
    def begin(cls, request: LoadRequest, resume: str) -> "Load":
        """The beginning of what was asked for."""
        return cls(kind=request.kind, job_id=request.job_id, start=request.start, end=request.end, resume=resume)

    def further(self, start: datetime | None, end: datetime | None, trades: int) -> "Load":
        """After one more chunk, which proved `start` to `end` complete and brought so many new trades."""
        return replace(
            self,
            covered_from=min(filter(None, (self.covered_from, start)), default=None),
            reached=max(filter(None, (self.reached, end)), default=None),
            chunks=self.chunks + 1,
            trades=self.trades + trades,
        )

    def joined_to(self, known: Coverage, waterline: datetime | None) -> Coverage:
        """What is complete with what the load has brought so far.

        While that does not touch what was there before, nothing is known of what lies between: then the older stretch
        is not claimed. The newer one is the load's own only if it goes on until now, because the feed stays there.
        """
        start, end = self.covered_from, self.reached
        if end is not None and known.start is not None and end < known.start:
            return known
        if start is not None and known.end is not None and start > known.end:
            return known if self.end is not None else replace(known, start=start, end=end)
        return known.joined(start, end, waterline)

    def replayed(self, run_id: str, trades: int) -> "Load":
        """After the answers of one more run were read again."""
        return replace(self.further(None, None, trades), position=run_id)

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked for it, and may take that back."""
        return self.kind is not LoadKind.FIRST

    @property
    def is_there(self) -> bool:
        """Whether it has reached the end that was asked for."""
        return self.end is not None and self.reached is not None and self.reached >= self.end
