"""What each route answers, through the real app over in-memory ports."""

from datetime import timedelta
from decimal import Decimal

import pytest

from brokersync.domain.coverage import Coverage, Hole
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Wanted
from brokersync.domain.portfolio import Balance, Position, PositionsSection
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.times import from_rfc3339, from_wall_clock
from brokersync.domain.trades import Side
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import NEWS_NOTE, ApiWorld, a_run

HOLE = Hole(run_id="run_1", first=0, last=0, rows={"a1": "acc_1", "b2": "", "c3": "acc_2"})


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_the_list_has_each_account_with_its_status_and_all_together(world: ApiWorld) -> None:
    # given two accounts, one of which waits for a retry
    world.add("acc_1", coverage=Coverage(start=START - timedelta(days=30), end=START, holes=(HOLE,)))
    world.add(
        "acc_2",
        outcome=Outcome.FAILED,
        error_code=ErrorCode.TIMEOUT,
        safe_message="The broker was too slow.",
        wanted=Wanted(job_id="job_7", kind=RequestedBy.RETRY, not_before=START + timedelta(minutes=5), attempt=1),
        last_successful_at=START - timedelta(hours=2),
    )

    # when
    answer = world.get("/trading-accounts")

    # then
    assert answer.status == 200
    assert answer.json["overall"] == {"status": "pending", "last_successful_sync_at": "2026-03-02T08:30:00Z"}
    first, second = answer.json["accounts"]
    assert first == {
        "account_id": "acc_1",
        "connection_id": "con_1",
        "broker": "acme",
        "broker_name": "Acme Markets",
        "environment": "live",
        "masked_number": "...4711",
        "name": "Day trading",
        "display_name": "",
        "currency": "EUR",
        "sync": {
            "status": "synced",
            "badge": "Synced",
            "action": "",
            "last_attempted_sync_at": "2026-03-02T10:29:00Z",
            "last_successful_sync_at": "2026-03-02T10:29:00Z",
            "next_sync_at": first["sync"]["next_sync_at"],
            "retry_at": None,
            "job_id": "",
            "sync_enabled": True,
            "interval_min": 15,
            "chosen_interval_min": None,
            "min_interval_min": 15,
            "coverage": {
                "start": "2026-01-31T10:30:00Z",
                "end": "2026-03-02T10:30:00Z",
                "waterline": None,
                "holes": 2,
            },
            "load": None,
            "news_note": NEWS_NOTE,
            "error": None,
        },
    }
    assert second["sync"]["retry_at"] == second["sync"]["next_sync_at"] == "2026-03-02T10:35:00Z"
    assert second["sync"]["action"] == "try_again"
    assert second["sync"]["error"] == {
        "code": "timeout",
        "message": "The broker was too slow.",
        "detail": "",
        "next_step": "Nothing to do: we try again by ourselves.",
    }


def test_the_status_of_one_account_is_the_one_in_the_list(world: ApiWorld) -> None:
    # given
    world.add("acc_1")

    # when
    answer = world.get("/trading-accounts/acc_1/sync-status")

    # then
    assert answer.status == 200
    assert answer.json == world.get("/trading-accounts").json["accounts"][0]["sync"]


def test_a_requested_sync_is_accepted_with_its_job_and_the_status_names_it(world: ApiWorld) -> None:
    # given
    world.add("acc_1")

    # when
    answer = world.post("/trading-accounts/acc_1/sync")

    # then
    assert answer.status == 202
    assert answer.json["state"] == "queued"
    assert world.get("/trading-accounts/acc_1/sync-status").json["job_id"] == answer.json["job_id"]


def test_a_sync_that_runs_already_is_said_to_run(world: ApiWorld) -> None:
    # given
    world.add("acc_1")
    world.hold("acc_1", "job_running")

    # when
    answer = world.post("/trading-accounts/acc_1/sync")

    # then
    assert (answer.status, answer.json) == (202, {"job_id": "job_running", "state": "running"})
    assert world.get("/trading-accounts/acc_1/sync-status").json["status"] == "syncing"


def test_a_sync_that_needs_a_new_credential_first_is_a_conflict_with_the_next_step(world: ApiWorld) -> None:
    # given
    world.add(
        "acc_1",
        runnable=False,
        outcome=Outcome.FAILED,
        error_code=ErrorCode.CREDENTIALS_REJECTED,
        safe_message="The broker refused the token.",
    )

    # when
    answer = world.post("/trading-accounts/acc_1/sync")

    # then
    assert answer.status == 409
    assert answer.json["code"] == "reconnect_needed"
    assert answer.json["detail"] == "The broker refused the token."
    assert answer.json["next_step"] == "Re-connect: enter a valid credential for this broker."


def test_i8_amounts_are_exact_text_and_times_utc_with_the_brokers_own_beside(world: ApiWorld) -> None:
    # given a trade with numbers that no float holds, at a wall-clock time
    world.add("acc_1")
    when = from_wall_clock(
        from_rfc3339("2026-03-02T05:00:00Z").utc.replace(tzinfo=None), "20260302;050000", "America/New_York"
    )
    world.trade(
        "acc_1",
        "t1",
        quantity=Decimal("1E+3"),
        price=Decimal("0.10000000000000000001"),
        fees={"commission": Decimal("-0.30")},
        fee_currency="USD",
        realised_pnl=Decimal("12.50"),
        executed_at=when,
    )

    # when
    answer = world.get("/trading-accounts/acc_1/trades")

    # then
    [trade] = answer.json["trades"]
    assert (trade["quantity"], trade["price"]) == ("1000", "0.10000000000000000001")
    assert (trade["fees"], trade["fee_currency"]) == ({"commission": "-0.3"}, "USD")
    assert (trade["realised_pnl"], trade["pnl_currency"]) == ("12.5", "USD")
    assert trade["executed_at"] == "2026-03-02T10:00:00Z"
    assert (trade["executed_at_raw"], trade["executed_at_zone"]) == ("20260302;050000", "America/New_York")
    assert answer.json["next_cursor"] is None


