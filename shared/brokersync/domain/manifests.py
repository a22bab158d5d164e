"""The facts of a broker that the engine, the API and the page need: its manifest."""

import hashlib
import re
from collections.abc import Mapping
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


class ResetForm(StrEnum):
    """How a header tells a time: seconds from now, or seconds since 1970 in UTC."""

    SECONDS = "seconds"
    UNIX = "unix"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHeader:
    """A header (lower case) that says when a limit is free again; it counts where `remaining` doesn't deny it."""

    reset: str
    form: ResetForm
    remaining: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How a request is tried again in the same run. Waits are seconds; each doubles the one before, up to the longest.

    After `rate_limited_pause` (None: as the waits say) a broker may be asked again that answered 429 without a time: it
    is not asked before, by nobody.
    """

    retries: int = 3
    first_wait: float = 1.0
    first_wait_rate_limited: float = 0.5
    longest_wait: float = 30.0
    jitter: float = 0.2
    rate_limited_pause: timedelta | None = None


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
    their content within what is read again (domain/bridge.py). `counted_by` names the auth fields by which the broker
    counts requests, where that isn't the whole credential; `limit_headers` say when, after a 429. With `own_server`
    every connection has a server of its own: one's trouble says nothing about the others.
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
    counted_by: tuple[str, ...] = ()
    limit_headers: tuple[LimitHeader, ...] = ()
    retry: RetryPolicy = RetryPolicy()
    own_server: bool = False

    def counted_as(self, fingerprint: str, credentials: Mapping[str, str]) -> str:
        """What names the counter at the broker that requests with these credentials count on; tells no secret."""
        if not self.counted_by:
            return fingerprint
        values = "\n".join(credentials.get(name, "") for name in self.counted_by)
        return hashlib.sha256(values.encode()).hexdigest()[:32]

    def environment(self, name: str) -> Environment:
        """The environment of that name. Raises ValueError naming the known ones."""
        for environment in self.environments:
            if environment.name == name:
                return environment
        known = ", ".join(environment.name for environment in self.environments)
        raise ValueError(f"environment: {name!r} is not one of {known} for {self.slug}")
