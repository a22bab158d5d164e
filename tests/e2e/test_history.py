"""Older history and stored answers on the running stack: asked for over HTTP and by the operator, done by the queue."""

from datetime import UTC, datetime, timedelta

import pytest

from brokersync.domain.runs import Outcome
from brokersync.domain.trades import Execution
from local.cli import main
from local.simulators.truth import differences
from tests.e2e.stage import Stage, Trader

pytestmark = pytest.mark.stack


def wait_for_load(here: Stage, trader: Trader, runs: int) -> None:
    """Until nothing is asked for any more, and the feed's sync has succeeded since."""

    def ended() -> bool:
        feed = here.stored.feed(trader.feed_id)
        return not (feed.load or feed.load_request or feed.wanted or feed.lease) and feed.epoch >= runs

    here.wait("the load has ended", ended)
    assert here.stored.feed(trader.feed_id).outcome is Outcome.SUCCEEDED


def assert_all_is_stored(here: Stage, trader: Trader) -> None:
    entries = here.stored.entries(trader.account_id)
    assert not list(differences(here.true_entries(trader), entries, complete=True))


def test_a_backfill_is_loaded_by_the_slow_queue_and_doubles_nothing(here: Stage) -> None:
    # given an account whose history is there
    trader = here.connect(executions=60, days=40)
    here.wait_for_runs([trader], 1)
    address = f"/trading-accounts/{trader.account_id}/backfill"
    headers = {"Authorization": f"Bearer {here.here.issuer.token(trader.subject)}"}
    start = (datetime.now(UTC) - timedelta(days=90)).isoformat()
    # when its trader asks for what lies before it
    answer = here.api.post(address, json={"from": start}, headers=headers)
    assert answer.status_code == 202
    wait_for_load(here, trader, 2)
    # then all is there once, and the status shows no load any more
    assert_all_is_stored(here, trader)
    status = here.as_trader(trader, "GET", f"/trading-accounts/{trader.account_id}/sync-status").json()
    assert (status["status"], status["load"]) == ("synced", None)
    # and taking back what is over is no mistake
    assert here.api.delete(address, headers=headers).json() == {"job_id": ""}


def test_the_operator_lets_the_deployed_code_read_what_is_kept(
    here: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given an account of which one trade was not stored, as if nobody had understood its row
    trader = here.connect(executions=20)
    here.wait_for_runs([trader], 1)
    lost = next(one for one in here.stored.entries(trader.account_id) if isinstance(one, Execution))
    here.evidence.client("dynamodb").delete_item(
        TableName=f"{here.stack.outputs['TablePrefix']}trades",
        Key={"account_id": {"S": trader.account_id}, "source_trade_id": {"S": lost.source_id}},
    )
    # when the operator asks for a replay
    monkeypatch.setenv("BROKERSYNC_STACK", here.stack.name)
    monkeypatch.setattr("sys.argv", ["brokersync", "replay", trader.account_id])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().out
    assert ended.value.code in (0, None), told
    assert "1 replays asked for" in told
    wait_for_load(here, trader, 2)
    # then the stack has read its own bucket, and the trade is there
    assert_all_is_stored(here, trader)
    lines = [line["message"] for line in here.evidence.log_lines("sync") if line.get("feed_id") == trader.feed_id]
    assert "snapshots_missing" not in lines
