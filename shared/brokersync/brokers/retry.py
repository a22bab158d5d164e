"""When a request is tried again in the same run, and how long to wait before."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.manifests import LimitHeader, ResetForm, RetryPolicy

LONGEST_HINT = 5.0  # seconds: when the broker asks for more, the run ends and comes back
LONGEST_BELIEVED = 24 * 3600.0  # seconds: no broker's hint keeps a feed away for longer


class TryAgain(Exception):  # noqa: N818 (a signal to the retry loop, never seen outside)
    """An attempt failed in a way that the next may not.

    `error` is what it means if there is none; `hint` is the broker's own wait in seconds.
    """

    def __init__(self, error: RetryLaterError, *, hint: float | None = None) -> None:
        super().__init__(error.code)
        self.error, self.hint = error, hint


def retrying(
    policy: RetryPolicy,
    *,
    sleep: Callable[[float], None],
    rng: Callable[[], float],
    seconds_left: Callable[[], float],
    on_retry: Callable[[], None],
) -> Retrying:
    """More tries after a TryAgain as the policy allows, unless the hint is long or the run has no time for the wait.

    `rng` gives numbers in [0, 1).
    """

    def wait(state: RetryCallState) -> float:
        failure = _failure(state)
        limited = failure.error.code is ErrorCode.RATE_LIMITED
        first = policy.first_wait_rate_limited if limited else policy.first_wait
        planned = min(first * 2.0 ** (state.attempt_number - 1), policy.longest_wait)
        planned *= 1 + policy.jitter * (2 * rng() - 1)
        return max(planned, failure.hint or 0.0)

    def stop(state: RetryCallState) -> bool:
        hint_too_long = (_failure(state).hint or 0.0) > LONGEST_HINT
        return hint_too_long or state.attempt_number > policy.retries or state.upcoming_sleep >= seconds_left()

    return Retrying(
        retry=retry_if_exception_type(TryAgain),
        wait=wait,
        stop=stop,
        sleep=sleep,
        before_sleep=lambda _state: on_retry(),
        reraise=True,
    )


def _failure(state: RetryCallState) -> TryAgain:
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, TryAgain):
        raise TypeError("only a TryAgain is tried again")
    return failure


def time_named(headers: Mapping[str, str], known: Sequence[LimitHeader], now: datetime) -> float | None:
    """Seconds to wait as an answer's headers say: Retry-After, else the latest of the broker's own that count.

    None where nothing says so.
    """
    told = retry_after(headers, now)
    if told is not None:
        return told
    waits = [_reset_after(headers, header, now) for header in known]
    return max((wait for wait in waits if wait is not None), default=None)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait (RFC 9110 section 10.2.3); None if there is none to read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_BELIEVED)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _believed((aware - now).total_seconds())


def _reset_after(headers: Mapping[str, str], header: LimitHeader, now: datetime) -> float | None:
    """Seconds until a limit is free again, if the header can be read and this limit is the one that is used up."""
    left = headers.get(header.remaining, "").strip() if header.remaining else ""
    if left and left.strip("0.") != "":
        return None
    try:
        seconds = float(headers.get(header.reset, ""))
    except ValueError:
        return None
    if not math.isfinite(seconds):
        return None
    return _believed(seconds - now.timestamp() if header.form is ResetForm.UNIX else seconds)


def _believed(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_BELIEVED)
