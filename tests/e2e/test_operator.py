"""The day the alarms go off: what the log tells, and what `brokersync` does on the running stack (I10)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from brokersync.domain.errors import NEXT_STEPS, ErrorCode
from brokersync.domain.runs import Outcome, RequestedBy
from local.cli import main
from local.simulators.faults import Fault
from local.simulators.truth import differences
from tests.e2e.stage import SECRET, Stage, Trader, stage

pytestmark = pytest.mark.stack

JOBS, BACKFILL = "sync-jobs", "sync-backfill"
NO_STATEMENT = Fault(path="/summary", body='{"accuont": {}}', times=None)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture(scope="module")
def here() -> Iterator[Stage]:
    with stage(enforce_iam=True) as made:
        made.dispatcher_is_up_to_date()
        for queue in (JOBS, BACKFILL):  # six minutes between two deliveries are too long for a test
            url = made.stack.outputs["SyncJobsQueueUrl" if queue == JOBS else "SyncBackfillQueueUrl"]
            made.evidence.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
        yield made


@pytest.fixture
def brokersync(here: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line on the stack, by its name and the ordinary variables of AWS."""
    monkeypatch.setenv("BROKERSYNC_STACK", here.stack.name)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["brokersync", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert SECRET not in captured.out + captured.err
        return Said(int(ended.value.code or 0), captured.out, captured.err)

    return run


def dead_letters(here: Stage, queue: str, trader: Trader) -> list[str]:
    return [body for body in here.evidence.messages(f"{queue}-dlq") if trader.feed_id in body]


def assert_all_is_stored(here: Stage, trader: Trader) -> None:
    entries = here.stored.entries(trader.account_id)
    assert not list(differences(here.true_entries(trader), entries, complete=True))


# --- reading the log ------------------------------------------------------------------------------------------------


def test_i10_the_lines_of_a_failed_sync_are_one_story_under_its_job(here: Stage) -> None:
    # given an account whose broker has changed its answers
    trader = here.connect()
    here.wait_for_runs([trader], 1)
    here.break_down(trader, NO_STATEMENT)
    # when its trader asks for a sync, which fails
    job_id = here.as_trader(trader, "POST", f"/trading-accounts/{trader.account_id}/sync").json()["job_id"]
    here.wait_for_runs([trader], 2)
    run = here.stored.runs(trader.feed_id)[1]
    lines = [line for line in here.evidence.log_lines("sync") if line.get("run_id") == run.run_id]
    # then the run's lines are one story, each with job, feed and run
    assert [line["message"] for line in lines] == ["sync_job_started", "sync_job_problem", "sync_job_failed"]
    assert {(line["job_id"], line["feed_id"]) for line in lines} == {(job_id, trader.feed_id)}
    _, problem, end = lines
    # and they say what went wrong, where, and what was done until then
    assert {problem["error_code"], end["error_code"]} == {"unexpected_answer"}
    assert "accuont" in problem["detail"]
    assert (end["level"], end["outcome"], end["broker"], end["stats"]["requests"]) == ("ERROR", "failed", "oanda", 1)
    # and nothing that opens an account
    assert SECRET not in str(lines)
    assert trader.spec.account not in str(lines)
    # and when the broker is well again, the message that came back mends it by itself
    here.heal(trader)
    here.wait("the redelivered job succeeds", lambda: here.stored.feed(trader.feed_id).outcome is Outcome.SUCCEEDED)


# --- dead letters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", [JOBS, BACKFILL])
def test_i10_a_dead_letter_is_listed_and_redriving_it_mends_the_account(
    here: Stage, brokersync: Command, queue: str
) -> None:
    # given an account whose broker has changed its answers, either since yesterday or from the first sync on
    trader = here.connect(faults=lambda _: [NO_STATEMENT] if queue == BACKFILL else [])
    if queue == JOBS:
        here.wait_for_runs([trader], 1)
        here.break_down(trader, NO_STATEMENT)
        here.world.trade(trader.spec.account)
        here.an_interval_ago([trader])
        here.here.tick()
    # when its job has been delivered as often as the queue does
    here.wait("the dead letter", lambda: bool(dead_letters(here, queue, trader)))
    (letter,) = dead_letters(here, queue, trader)
    # then the operator sees which account it is, what is wrong and what the trader was told
    seen = brokersync("failures")
    assert seen.status == 0
    story = seen.out[seen.out.index(trader.feed_id) :]
    last = here.stored.runs(trader.feed_id)[-1]
    assert last.job_id in letter
    for expected in ("oanda", "unexpected_answer", last.safe_message, last.job_id, "dead letters: 1"):
        assert expected in story
    assert f"{queue}: 0 waiting, 1 dead letters" in brokersync("status").out
    # when the cause is mended, and the dead letter is sent again
    here.heal(trader)
    runs = len(here.stored.runs(trader.feed_id))
    assert f"1 dead letters of {queue} sent to work again" in brokersync("redrive", queue).out
    # then the account is synced by it, and nothing is left to see
    here.wait_for_runs([trader], runs + 1)
    again = here.stored.runs(trader.feed_id)[-1]
    assert (again.job_id, again.outcome) == (last.job_id, Outcome.SUCCEEDED)
    assert_all_is_stored(here, trader)
    assert dead_letters(here, queue, trader) == []
    assert trader.feed_id not in brokersync("failures").out


def test_redriving_a_queue_that_does_not_exist_names_those_that_do(brokersync: Command) -> None:
    # given a mistyped name; when it is redriven; then one line says which names there are
    said = brokersync("redrive", "sync-job")
    assert (said.status, said.err.count("\n")) == (1, 1)
    assert "sync-jobs or sync-backfill" in said.err


# --- pause, sync, plan ----------------------------------------------------------------------------------------------


def test_pausing_a_broker_stops_its_schedule_and_nothing_else(here: Stage, brokersync: Command) -> None:
    # given an account that is up to date
    trader = here.connect()
    here.wait_for_runs([trader], 1)
    # when its broker is paused, and an interval later the schedule ticks
    assert "paused" in brokersync("pause", "oanda").out
    assert "paused: oanda" in brokersync("status").out
    here.an_interval_ago([trader])
    tick = here.here.tick()
    # then it is seen, and nobody is woken
    assert tick["due"] >= 1
    assert tick["queued"] == 0
    # but what a person asks for is done
    here.world.trade(trader.spec.account)
    said = brokersync("sync", trader.account_id)
    assert said.status == 0
    here.wait_for_runs([trader], 2)
    run = here.stored.runs(trader.feed_id)[-1]
    assert said.out == f"{run.job_id} is queued\n"
    assert (run.requested_by, run.outcome) == (RequestedBy.MANUAL, Outcome.SUCCEEDED)
    assert_all_is_stored(here, trader)
    # when it is resumed, then the next tick wakes its accounts again
    assert brokersync("resume", "oanda").status == 0
    assert "paused: nothing" in brokersync("status").out
    here.an_interval_ago([trader])
    assert here.here.tick()["queued"] >= 1
    here.wait_for_runs([trader], 3)


def test_pausing_a_broker_that_nobody_knows_names_those_there_are(brokersync: Command) -> None:
    # given a mistyped broker; when it is paused; then one line says which there are, and nothing is paused
    said = brokersync("pause", "onada")
    assert (said.status, said.err.count("\n")) == (1, 1)
    assert "oanda" in said.err
    assert "paused: nothing" in brokersync("status").out


def test_i5_status_shows_a_traders_accounts_as_the_trader_sees_them(here: Stage, brokersync: Command) -> None:
    # given a trader whose credential the broker refuses
    trader = here.connect(wrong_token="revoked-long-ago")
    here.wait_for_runs([trader], 1)
    # when the operator looks
    said = brokersync("status", trader.user_id)
    # then there is the account, its badge, and what the trader is told to do
    shown = " ".join(said.out.split())
    for expected in (trader.account_id, f"...{trader.spec.account[-4:]}", "Re-connect", "never"):
        assert expected in shown
    assert NEXT_STEPS[ErrorCode.CREDENTIALS_REJECTED].split(":")[0] in shown
    assert trader.spec.account not in shown
    # and asking for a sync is answered as the trader is
    refused = brokersync("sync", trader.account_id)
    assert (refused.status, refused.out) == (1, "")
    assert NEXT_STEPS[ErrorCode.CREDENTIALS_REJECTED] in refused.err


def test_another_plan_moves_all_of_a_traders_accounts_at_once(here: Stage, brokersync: Command) -> None:
    # given a trader on the plan with the shortest interval
    trader = here.connect()
    here.wait_for_runs([trader], 1)
    # when the operator moves the trader to the free plan
    said = brokersync("set-plan", trader.user_id, "free")
    # then the account is scheduled as the free plan allows, and the trader is told so
    assert said.out.splitlines()[0] == f"{trader.feed_id} (oanda): every 60 minutes"
    answer = here.as_trader(trader, "GET", f"/trading-accounts/{trader.account_id}/sync-status").json()
    assert answer["interval_min"] == 60
    # and moved back, it is on the fast wheel again: the next interval's tick finds it
    assert brokersync("set-plan", trader.user_id, "elite").status == 0
    here.an_interval_ago([trader])
    here.here.tick()
    here.wait_for_runs([trader], 2)
