"""Plans: what a trader's subscription allows. Configuration only."""

from dataclasses import dataclass
from enum import StrEnum

from brokersync.domain.wheel import round_up_interval

DEFAULT_INTERVAL_MIN = 15
CHOOSABLE_INTERVALS_MIN = (5, 10, 15, 30, 60)


class Plan(StrEnum):
    """The plans on offer."""

    FREE = "free"
    PRO = "pro"
    ELITE = "elite"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """A plan's limits. `history_days` None means all there is."""

    min_interval_min: int
    manual_syncs_per_hour: int
    history_days: int | None
    run_log_days: int


TERMS: dict[Plan, PlanTerms] = {
    Plan.FREE: PlanTerms(min_interval_min=60, manual_syncs_per_hour=2, history_days=30, run_log_days=30),
    Plan.PRO: PlanTerms(min_interval_min=15, manual_syncs_per_hour=12, history_days=730, run_log_days=90),
    Plan.ELITE: PlanTerms(min_interval_min=5, manual_syncs_per_hour=60, history_days=None, run_log_days=365),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a feed is synced by itself: every `interval_min` minutes, which follow from plan, choice and broker."""

    plan: Plan
    chosen_min: int | None
    interval_min: int
    sync_enabled: bool


def effective_interval(chosen_min: int | None, plan: Plan, broker_useful_min: int) -> int:
    """Minutes between scheduled syncs: the slowest of the choice, the plan and what the broker makes useful."""
    return round_up_interval(max(chosen_min or DEFAULT_INTERVAL_MIN, TERMS[plan].min_interval_min, broker_useful_min))
