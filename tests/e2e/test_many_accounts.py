"""Nobody, and then more accounts than two batches hold: one message, one run, each trade once (I2, I4)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.runs import Outcome, RequestedBy
from local.simulators.truth import differences
from tests.e2e.schedule import consume
from tests.e2e.stage import INTERVAL, Stage, stage

pytestmark = pytest.mark.stack

ACCOUNTS = 25
PROCESSES = 6  # of the sync function: more than messages have started (four were seen)
JOBS, BACKFILL = "-sync-jobs", "-sync-backfill"


@pytest.fixture(scope="module")
def here() -> Iterator[Stage]:
    with stage(enforce_iam=False) as made:
        yield made


def test_without_accounts_no_message_is_sent_and_the_log_says_so(here: Stage) -> None:
    # given a stack where nobody is connected; when the schedule ticks for the first time
    assert here.here.tick() == {"due": 0, "queued": 0, "behind": 0}
    # then no message is sent, and the log says that nothing was due
    assert here.evidence.messages() == []
    assert [line["message"] for line in here.evidence.log_lines("dispatcher")] == ["nothing_due"]
    assert here.evidence.log_lines("sync") == []


def test_i2_i4_twenty_five_accounts_get_one_message_and_one_run_each(here: Stage) -> None:
    # given more new accounts than two batches hold, whose own first messages nobody takes
    consume(here.here, JOBS, False)
    consume(here.here, BACKFILL, False)
    traders = [here.connect(executions=10) for _ in range(ACCOUNTS)]
    # when the schedule ticks
    here.dispatcher_is_up_to_date(minutes_ago=INTERVAL)
    assert here.here.tick() == {"due": ACCOUNTS, "queued": ACCOUNTS, "behind": 0}
    # then there is one message for each
    jobs = [SyncJob.model_validate_json(body) for body in here.evidence.messages(JOBS)]
    assert Counter(job.feed_id for job in jobs) == Counter(trader.feed_id for trader in traders)
    assert {job.requested_by for job in jobs} == {RequestedBy.SYSTEM}
    # when they are taken, and after them the first messages
    consume(here.here, JOBS, True)
    here.wait_for_runs(traders, 1)
    consume(here.here, BACKFILL, True)
    here.wait("all messages are taken", lambda: here.evidence.messages(JOBS) + here.evidence.messages(BACKFILL) == [])
    # then each account had one run
    runs = [run for trader in traders for run in here.stored.runs(trader.feed_id)]
    assert [(run.requested_by, run.outcome) for run in runs] == [(RequestedBy.CONNECT, Outcome.SUCCEEDED)] * ACCOUNTS

    here.wait("the log tells of every message", lambda: said(here).total() >= 3 * ACCOUNTS)
    assert said(here) == {
        "sync_job_started": ACCOUNTS,
        "sync_job_succeeded": ACCOUNTS,
        "sync_job_not_needed": ACCOUNTS,
    }
    # and everything that the broker holds is stored, each entry once
    for trader in traders:
        entries = here.stored.entries(trader.account_id)
        assert not list(differences(here.true_entries(trader), entries, complete=True))
    # and no message is dead
    assert here.evidence.messages("-dlq") == []


def said(here: Stage) -> Counter[str]:
    """How often the sync function has logged what."""
    # MiniStack tells what a function's process writes late with that process's next invocation: each gets one more, all
    # at the same time, with a batch of nothing.
    name = here.here.deployed.resources["SyncFunction"]
    functions = here.evidence.client("lambda")
    with ThreadPoolExecutor(PROCESSES) as pool:
        answers = pool.map(
            lambda _: functions.invoke(FunctionName=name, Qualifier="live", Payload=b'{"Records": []}'),
            range(PROCESSES),
        )
        assert not any("FunctionError" in answer for answer in answers)
    return Counter(line["message"] for line in here.evidence.log_lines("sync"))
