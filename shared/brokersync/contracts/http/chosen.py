"""What a trader chooses and may: accounts, language, plan and its limits."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from brokersync.contracts.http.base import Body, Instant, TimeZone
from brokersync.domain.messages import Locale
from brokersync.domain.plans import Plan


class AccountChange(Body):
    """What to change; what is left out stays. Accounts that one fetch brings share `sync_enabled` and interval."""

    sync_enabled: StrictBool | None = Field(default=None, description="Whether it is synced by itself.")
    interval_min: Literal[5, 10, 15, 30, 60] | None = Field(
        default=None, description="Minutes between scheduled syncs. One under the plan's waits for a better plan."
    )
    display_name: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The trader's own name for the account; empty brings the broker's back."
    )


class Limit(Body):
    """A limit of the plan. Both times are null while another use is possible at once."""

    name: str = Field(examples=["manual_syncs"])
    max: int = Field(description="Uses in any hour.", examples=[12])
    used: int = Field(description="Uses in the last hour.", examples=[3])
    resets_at: Instant | None = Field(description="When all of them are free again.")
    next_allowed_at: Instant | None = Field(description="When the next one is.")


class PlanTerms(Body):
    """What a plan allows."""

    min_interval_min: int = Field(description="Minutes between scheduled syncs, at least.", examples=[15])
    manual_syncs_per_hour: int = Field(examples=[12])
    history_days: int | None = Field(description="How far back the first load reaches; null for all there is.")
    run_log_days: int = Field(description="For how long the sync log is kept.", examples=[90])


class Me(Body):
    """Who asks, what they may, and how they want to be spoken to."""

    user_id: str
    operator: bool = Field(description="Whether the token opens the operator's routes.")
    plan: Plan
    terms: PlanTerms
    manual_syncs: Limit
    intervals_min: tuple[int, ...] = Field(description="What can be chosen.", examples=[[5, 10, 15, 30, 60]])
    locale: Locale | None = Field(description="Null: as each request says.")
    time_zone: str = Field(description="An IANA name; empty: the device's.", examples=["Europe/Paris"])


class MeChange(Body):
    """What to change; what is left out stays."""

    locale: Locale | None = None
    time_zone: TimeZone | Literal[""] | None = Field(
        default=None, description="An IANA name; empty brings the device's back."
    )


class PlanChange(Body):
    """The plan that a trader is to have."""

    plan: Plan


class FeedTerms(Body):
    """What a plan made of a feed."""

    feed_id: str
    interval_min: int = Field(description="Minutes between scheduled syncs.")


class UserPlan(Body):
    """A trader's plan, and what it made of each feed."""

    user_id: str
    plan: Plan
    feeds: tuple[FeedTerms, ...]
