"""The stack as traders use it, once as it is and once with every permission enforced: schedule to page."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from brokersync.contracts import http
from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.status import AccountStatus
from brokersync.domain.times import to_ns
from tests.e2e.roles import Role
from tests.e2e.stage import Stage, Trader, stage

pytestmark = pytest.mark.stack

ROUTES = [
    ("GET", "/trading-accounts/{}/sync-status"),
    ("GET", "/trading-accounts/{}/sync-runs"),
    ("GET", "/trading-accounts/{}/trades"),
    ("GET", "/trading-accounts/{}/portfolio"),
    ("POST", "/trading-accounts/{}/sync"),
]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "iam"])
def here(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(enforce_iam=request.param) as made:
        made.dispatcher_is_up_to_date()
        yield made


@pytest.fixture(scope="module")
def trader(here: Stage) -> Trader:
    """Somebody whose account has more than one page of everything, after the first sync and a scheduled one."""
    trader = here.connect(executions=250)
    here.wait_for_runs([trader], 1)
    here.world.trade(trader.spec.account, count=3)
    here.an_interval_ago([trader])
    assert here.here.tick()["queued"] == 1
    here.wait_for_runs([trader], 2)
    return trader


# --- what the trader sees -------------------------------------------------------------------------------------------


def test_the_api_tells_status_and_runs_after_a_scheduled_sync(here: Stage, trader: Trader) -> None:
    # given an account with a first sync and a scheduled one; when the trader looks
    listed = http.Accounts.model_validate_json(here.as_trader(trader, "GET", "/trading-accounts").content)
    path = f"/trading-accounts/{trader.account_id}"
    status = http.SyncStatus.model_validate_json(here.as_trader(trader, "GET", f"{path}/sync-status").content)
    runs = http.SyncRuns.model_validate_json(here.as_trader(trader, "GET", f"{path}/sync-runs").content).sync_runs
    # then the account is there with its true status, its number masked
    (account,) = listed.accounts
    assert (account.account_id, account.masked_number) == (trader.account_id, f"...{trader.spec.account[-4:]}")
    assert account.sync == status
    assert (status.status, status.badge, status.error) == (AccountStatus.SYNCED, "Synced", None)
    assert status.last_successful_sync_at == runs[0].finished_at
    assert status.next_sync_at is not None
    assert status.next_sync_at > runs[0].finished_at
    # and the log has both runs, newest first, which together brought all that there is
    assert [(run.requested_by, run.outcome) for run in runs] == [
        (RequestedBy.SYSTEM, Outcome.SUCCEEDED),
        (RequestedBy.CONNECT, Outcome.SUCCEEDED),
    ]
    assert sum(run.stats.inserted for run in runs) == len(here.true_entries(trader))


def test_i2_the_api_shows_each_trade_of_the_broker_once(here: Stage, trader: Trader) -> None:
    # given what the broker holds; when the trader reads all pages of trades
    trades = all_trades(here, trader)
    # then each is there once, in every detail, newest first
    true = {entry["source_trade_id"]: entry for entry in here.truth(trader)["executions"]}
    assert [trade["source_trade_id"] for trade in trades] == [
        one["source_trade_id"] for one in sorted(trades, key=lambda trade: trade["executed_at"], reverse=True)
    ]
    assert len(trades) == len(true)
    for trade in trades:
        expected = dict(true[trade["source_trade_id"]])
        expected.pop("broker_account_id")  # never shown in full
        moment = to_ns(datetime.fromisoformat(trade["executed_at"]))
        assert moment == expected.pop("executed_at_ns") // 1_000 * 1_000
        assert {name: trade[name] for name in expected} == expected


def test_i8_the_portfolio_is_the_brokers(here: Stage, trader: Trader) -> None:
    # given what the broker holds; when the trader asks for the portfolio
    answer = here.as_trader(trader, "GET", f"/trading-accounts/{trader.account_id}/portfolio")
    portfolio = http.Portfolio.model_validate_json(answer.content, strict=False)
    # then cash and number of positions are the broker's
    true = here.truth(trader)
    assert portfolio.balance is not None
    assert portfolio.positions is not None
    assert portfolio.balance.balance == Decimal(true["balance"])
    assert len(portfolio.positions.positions) == true["open_trades"]


def test_i11_a_request_is_queued_and_served(here: Stage, trader: Trader) -> None:
    # given something new at the broker
    here.world.trade(trader.spec.account)
    before = here.stored.feed(trader.feed_id).epoch
    # when the trader asks for a sync
    answer = here.as_trader(trader, "POST", f"/trading-accounts/{trader.account_id}/sync")
    # then it is accepted, and done under the job that the answer named
    assert answer.status_code == 202
    accepted = http.SyncAccepted.model_validate_json(answer.content)
    here.wait_for_runs([trader], before + 1)
    last = here.stored.runs(trader.feed_id)[-1]
    assert (last.job_id, last.requested_by, last.outcome) == (
        accepted.job_id,
        RequestedBy.MANUAL,
        Outcome.SUCCEEDED,
    )
    assert len(all_trades(here, trader)) == len(here.truth(trader)["executions"])


def test_a_request_for_an_account_that_waits_for_its_trader_is_refused(here: Stage) -> None:
    # given an account whose credential the broker refuses
    locked_out = here.connect(wrong_token="revoked-long-ago")
    here.wait_for_runs([locked_out], 1)
    # when its trader asks for a sync
    answer = here.as_trader(locked_out, "POST", f"/trading-accounts/{locked_out.account_id}/sync")
    # then the answer says what to do instead
    assert answer.status_code == 409
    problem = http.Problem.model_validate_json(answer.content)
    assert problem.code == "reconnect_needed"
    assert problem.next_step.startswith("Re-connect")
    # and the connection is marked, so nobody asks the broker again
    feed = here.stored.feed(locked_out.feed_id)
    assert (feed.error_code, feed.on_wheel()) == (ErrorCode.CREDENTIALS_REJECTED, False)
    assert connection_status(here, feed.connection_id) == "reauth_required"


# --- who may see it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_i7_another_traders_account_is_not_there(here: Stage, trader: Trader, method: str, path: str) -> None:
    # given somebody else's account, and one that nobody has
    other = Trader("somebody-else", "", trader.spec, "")
    asked = [here.as_trader(other, method, path.format(one)) for one in (trader.account_id, "acc_nobodys")]
    # when another trader asks for either; then the answers are the same: there is nothing
    assert [answer.status_code for answer in asked] == [404, 404]
    first, second = ({**answer.json(), "instance": ""} for answer in asked)
    assert first == second


@pytest.mark.parametrize(("method", "path"), [("GET", "/trading-accounts"), *ROUTES])
def test_i7_without_a_good_token_nobody_gets_in(here: Stage, trader: Trader, method: str, path: str) -> None:
    # given tokens that are missing, old, for somebody else, signed by somebody else, or none at all
    issuer = here.here.issuer
    good = issuer.token(trader.subject)
    tokens = [
        "",
        issuer.token(trader.subject, seconds=-60),
        issuer.token(trader.subject, aud="another-service"),
        issuer.token(trader.subject, iss="https://issuer.example.com"),
        good[:-8] + "AAAAAAAA",
        "no-token",
    ]
    # when they are used
    answers = [
        here.api.request(
            method, path.format(trader.account_id), headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        for token in tokens
    ]
    # then none of them opens anything
    assert [answer.status_code for answer in answers] == [401] * len(tokens)
    assert trader.account_id not in "".join(answer.text for answer in answers)


def test_the_page_and_what_it_needs_are_public(here: Stage) -> None:
    # given nobody's token; when the page, its files, the health and the OpenAPI document are asked for
    answers = [here.api.get(path) for path in ("/", "/static/app.js", "/health", "/openapi.json")]
    # then they come
    assert [answer.status_code for answer in answers] == [200] * 4


# --- what the functions may do --------------------------------------------------------------------------------------


def forbidden(here: Stage) -> Sequence[tuple[str, str, str, dict[str, Any]]]:
    """What a role has no business with: role, service, call, arguments."""
    outputs = here.stack.outputs
    feed_key = {"feed_id": {"S": "acc_nobodys"}}
    connection_key = {"connection_id": {"S": "con_nobodys"}}
    return [
        ("SyncRole", "dynamodb", "scan", {"TableName": outputs["FeedsTableName"]}),
        ("SyncRole", "dynamodb", "delete_item", {"TableName": outputs["ConnectionsTableName"], "Key": connection_key}),
        ("SyncRole", "s3", "list_objects_v2", {"Bucket": outputs["SnapshotBucketName"]}),
        ("SyncRole", "s3", "get_object", {"Bucket": "brokersync-artifacts", "Key": "template.json"}),
        ("SyncRole", "kms", "list_keys", {}),
        ("DispatcherRole", "dynamodb", "get_item", {"TableName": outputs["FeedsTableName"], "Key": feed_key}),
        ("DispatcherRole", "dynamodb", "scan", {"TableName": outputs["ConnectionsTableName"]}),
        ("ApiRole", "dynamodb", "scan", {"TableName": outputs["ConnectionsTableName"]}),
        ("ApiRole", "dynamodb", "delete_item", {"TableName": outputs["FeedsTableName"], "Key": feed_key}),
        ("ApiRole", "dynamodb", "scan", {"TableName": outputs["TradesTableName"]}),
        ("ApiRole", "s3", "list_objects_v2", {"Bucket": outputs["SnapshotBucketName"]}),
    ]


def test_i7_roles_are_enforced_and_have_no_right_too_many(
    here: Stage, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # given a function that tries what it is told to, under the role of one of ours
    roles = {
        name: Role(here.here, name, tmp_path_factory.mktemp(name)) for name in ("SyncRole", "DispatcherRole", "ApiRole")
    }
    # when it tries what that function has no business with
    said = [(role, *what, roles[role].try_to(*what)) for role, *what in forbidden(here)]
    # then it is refused where permissions are enforced, and only there
    enforced = "iam" in request.node.callspec.id
    assert {answer for *_, answer in said} <= (
        {"AccessDenied", "AccessDeniedException"} if enforced else {"allowed"}
    ), said


def all_trades(here: Stage, trader: Trader) -> list[dict[str, Any]]:
    """All pages of the account's trades, as the API gives them."""
    found: list[dict[str, Any]] = []
    params: dict[str, str | int] = {"limit": 100}
    while True:
        answer = here.as_trader(trader, "GET", f"/trading-accounts/{trader.account_id}/trades", **params)
        page = answer.raise_for_status().json()
        found += page["trades"]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


def connection_status(here: Stage, connection_id: str) -> str:
    """The status of a connection."""
    item = here.evidence.client("dynamodb").get_item(
        TableName=here.stack.outputs["ConnectionsTableName"], Key={"connection_id": {"S": connection_id}}
    )["Item"]
    return str(item["status"]["S"])
