"""The facts of a broker that the engine, the API and the page need: its manifest."""

import re
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum

from brokersync.domain.feeds import FetchScope
from brokersync.domain.limiter import Window


class LimitScope(StrEnum):
    """What a broker counts requests by: the credential (shared ledger) or the caller's address (per process)."""

    CREDENTIAL = "credential"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthField:
    """One thing the trader enters. Secret fields are never shown again.

    One that is not `required` may be left empty; then the broker's code takes its `default`.
    """

    name: str
    label: str
    help: str
    secret: bool = True
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitWindow:
    """A documented limit: at most `count` requests in any `seconds`. We use 0.8 of it, rounded down, at least 1."""

    count: int
    seconds: float

    @property
    def configured(self) -> int:
        """What we allow ourselves."""
        return max(1, int(self.count * 0.8))

    @property
    def window(self) -> Window:
        """The window as we keep it."""
        return Window(self.configured, self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One of the broker's environments. `base_url` is the documented one; `trusted_suffix` bounds where else to go."""

    name: str
    base_url: str
    trusted_suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSession:
    """The session that a perishable broker's lists hold, by the wall clock of `zone` (an IANA name).

    On each of `weekdays` (Monday is 0) nothing more is executed from `closes` on; at `rolls`, later on the same day,
    the lists begin anew, and what was not fetched until then is lost.
    """

    zone: str
    weekdays: tuple[int, ...]
    closes: time
    rolls: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The facts of a broker that the engine, the API and the page need. Times are minutes unless said otherwise.

    `volatile` are byte patterns of an answer that change without news (`whenGenerated`): masked before comparing.
    `overlap` is re-read at every sync. `news_note` says when nothing newer can exist yet, in a sentence. `uncited` are
    the sections that no ledger entry comes from (figures, envelopes): their raw pages are kept for a month, all others
    as long as the account. A `perishable` broker forgets what is not fetched in time: `session` says when.
    `reissues_ids` says that the broker may serve under new ids what it served before: then entries are recognised by
    their content within what is read again (domain/bridge.py).
    """

    slug: str
    name: str
    documentation_url: str
    fetch_scope: FetchScope
    environments: tuple[Environment, ...]
    auth_fields: tuple[AuthField, ...]
    setup_help: str
    limit_scope: LimitScope
    limits: tuple[LimitWindow, ...]
    useful_interval_min: int
    history_depth_days: int | None
    overlap: timedelta
    perishable: bool
    unique_id: str
    sections: tuple[str, ...]
    news_note: str = ""
    volatile: tuple[re.Pattern[bytes], ...] = ()
    uncited: tuple[str, ...] = ()
    reissues_ids: bool = False
    session: TradingSession | None = None

    def environment(self, name: str) -> Environment:
        """The environment of that name. Raises ValueError naming the known ones."""
        for environment in self.environments:
            if environment.name == name:
                return environment
        known = ", ".join(environment.name for environment in self.environments)
        raise ValueError(f"environment: {name!r} is not one of {known} for {self.slug}")
