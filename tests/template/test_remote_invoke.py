"""events/*.json run by `sam remote invoke` on the laptop's stack, as README says."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.stack.laptop import laptop
from tests import extras
from tests.template.reading import ROOT

pytestmark = pytest.mark.stack

Invoke = Callable[[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def invoke() -> Iterator[Invoke]:
    """Runs a sample event on a function of a stack without any account; returns its answer."""
    program = extras.sam()
    with laptop({}) as here:
        environment = os.environ | here.emulator.environment | {"HOME": str(here.emulator.folder)}

        def run(function: str, event: str) -> dict[str, Any]:
            done = subprocess.run(
                [program, "remote", "invoke", function, "--event-file", f"events/{event}.json"],
                cwd=ROOT,
                env=environment | {"SAM_CLI_TELEMETRY": "0"},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer

        yield run


@pytest.mark.parametrize("event", ["schedule", "scheduled_rule"])
def test_a_tick_finds_nothing_due_where_nobody_is_connected(invoke: Invoke, event: str) -> None:
    # given a stack without feeds; when a tick comes, from Scheduler or from a rule; then nothing is queued
    assert invoke("DispatcherFunction", event) == {"due": 0, "queued": 0, "behind": 0}


def test_i11_a_job_for_a_feed_that_is_gone_is_consumed(invoke: Invoke) -> None:
    # given a stack without feeds; when a job comes; then it doesn't come back
    assert invoke("SyncFunction", "sqs_sync_job") == {"batchItemFailures": []}


def test_i7_only_unreadable_messages_of_a_batch_come_back(invoke: Invoke) -> None:
    # given a batch of two jobs and two bodies that are none
    bodies = {
        record["messageId"]: record["body"]
        for record in json.loads((ROOT / "events" / "sqs_mixed_batch.json").read_text())["Records"]
    }
    # when it comes
    failed = {one["itemIdentifier"] for one in invoke("SyncFunction", "sqs_mixed_batch")["batchItemFailures"]}
    # then the jobs are consumed, and the others come back until they are dead letters
    assert failed == {message_id for message_id, body in bodies.items() if "job_id" not in body}


@pytest.mark.parametrize("event", ["http_start_sync", "http_get_sync_status"])
def test_i7_an_account_that_is_not_there_is_not_found(invoke: Invoke, event: str) -> None:
    # given a stack without accounts; when a trader asks for one; then there is none
    assert invoke("ApiFunction", event)["statusCode"] == 404
