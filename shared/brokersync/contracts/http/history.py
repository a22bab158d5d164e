"""Older history, and what trades were before they were corrected."""

from pydantic import AwareDatetime, Field

from brokersync.contracts.http.base import Body, Instant
from brokersync.contracts.http.trades import Trade


class BackfillRequest(Body):
    """Which history to load: from then on, and until then; without an end, until what is there already."""

    start: AwareDatetime = Field(
        alias="from", description="From then on, with its zone.", examples=["2024-01-01T00:00:00Z"]
    )
    end: AwareDatetime | None = Field(default=None, alias="to", description="Until then, with its zone.")


class BackfillAccepted(Body):
    """The job that loads it, and what it will cover: `end` null is until now. The sync status shows how far it is."""

    job_id: str
    start: Instant
    end: Instant | None


class BackfillCancelled(Body):
    """The job that was taken back; empty if there was none."""

    job_id: str


class TradeVersions(Body):
    """All that the broker, or our reading of it, has ever said of one trade; the first version first.

    `version_reason`: correction, rebook, cancel, bust (undone by the exchange), reread (stored answers read better).
    """

    versions: tuple[Trade, ...]