def test_pnl_in_a_currency_that_the_broker_leaves_open_has_none(world: ApiWorld) -> None:
    # given
    world.add("acc_1")
    world.trade("acc_1", "t1", realised_pnl=Decimal(1), pnl_currency="")

    # when, then
    assert world.get("/trading-accounts/acc_1/trades").json["trades"][0]["pnl_currency"] == ""


@pytest.mark.parametrize(
    ("route", "list_name", "id_name"), [("trades", "trades", "source_trade_id"), ("sync-runs", "sync_runs", "run_id")]
)
def test_cursors_lead_through_all_pages(world: ApiWorld, route: str, list_name: str, id_name: str) -> None:
    # given five of each
    world.add("acc_1")
    for number in range(5):
        world.trade("acc_1", f"x{number}", executed_at=from_rfc3339(f"2026-03-02T10:00:0{number}Z"))
        world.runs.put(a_run(f"x{number}"), 30)

    # when
    seen, query = [], {"limit": "2"}
    while True:
        page = world.get(f"/trading-accounts/acc_1/{route}", query=query).json
        seen.append([one[id_name] for one in page[list_name]])
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    # then
    assert seen == [["x4", "x3"], ["x2", "x1"], ["x0"]]


def test_a_run_is_told_with_its_counts_and_its_safe_error(world: ApiWorld) -> None:
    # given
    world.add("acc_1")
    world.runs.put(a_run("run_1", outcome=Outcome.FAILED, error_code=ErrorCode.TIMEOUT, safe_message="Too slow."), 30)

    # when
    [run] = world.get("/trading-accounts/acc_1/sync-runs").json["sync_runs"]

    # then
    assert (run["outcome"], run["requested_by"], run["finished_at"]) == ("failed", "system", "2026-03-02T10:30:02Z")
    assert run["error"] == {
        "code": "timeout",
        "message": "Too slow.",
        "detail": "",
        "next_step": "Nothing to do: we try again by ourselves.",
    }
    assert (run["stats"]["inserted"], run["stats"]["requests"]) == (1, 2)
    assert run["sections"] == {"trades": "stored"}


def test_a_portfolio_tells_unknown_from_zero_and_never_stored_from_flat(world: ApiWorld) -> None:
    # given an account with one position and a balance without margin
    world.add("acc_1")
    at = from_rfc3339("2026-03-02T10:00:00Z")
    position = Position(
        broker_account_id="001", symbol="EUR_USD", side=Side.SELL, volume=Decimal(2), as_of=at, profit=Decimal("-3.10")
    )
    world.portfolios.put(
        "acc_1",
        "run_1",
        balance=Balance(broker_account_id="001", currency="EUR", as_of=at, balance=Decimal(0)),
        positions=PositionsSection(broker_account_id="001", as_of=at, positions=(position,)),
    )
    # and one of which nothing is known yet
    world.add("acc_2")

    # when
    known, unknown = (world.get(f"/trading-accounts/{one}/portfolio").json for one in ("acc_1", "acc_2"))

    # then
    assert (known["balance"]["balance"], known["balance"]["margin"]) == ("0", None)
    [shown] = known["positions"]["positions"]
    assert (shown["symbol"], shown["side"], shown["volume"], shown["profit"]) == ("EUR_USD", "sell", "2", "-3.1")
    assert unknown == {"account_id": "acc_2", "balance": None, "positions": None}


def test_i7_neither_the_brokers_full_number_nor_a_storage_key_leaves_the_api(world: ApiWorld) -> None:
    # given an account with everything
    world.add("acc_1")
    world.trade("acc_1", "t1", broker_account_id="001-SECRET-4711")
    world.runs.put(a_run("run_1"), 30)
    at = from_rfc3339("2026-03-02T10:00:00Z")
    world.portfolios.put("acc_1", "r", balance=Balance(broker_account_id="001-SECRET-4711", currency="EUR", as_of=at))
    section = PositionsSection(broker_account_id="001-SECRET-4711", as_of=at)
    world.portfolios.put("acc_1", "r", positions=section)

    # when
    routes = ("sync-status", "sync-runs", "trades", "portfolio")
    answers = [world.get("/trading-accounts"), *(world.get(f"/trading-accounts/acc_1/{route}") for route in routes)]

    # then
    assert [answer.status for answer in answers] == [200] * 5
    assert not [answer.body for answer in answers if "SECRET" in answer.body or "snapshots/" in answer.body]


def test_what_belongs_to_a_user_is_kept_out_of_caches(world: ApiWorld) -> None:
    # given
    world.add("acc_1")

    # when
    answers = [
        world.get("/trading-accounts"),
        world.get("/trading-accounts/acc_1/trades"),
        world.post("/trading-accounts/acc_1/sync"),
        world.get("/trading-accounts/acc_unknown/trades"),
    ]

    # then
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_a_long_page_is_compressed_for_who_reads_it(world: ApiWorld) -> None:
    # given
    world.add("acc_1")
    world.trade("acc_1", "t1")

    # when
    packed = world.get("/trading-accounts/acc_1/trades", headers={"accept-encoding": "gzip, br"})

    # then
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json == world.get("/trading-accounts/acc_1/trades").json
