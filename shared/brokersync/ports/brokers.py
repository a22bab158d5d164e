"""The way to a broker: HTTP, sessions, permits and the code of each broker."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from brokersync.domain.manifests import Environment, Manifest
from brokersync.domain.pages import FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import RunStats
from brokersync.ports.world import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer after retries: status, headers (lower-case names) and the decoded body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class BrokerHttp(Protocol):
    """The only way to a broker: takes a permit per attempt, retries in the request, caps size and time."""

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask; 5xx, 429 and transport faults are tried again.

        Returns every other answer: what it means is the broker's business. Raises RetryLaterError (broker_unavailable,
        timeout, rate_limited, limits_unavailable) and BrokerChangedError (answer over the size cap).
        """
        ...

    def post(
        self,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask by POST with a JSON or a form body; permits, retries and errors are those of `get`.

        For what brokers answer to POST alone, such as signing in. An answer to a sign-in or a refresh is never yielded
        as a page (I1).
        """
        ...


class BrokerHttpFactory(Protocol):
    """Makes the way to a broker for one run; the connections behind it are shared by the process."""

    def for_run(self, manifest: Manifest, counted_as: str, deadline: Deadline, stats: RunStats) -> BrokerHttp:
        """An http bound to what the broker counts by (manifest.limit_scope; `counted_as` names the credential).

        Requests, retries and rate limits are counted in `stats`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionToken:
    """What a broker lets in for a while. `extra` belongs to it: a refresh token, a user id. All of it is secret."""

    token: str = field(repr=False)
    expires_at: datetime
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


class Session(Protocol):
    """The session of one connection under its present credentials; brokers/live_session.py says when to renew it."""

    def current(self) -> SessionToken | None:
        """What is stored now, read anew; None before the first sign-in. It may have expired.

        Raises UserActionNeededError (cancelled) when the connection was removed, and RetryLaterError when it has other
        credentials by now.
        """
        ...

    def renew(self, new: SessionToken) -> SessionToken:
        """Store a new session; returns the one that won: another worker's, if that was stored since our last look.

        Raises as `current` does: a late refresh never brings back what was erased or replaced.
        """
        ...


class ProcessSession:
    """A Session that lives as long as its fetch: for credentials that no connection holds."""

    def __init__(self) -> None:
        self._token: SessionToken | None = None

    def current(self) -> SessionToken | None:
        """The session of this fetch."""
        return self._token

    def renew(self, new: SessionToken) -> SessionToken:
        """Keep it."""
        self._token = new
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchContext:
    """All that a fetch may depend on.

    `accounts` are the broker account ids of this feed (empty: not known yet). `state` is the continuation of an
    earlier ComeBack. `base_url` is the environment's, or the laptop's simulator. `history_start` bounds the first
    load (None: all there is). `session` is for brokers that sign in. What was executed up to `accepted_through` may be
    missing from the answers: the trader has accepted it.
    """

    credentials: Mapping[str, str]
    environment: Environment
    base_url: str
    accounts: Sequence[str]
    cursor: str
    state: Mapping[str, str]
    history_start: datetime | None
    now: datetime
    http: BrokerHttp
    session: Session = field(default_factory=ProcessSession)
    accepted_through: datetime | None = None


class Provider(Protocol):
    """A broker's code: fetch does I/O, normalise is pure. Stateless: one instance serves every feed of the process."""

    @property
    def manifest(self) -> Manifest:
        """The broker's facts."""
        ...

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """Yield each raw page before looking into it (I1), and a checkpoint where the cursor may move (I3).

        Raises the SyncError that an error answer means, after yielding its page.
        """
        ...

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What the pages say; pure, so that a snapshot can be replayed.

        `accounts` are the broker account ids that may come out: another one's data raises UserActionNeededError
        (wrong_account). An empty sequence accepts all (discovery, saved files). Raises BrokerChangedError with what
        and where when a page as a whole is not what it should be; a bad row becomes Unmapped.
        """
        ...

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        """The accounts that the credential opens, for a trader who connects; cursor and accounts are not looked at.

        Empty where a feed is the whole connection: its accounts come with the first answer. Raises as fetch does.
        """
        ...

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved answer, its section found by looking at it. Raises BrokerChangedError if it is none."""
        ...


class Catalog(Protocol):
    """The brokers there are."""

    def slugs(self) -> Sequence[str]:
        """Every broker's slug, without importing any."""
        ...

    def provider(self, slug: str) -> Provider:
        """The broker of that slug, imported on demand. Raises ValueError for an unknown one."""
        ...


class Manifests(Protocol):
    """The brokers' facts, without their code: a process that never asks a broker doesn't load its HTTP client."""

    def manifest(self, slug: str) -> Manifest:
        """The facts of the broker of that slug. Raises ValueError for an unknown one."""
        ...
