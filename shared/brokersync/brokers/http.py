"""The only way to a broker: a permit for each attempt, retries while the run has time, and what it all counted."""

import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from brokersync.brokers.exchange import Ask, Exchange
from brokersync.brokers.permits import ProcessPermits
from brokersync.brokers.retry import TryAgain, retry_after, retrying, time_named
from brokersync.domain.errors import ErrorCode, OutOfTimeError, RetryLaterError
from brokersync.domain.limiter import RESERVE_AHEAD, is_good
from brokersync.domain.manifests import LimitScope, Manifest
from brokersync.domain.runs import RunStats
from brokersync.ports.brokers import BrokerHttp, HttpAnswer
from brokersync.ports.limits import Permits
from brokersync.ports.world import Clock, Deadline

TIMEOUT_SECONDS = 30.0
MAX_BYTES = 64 * 2**20
RESERVE_SECONDS = 15.0  # of the invocation, for storing and finishing: neither a request nor a wait goes into it
PERMIT_TRIES = 3


class HttpxBrokers:
    """ports.BrokerHttpFactory: one per process."""

    def __init__(
        self,
        *,
        shared_permits: Permits,
        clock: Clock,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """`shared_permits` is the fleet's ledger, for brokers that count by credential."""
        self._shared_permits = shared_permits
        self._process_permits = ProcessPermits()
        self._clock = clock
        self._exchange = Exchange(clock=clock, timeout_seconds=timeout_seconds, max_bytes=max_bytes)

    def for_run(self, manifest: Manifest, counted_as: str, deadline: Deadline, stats: RunStats) -> BrokerHttp:
        """The way for one run; attempts, retries and rate limits (answers and permits) are counted in `stats`."""
        by_credential = manifest.limit_scope is LimitScope.CREDENTIAL
        return _RunHttp(
            exchange=self._exchange,
            permits=self._shared_permits if by_credential else self._process_permits,
            limit_key=f"{manifest.slug}:{counted_as}" if by_credential else manifest.slug,
            manifest=manifest,
            clock=self._clock,
            deadline=deadline,
            stats=stats,
        )

    def close(self) -> None:
        """Close the connections; needed where the process goes on without them."""
        self._exchange.close()


class _RunHttp:
    """ports.BrokerHttp for one run."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        permits: Permits,
        limit_key: str,
        manifest: Manifest,
        clock: Clock,
        deadline: Deadline,
        stats: RunStats,
    ) -> None:
        self._exchange = exchange
        self._permits = permits
        self._limit_key = limit_key
        self._manifest = manifest
        self._windows = tuple(limit.window for limit in manifest.limits)
        self._clock = clock
        self._deadline = deadline
        self._stats = stats
        self._rng = random.Random()  # noqa: S311 (spreads retries, hides nothing)

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask; 5xx, 429 and transport faults are tried again while the run has time. Redirects are not followed.

        The body is what the broker sent, after the compression of the transfer is undone. Raises as ports.BrokerHttp
        says, and UserActionNeededError (credentials_rejected) for a credential that HTTP can't carry.
        """
        return self._ask(Ask("GET", url, params=params, headers=headers))

    def post(
        self,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask by POST with a JSON or a form body, as `get` asks."""
        return self._ask(Ask("POST", url, headers=headers, json=json, form=form))

    def _ask(self, ask: Ask) -> HttpAnswer:
        attempts = retrying(
            self._manifest.retry,
            sleep=self._clock.sleep,
            rng=self._rng.random,
            seconds_left=self._seconds_left,
            on_retry=self._count_retry,
        )
        try:
            return attempts(self._attempt, ask)
        except TryAgain as failure:
            raise failure.error from None

    def _attempt(self, ask: Ask) -> HttpAnswer:
        self._take_permit()
        self._stats.requests += 1
        answer = self._exchange.send(ask, self._seconds_left())
        if answer.status == 429:
            self._stats.rate_limited += 1
            raise self._rate_limited(answer)
        if answer.status >= 500:
            hint = retry_after(answer.headers, answer.received_at)
            raise _refused(answer, ErrorCode.BROKER_UNAVAILABLE, "The broker has trouble answering.", hint)
        return answer

    def _rate_limited(self, answer: HttpAnswer) -> TryAgain:
        """What a 429 means for this request, and for everybody who asks with the same credential."""
        hint = time_named(answer.headers, self._manifest.limit_headers, answer.received_at)
        pause = self._manifest.retry.rate_limited_pause
        if hint is None and pause is not None:
            hint = pause.total_seconds()
        if hint is not None:
            until = answer.received_at + timedelta(seconds=hint)
            # Where it can't be written down, the others learn it by their own 429.
            with suppress(RetryLaterError):
                self._permits.refused(self._limit_key, self._windows, answer.received_at, until)
        return _refused(answer, ErrorCode.RATE_LIMITED, "The broker asks us to slow down.", hint)

    def _take_permit(self) -> None:
        """Wait for this attempt's slot (I6). A permit that comes too late is forfeited and another one taken."""
        for _ in range(PERMIT_TRIES):
            patience = min(RESERVE_AHEAD.total_seconds(), self._seconds_left())
            if patience <= 0:
                raise OutOfTimeError("There was no time left to ask the broker.")
            now = self._clock.now()
            slot = self._permits.take(self._limit_key, self._windows, now)
            wait = (slot - now).total_seconds()
            if wait > patience:
                self._stats.rate_limited += 1
                raise RetryLaterError(
                    ErrorCode.RATE_LIMITED, "We wait for the broker's limit on requests.", not_before=slot
                )
            if wait > 0:
                self._clock.sleep(wait)
            if is_good(slot, self._clock.now()):
                return
        raise RetryLaterError(
            ErrorCode.LIMITS_UNAVAILABLE, "We could not ask in time.", detail=f"{PERMIT_TRIES} permits came too late"
        )

    def _count_retry(self) -> None:
        self._stats.retries += 1

    def _seconds_left(self) -> float:
        return self._deadline.seconds_left() - RESERVE_SECONDS


def _refused(answer: HttpAnswer, code: ErrorCode, safe_message: str, hint: float | None) -> TryAgain:
    not_before = None if hint is None else answer.received_at + timedelta(seconds=hint)
    error = RetryLaterError(code, safe_message, detail=f"HTTP {answer.status}", not_before=not_before)
    return TryAgain(error, hint=hint)
