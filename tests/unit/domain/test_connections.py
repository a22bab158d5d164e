"""A connection's status follows from its feeds, and is never better than the worst of them (I5)."""

from dataclasses import replace

import pytest

from brokersync.domain.connections import ConnectionStatus, status_of
from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome, RequestedBy
from tests.contract import made

STORED = ConnectionStatus.CONNECTED
CONNECT = made.wanted("job", RequestedBy.CONNECT)
GOOD = made.feed(outcome=Outcome.SUCCEEDED)
NEW = made.feed(wanted=CONNECT)
REJECTED = made.feed(outcome=Outcome.FAILED, runnable=False, error_code=ErrorCode.CREDENTIALS_REJECTED)
DOWN = made.feed(outcome=Outcome.FAILED, error_code=ErrorCode.BROKER_UNAVAILABLE)
LOADING = made.feed(outcome=Outcome.DEFERRED, error_code=ErrorCode.WORK_IN_PROGRESS, wanted=CONNECT)
WAITING = made.feed(outcome=Outcome.DEFERRED, error_code=ErrorCode.RATE_LIMITED, wanted=CONNECT)
POISONED = replace(DOWN, wanted=CONNECT, poison_job_id="job")


@pytest.mark.parametrize(
    ("feeds", "status"),
    [
        ([], ConnectionStatus.ERROR),
        ([NEW], ConnectionStatus.CHECKING),
        ([GOOD, NEW], ConnectionStatus.CHECKING),
        ([WAITING], ConnectionStatus.CHECKING),
        ([replace(DOWN, wanted=CONNECT)], ConnectionStatus.CHECKING),
        ([GOOD], ConnectionStatus.CONNECTED),
        ([GOOD, LOADING], ConnectionStatus.CONNECTED),
        ([replace(GOOD, outcome=Outcome.PARTIAL)], ConnectionStatus.CONNECTED),
        ([GOOD, DOWN], ConnectionStatus.ERROR),
        ([POISONED], ConnectionStatus.ERROR),
        ([replace(GOOD, outcome=Outcome.NEEDS_REVIEW)], ConnectionStatus.ERROR),
        ([GOOD, DOWN, REJECTED], ConnectionStatus.REAUTH_REQUIRED),
    ],
)
def test_i5_the_worst_feed_says_how_a_connection_stands(feeds: list, status: ConnectionStatus) -> None:
    assert status_of(STORED, feeds) is status


@pytest.mark.parametrize("stored", [ConnectionStatus.DISCONNECTED, ConnectionStatus.REAUTH_REQUIRED])
@pytest.mark.parametrize("feeds", [[], [GOOD], [NEW], [REJECTED]])
def test_what_is_stored_is_not_argued_with(stored: ConnectionStatus, feeds: list) -> None:
    assert status_of(stored, feeds) is stored
