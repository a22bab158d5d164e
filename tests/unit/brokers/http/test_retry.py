"""When a request is tried again: both forms of Retry-After, back-off, and what ends it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.brokers.retry import LONGEST_BELIEVED, TryAgain, retry_after, retrying, time_named
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.manifests import LimitHeader, ResetForm, RetryPolicy

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 13:00:30 +0100", 30.0),
        ("Fri, 20 Nov 2026 11:59:00 GMT", 0.0),
        ("9" * 400, LONGEST_BELIEVED),
        ("Fri, 20 Nov 2099 12:00:00 GMT", LONGEST_BELIEVED),
    ],
)
def test_both_forms_of_a_hint_are_read_and_none_is_believed_for_more_than_a_day(text, seconds):
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize("headers", [{}, {"retry-after": ""}, {"retry-after": "soon"}, {"retry-after": "-5"}])
def test_what_is_no_hint_is_none(headers):
    assert retry_after(headers, NOW) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_hint(text):
    seconds = retry_after({"retry-after": text}, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_BELIEVED


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_a_dated_hint_never_ends_before_its_date(naive):
    # given a date in whole seconds
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    # then waiting for the hint reaches it, unless it is further away than we believe
    seconds = retry_after({"retry-after": format_datetime(moment, usegmt=True)}, NOW)
    assert seconds is not None
    assert NOW + timedelta(seconds=seconds) >= min(moment, NOW + timedelta(seconds=LONGEST_BELIEVED))


UNIX = LimitHeader(reset="x-reset", form=ResetForm.UNIX, remaining="x-left")
SECONDS = LimitHeader(reset="x-reset", form=ResetForm.SECONDS, remaining="x-left")
ACCOUNT = LimitHeader(reset="x-account-reset", form=ResetForm.SECONDS, remaining="x-account-left")
IN_A_MINUTE = str(int(NOW.timestamp()) + 60)


@pytest.mark.parametrize(
    ("headers", "known", "seconds"),
    [
        ({"x-reset": IN_A_MINUTE}, [UNIX], 60.0),
        ({"x-reset": IN_A_MINUTE, "x-left": "0"}, [UNIX], 60.0),
        ({"x-reset": "60.5"}, [SECONDS], 60.5),
        ({"x-reset": "-3"}, [SECONDS], 0.0),
        ({"x-reset": "9" * 30}, [SECONDS], LONGEST_BELIEVED),
        # of two limits the one that is used up counts, or the later one
        ({"x-reset": "7", "x-left": "3", "x-account-reset": "2", "x-account-left": "0"}, [SECONDS, ACCOUNT], 2.0),
        ({"x-reset": "7", "x-account-reset": "2"}, [SECONDS, ACCOUNT], 7.0),
        # what every client understands comes first
        ({"retry-after": "1", "x-reset": "7"}, [SECONDS], 1.0),
    ],
)
def test_the_brokers_own_headers_are_read_as_the_manifest_says(headers, known, seconds):
    assert time_named(headers, known, NOW) == seconds


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "1e400", "0x10"])
def test_a_header_without_a_time_is_no_hint(text):
    assert time_named({"x-reset": text}, [SECONDS, UNIX], NOW) is None
    assert time_named({"x-reset": "60", "x-left": "5"}, [SECONDS], NOW) is None


@pytest.mark.parametrize(
    ("slug", "headers", "seconds"),
    [
        ("alpaca", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": IN_A_MINUTE}, 60.0),
        ("snaptrade", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}, 7.0),
        (
            "snaptrade",
            {
                "x-ratelimit-remaining": "240",
                "x-ratelimit-reset": "50",
                "x-ratelimit-account-remaining": "0",
                "x-ratelimit-account-reset": "12",
            },
            12.0,
        ),
    ],
)
def test_the_documented_headers_of_brokers_are_understood(slug, headers, seconds):
    assert time_named(headers, BrokerCatalog().manifest(slug).limit_headers, NOW) == seconds


USUAL = RetryPolicy()


def waits(*, code, chance, hint=None, left=1000.0, policy=USUAL):
    """The waits between the tries of a request that always fails."""
    slept: list[float] = []
    retries = []
    attempts = retrying(
        policy, sleep=slept.append, rng=lambda: chance, seconds_left=lambda: left, on_retry=lambda: retries.append(1)
    )

    def fail():
        raise TryAgain(RetryLaterError(code, "no"), hint=hint)

    with pytest.raises(TryAgain):
        attempts(fail)
    assert len(retries) == len(slept)
    return slept


@pytest.mark.parametrize(
    ("code", "chance", "expected"),
    [
        (ErrorCode.BROKER_UNAVAILABLE, 0.5, [1.0, 2.0, 4.0]),
        (ErrorCode.BROKER_UNAVAILABLE, 0.0, [0.8, 1.6, 3.2]),
        (ErrorCode.TIMEOUT, 0.5, [1.0, 2.0, 4.0]),
        (ErrorCode.RATE_LIMITED, 0.5, [0.5, 1.0, 2.0]),
        (ErrorCode.RATE_LIMITED, 0.75, [0.55, 1.1, 2.2]),
    ],
)
def test_waits_double_from_one_second_or_from_half_a_one_with_a_fifth_of_jitter(code, chance, expected):
    assert waits(code=code, chance=chance) == pytest.approx(expected)


def test_a_broker_may_have_a_policy_of_its_own():
    policy = RetryPolicy(retries=4, first_wait=2.0, longest_wait=5.0, jitter=0.0)
    assert waits(code=ErrorCode.TIMEOUT, chance=0.9, policy=policy) == [2.0, 4.0, 5.0, 5.0]
    assert waits(code=ErrorCode.TIMEOUT, chance=0.9, policy=RetryPolicy(retries=0)) == []


def test_a_short_hint_is_waited_for_and_a_long_one_is_not():
    assert waits(code=ErrorCode.RATE_LIMITED, chance=0.5, hint=3.0) == [3.0, 3.0, 3.0]
    assert waits(code=ErrorCode.RATE_LIMITED, chance=0.5, hint=5.1) == []


def test_a_hint_of_zero_does_not_switch_back_off_off():
    assert waits(code=ErrorCode.RATE_LIMITED, chance=0.5, hint=0.0) == [0.5, 1.0, 2.0]


def test_no_wait_goes_over_the_end_of_the_run():
    assert waits(code=ErrorCode.TIMEOUT, chance=0.5, left=1.5) == [1.0]
    assert waits(code=ErrorCode.TIMEOUT, chance=0.5, left=0.0) == []


def test_other_failures_are_not_tried_again():
    # given something that is no TryAgain
    calls = []
    attempts = retrying(
        RetryPolicy(), sleep=calls.append, rng=lambda: 0.5, seconds_left=lambda: 9.0, on_retry=lambda: None
    )

    def fail():
        calls.append("call")
        raise RetryLaterError(ErrorCode.LIMITS_UNAVAILABLE, "no")

    # then it is raised as it is, after one call
    with pytest.raises(RetryLaterError):
        attempts(fail)
    assert calls == ["call"]
