"""A client that openapi-python-client makes of our document: it connects, syncs and reads, with IAM enforced."""

import csv
import importlib
import io
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from brokersync.aws.users import DynamoUsers
from brokersync.domain.identity import user_id
from brokersync.domain.plans import Plan
from local.simulators.oanda_world import AccountSpec
from tests.e2e.stage import SECRET, Stage

pytestmark = pytest.mark.stack

SUBJECT = "a-generated-trader"
PACKAGE = "brokersync_generated_client"


@pytest.fixture(scope="module")
def generated(here: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The client's package, importable."""
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_text(here.api.get("/openapi.json").text)
    bin_folder = Path(sys.executable).parent
    asked = ("--path", document, "--output-path", folder / PACKAGE, "--meta", "none", "--fail-on-warning")
    subprocess.run(
        [bin_folder / "openapi-python-client", "generate", *asked],
        env=os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def client(here: Stage, generated: Path) -> Iterator["Client"]:
    with closing(Client(here)) as client:
        yield client


class Client:
    """The generated functions by their operation, called with one trader's token; anything but a success fails."""

    def __init__(self, here: Stage) -> None:
        package = importlib.import_module(PACKAGE)
        token = here.here.issuer.token(SUBJECT)
        self._client = package.AuthenticatedClient(base_url=here.here.api_url, token=token)
        self.models: ModuleType = importlib.import_module(f"{PACKAGE}.models")

    def close(self) -> None:
        self._client.get_httpx_client().close()

    def __call__(self, operation: str, *ids: str, **parts: object) -> Any:
        module = importlib.import_module(f"{PACKAGE}.api.default.{operation}")
        answer = module.sync_detailed(*ids, client=self._client, **parts)
        assert answer.status_code < 300, answer
        return answer.parsed


def test_a_generated_client_connects_syncs_and_reads(here: Stage, client: Client) -> None:
    # given an account at the broker, and a client generated from the document
    spec = AccountSpec(account="101-004-7777777-001", token=f"{SECRET}generated", seed=7, executions=20, days=3)
    here.world.open_account(spec)
    DynamoUsers(here.stack.session).set_plan(user_id(here.here.issuer.issuer, SUBJECT), Plan.PRO)
    models = client.models
    # when it connects, twice with one key because the first answer got lost
    credentials = models.NewConnectionCredentials.from_dict({"token": spec.token})
    wanted = models.NewConnection(
        broker="oanda", environment="practice", credentials=credentials, broker_account_ids=[spec.account]
    )
    key = str(uuid.uuid4())
    first, second = (client("create_connection", body=wanted, idempotency_key=key) for _ in range(2))
    # then one connection was made, and its account is synced
    assert first == second
    assert len(client("list_connections").connections) == 1
    here.wait("the first sync", lambda: client("get_sync_summary").status == "synced")
    (account,) = client("list_accounts").accounts
    # and a sync by hand is done and counted
    asked = client("sync_account", account.account_id, idempotency_key=str(uuid.uuid4()))
    here.wait("the sync", lambda: client("list_sync_runs", account.account_id).sync_runs[0].job_id == asked.job_id)
    run = client("get_sync_run", account.account_id, client("list_sync_runs", account.account_id).sync_runs[0].run_id)
    assert run.requested_by == "manual"
    assert client("get_me").manual_syncs.used == 1
    # and what was stored can be read, as a whole and in parts
    trades = client("list_trades", account.account_id, limit=200).trades
    assert {trade.source_trade_id for trade in trades} <= set(true_ids(here, spec))
    newest, *_, oldest = trades
    later = client("list_trades", account.account_id, from_=newest.executed_at).trades
    assert newest in later
    assert oldest not in later
    assert client("list_trade_versions", account.account_id, oldest.source_trade_id).versions[0].version == 1
    assert client("get_portfolio", account.account_id).balance.currency
    assert client("get_equity", account.account_id).days
    trips = client("list_round_trips", account.account_id, limit=200).round_trips
    days = client("get_realised_pnl", account.account_id).days
    assert sum(day.round_trips for day in days) == len(trips)
    assert {trip.paired_by for trip in trips} == {"broker"}


def true_ids(here: Stage, spec: AccountSpec) -> Iterator[str]:
    """The ids that the broker's own books have."""
    seen: Any = here.world.truth({"account": spec.account})
    for entry in seen["accounts"][0]["executions"]:
        yield entry["source_trade_id"]


def test_settings_and_files_by_the_generated_client(client: Client) -> None:
    # given the trader of the test before
    models = client.models
    (account,) = client("list_accounts").accounts
    # when the account gets a name and another interval, and the trader a language
    changed = client(
        "update_account", account.account_id, body=models.AccountChange(display_name="Holidays", interval_min=30)
    )
    me = client("update_me", body=models.MeChange(locale=models.Locale.FR, time_zone="Europe/Paris"))
    # then so it is
    assert (changed.name, changed.sync.interval_min) == ("Holidays", 30)
    assert (me.locale, me.time_zone) == ("fr", "Europe/Paris")
    assert client("get_sync_status", account.account_id).badge == "Synchronisé"
    # and a file of all trades is there for whoever has its address
    export = client("create_export", account.account_id, body=models.ExportRequest(what=models.ExportKind.TRADES))
    fetched = httpx.get(export.url)
    rows = list(csv.DictReader(io.StringIO(fetched.content.decode("utf-8-sig"))))
    assert fetched.headers["content-disposition"] == f'attachment; filename="{export.file_name}"'
    assert len(rows) == export.rows > 0
    assert {row["source_trade_id"] for row in rows} == {
        trade.source_trade_id for trade in client("list_trades", account.account_id, limit=200).trades
    }
