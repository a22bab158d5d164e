"""What is sent: jobs and events."""

from collections.abc import Sequence
from typing import Protocol

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Announcement


class SyncQueue(Protocol):
    """The job queues."""

    def send(self, jobs: Sequence[tuple[SyncJob, str, int]], *, backfill: bool = False) -> None:
        """Send jobs as (job, user id, delay in seconds up to 900), in batches of ten.

        An entry whose fate is unknown is sent again: duplicates are harmless. Raises RetryLaterError(internal) when
        some could not be sent after all.
        """
        ...


class Bus(Protocol):
    """The event bus for what somebody acts on."""

    def send(self, announcements: Sequence[Announcement]) -> None:
        """Send events; raises when one could not be sent."""
        ...
