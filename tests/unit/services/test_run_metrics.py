"""What a batch says in metrics about brokers in trouble and data about to be lost."""

import json
from datetime import timedelta

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome, RequestedBy, SyncRun
from brokersync.run_metrics import emit_batch
from brokersync.services.end_run import RunReport
from brokersync.services.sync_batch import BatchReport
from tests.fakes.time_and_chance import START


def a_report(broker: str, outcome: Outcome, code: ErrorCode | None, *, unsaved: bool = False) -> RunReport:
    run = SyncRun(
        feed_id="acc",
        run_id="run",
        job_id="job",
        requested_by=RequestedBy.SYSTEM,
        started_at=START,
        finished_at=START + timedelta(seconds=1),
        outcome=outcome,
        error_code=code,
        safe_message="",
    )
    return RunReport(broker=broker, run=run, redeliver=False, recovery_seconds=None, unsaved=unsaved)


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], object]:
    """Each metric's values by name and broker."""
    blobs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [(blob, metric["Name"]) for blob in blobs for metric in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {(name, blob.get("broker", "")): blob[name] for blob, name in names}


def test_runs_that_were_held_back_count_by_broker_and_in_all(capsys: pytest.CaptureFixture[str]) -> None:
    # given runs of two brokers in trouble, one of them about to lose data
    held = [a_report(broker, Outcome.DEFERRED, ErrorCode.CIRCUIT_OPEN) for broker in ("oanda", "oanda", "alpaca")]
    unsaved = a_report("tradovate", Outcome.FAILED, ErrorCode.TIMEOUT, unsaved=True)
    # when the batch is told
    emit_batch(BatchReport(runs=[*held, unsaved], failed_message_ids=[]))
    # then the alarms' figures are of all brokers, and the dashboard's of each
    told = emitted(capsys)
    assert told["HeldBack", ""] == [1, 1, 1]
    assert told["UnsavedSessions", ""] == [1]
    assert (told["CircuitOpen", "oanda"], told["CircuitOpen", "alpaca"]) == ([1, 1], [1])


def test_a_quiet_batch_says_nothing_of_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    emit_batch(BatchReport(runs=[a_report("oanda", Outcome.SUCCEEDED, None)], failed_message_ids=[]))
    assert not {name for name, _ in emitted(capsys)} & {"HeldBack", "UnsavedSessions", "CircuitOpen"}
