"""The job message: it says "look at this feed", the work itself lives in the table (I11)."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from brokersync.domain.runs import RequestedBy


class SyncJob(BaseModel):
    """One message of sync-jobs or sync-backfill. `tick` is the minute since 1970 of a scheduled job, else absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    job_id: str = Field(min_length=1, max_length=64)
    feed_id: str = Field(min_length=1, max_length=64)
    trading_account_id: str | None = Field(default=None, max_length=64)
    requested_by: RequestedBy
    requested_at: AwareDatetime | datetime
    tick: int | None = Field(default=None, ge=0)
