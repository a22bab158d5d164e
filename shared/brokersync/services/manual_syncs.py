"""How often a trader may ask for a sync by hand: as often an hour as the plan allows, over all accounts together."""

import logging
from dataclasses import dataclass
from datetime import datetime

from brokersync.domain.limiter import Window
from brokersync.domain.plans import TERMS, Plan
from brokersync.ports.limits import Limits
from brokersync.ports.world import Clock

log = logging.getLogger(__name__)

NAME = "manual_syncs"
SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUsage:
    """A limit as its user sees it. The times are aware UTC, and None while another use is possible at once."""

    name: str
    max: int
    used: int
    resets_at: datetime | None
    next_allowed_at: datetime | None


class LimitReachedError(Exception):
    """The limit is used up; `usage` says until when."""

    def __init__(self, usage: LimitUsage) -> None:
        self.usage = usage
        super().__init__(f"{usage.name}: {usage.used} of {usage.max} used")


class ManualSyncs:
    """Counts manual syncs."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock

    def take(self, user_id: str, plan: Plan) -> None:
        """Count one. Raises LimitReachedError, and RetryLaterError (limits_unavailable) when nobody can count."""
        now = self._clock.now()
        if self._limits.take(_key(user_id), _windows(plan), now) > now:
            usage = self.usage(user_id, plan)
            log.info("manual_sync_refused", extra={"user_id": user_id, "plan": plan.value, "used": usage.used})
            raise LimitReachedError(usage)

    def usage(self, user_id: str, plan: Plan) -> LimitUsage:
        """What is used of the hour. Raises RetryLaterError (limits_unavailable)."""
        now = self._clock.now()
        status = self._limits.status(_key(user_id), _windows(plan), now)
        (window,) = status.windows
        waits = status.next_allowed_at > now
        return LimitUsage(
            name=NAME,
            max=window.max,
            used=window.used,
            resets_at=window.resets_at if waits else None,
            next_allowed_at=status.next_allowed_at if waits else None,
        )


def _key(user_id: str) -> str:
    return f"manual-sync:{user_id}"


def _windows(plan: Plan) -> tuple[Window]:
    return (Window(TERMS[plan].manual_syncs_per_hour, SECONDS),)
