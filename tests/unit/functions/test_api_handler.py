"""The deployed handler: as its bundle lays it out, wired to AWS by its own composition root."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
from moto import mock_aws

from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.session import AwsSession
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.identity import user_id
from brokersync.domain.portfolio import Balance
from brokersync.domain.runs import RequestedBy
from brokersync.domain.trades import Origin, content_hash
from brokersync.ports.feeds import Acquired
from brokersync.ports.storage import NewEntry
from tests.fakes.time_and_chance import START
from tests.unit.aws.tables.made import MODELS
from tests.unit.functions.api_world import SAMPLE_EVENT, Answer, Context, a_feed, a_run, an_account, answer_of
from tests.unit.services.world import an_execution

Handle = Callable[[Mapping[str, object]], Answer]

ROOT = Path(__file__).parents[3]
EVENTS = sorted((ROOT / "events").glob("http_*.json"))
BUNDLE = {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT / 'shared'}", "AWS_DEFAULT_REGION": "us-east-1"}
SETTINGS = {
    "STAGE": "test",
    "TABLE_PREFIX": "test-",
    "SYNC_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/sync-jobs",
    "BACKFILL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/sync-backfill",
    "KMS_KEY_ID": "arn:aws:kms:us-east-1:123456789012:key/5f0c2b1e-8b0a-4a58-9b5c-0d6b6a1f2c3d",
    "EXPORT_BUCKET": "brokersync-exports",
    "SIGN_IN_ISSUER": "https://issuer.test",
    "SIGN_IN_CLIENT_ID": "page",
    "SIGN_IN_SCOPE": "openid",
}


def run_python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], env={**BUNDLE, **env}, capture_output=True, text=True)


def test_the_bundle_imports_and_brings_no_brokers_code_or_http_client() -> None:
    # given the layout of the bundle, a level below functions/, in a process of its own
    code = (
        "import sys, api.app; api.app.lambda_handler; "
        "print([name for name in sys.modules if name == 'httpx' or name.startswith('brokersync.brokers.')])"
    )

    # when
    ran = run_python(code, **SETTINGS)

    # then
    assert ran.stderr == ""
    assert ran.stdout.strip() == "['brokersync.brokers.catalog']"


@pytest.mark.parametrize("missing", SETTINGS)
def test_a_setting_that_is_missing_is_named(missing: str) -> None:
    # given
    settings = {name: value for name, value in SETTINGS.items() if name != missing}

    # when
    ran = run_python("import api.app", **settings)

    # then
    assert f"SettingsError: environment of ApiSettings: {missing}: Field required" in ran.stderr


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handle]:
    """The handler, built over an AWS in memory whose tables are empty."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        session = AwsSession(table_prefix=SETTINGS["TABLE_PREFIX"])
        for model in MODELS:
            session.table(model).create_table()
        for name in ("sync-jobs", "sync-backfill"):
            session.client("sqs").create_queue(QueueName=name)
        monkeypatch.delitem(sys.modules, "functions.api.app", raising=False)
        app = import_module("functions.api.app")
        yield lambda event: answer_of(app.lambda_handler(event, Context()))
        monkeypatch.delitem(sys.modules, "functions.api.app")


def store_everything(owner: str) -> None:
    """An account with a trade, a run and a balance, stored by the adapters that a sync uses."""
    session = AwsSession(table_prefix=SETTINGS["TABLE_PREFIX"])
    feeds = DynamoFeeds(session)
    feed = replace(a_feed("acc_sample", START), user_id=owner, broker="oanda")
    feeds.create(feed)
    DynamoAccounts(session).ensure(an_account("acc_sample", feed))
    job = SyncJob(job_id="job_1", feed_id="acc_sample", requested_by=RequestedBy.SYSTEM, requested_at=START, tick=2**30)
    acquired = feeds.acquire("acc_sample", token="t", run_id="run_1", job=job, now=START)
    assert isinstance(acquired, Acquired)
    trade = an_execution("t1")
    origin = Origin(run_id="run_1", snapshot_key="k")
    new = NewEntry(account_id="acc_sample", entry=trade, content_hash=content_hash(trade), origin=origin)
    DynamoLedger(session).insert(acquired.lease, [new], None)
    DynamoRuns(session).put(a_run("run_1", feed_id="acc_sample"), 30)
    balance = Balance(broker_account_id="001", currency="EUR", as_of=trade.executed_at, equity=Decimal("10.5"))
    DynamoPortfolios(session).put("acc_sample", "run_1", balance=balance)


def of_path(event: Mapping[str, object], path: str) -> dict[str, object]:
    """The sample event with another address."""
    changed = json.loads(json.dumps(event)) | {"rawPath": path}
    changed["requestContext"]["http"]["path"] = path
    return changed


def owner_of(event: Mapping[str, object]) -> str:
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    return user_id(claims["iss"], claims["sub"])


@pytest.mark.parametrize("name", [path.name for path in EVENTS])
def test_each_sample_event_is_answered(handle: Handle, name: str) -> None:
    # given the sample, and tables in which its account is not
    event = json.loads((ROOT / "events" / name).read_text())
    assert handle(event).status == 404

    # when the account is its user's
    store_everything(owner_of(event))

    # then
    assert handle(event).status in {200, 202}


def test_what_a_sync_stored_is_what_the_api_tells(handle: Handle) -> None:
    # given
    sample = json.loads(SAMPLE_EVENT.read_text())
    store_everything(owner_of(sample))

    # when
    told = {
        route: handle(of_path(sample, f"/trading-accounts{route}")).json
        for route in ("", "/acc_sample/trades", "/acc_sample/sync-runs", "/acc_sample/portfolio")
    }

    # then
    [account] = told[""]["accounts"]
    assert (account["account_id"], account["broker_name"]) == ("acc_sample", "OANDA")
    assert [trade["source_trade_id"] for trade in told["/acc_sample/trades"]["trades"]] == ["t1"]
    assert [run["run_id"] for run in told["/acc_sample/sync-runs"]["sync_runs"]] == ["run_1"]
    assert told["/acc_sample/portfolio"]["balance"]["equity"] == "10.5"


def test_i11_a_requested_sync_is_in_the_feed_and_in_the_queue(handle: Handle) -> None:
    # given
    event = json.loads((ROOT / "events" / "http_start_sync.json").read_text())
    store_everything(owner_of(event))
    session = AwsSession(table_prefix=SETTINGS["TABLE_PREFIX"])

    # when
    answer = handle(event)

    # then
    [message] = session.client("sqs").receive_message(QueueUrl=SETTINGS["SYNC_QUEUE_URL"])["Messages"]
    feed = DynamoFeeds(session).get("acc_sample")
    assert json.loads(message["Body"])["job_id"] == answer.json["job_id"] == feed.wanted.job_id
