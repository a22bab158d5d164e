"""What a trader changes and looks at besides the status: settings, the whole, reviews, round trips, files, limits."""

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.identity import user_id
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import Balance
from brokersync.domain.runs import Outcome
from brokersync.domain.times import from_rfc3339
from brokersync.domain.trades import Effect, Side
from brokersync.services import export
from tests.fakes.time_and_chance import START
from tests.unit.functions.api_world import ISSUER, ApiWorld, a_run, an_account

ALICE = user_id(ISSUER, "alice")


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


# --- settings -------------------------------------------------------------------------------------------------------


def test_what_is_left_out_of_a_change_stays(world: ApiWorld) -> None:
    # given an account
    world.add(plan=Plan.ELITE)
    # when one thing after the other is changed
    world.patch("/trading-accounts/acc_1", body={"interval_min": 5})
    world.patch("/trading-accounts/acc_1", body={"sync_enabled": False})
    answer = world.patch("/trading-accounts/acc_1", body={"display_name": "Holidays"})
    # then all of it holds
    sync = answer.json["sync"]
    assert (answer.status, answer.json["name"], answer.json["display_name"]) == (200, "Holidays", "Holidays")
    assert (sync["sync_enabled"], sync["interval_min"], sync["chosen_interval_min"]) == (False, 5, 5)
    assert sync["next_sync_at"] is None
    # and without a name of its own it has the broker's again
    assert world.patch("/trading-accounts/acc_1", body={"display_name": ""}).json["name"] == "Day trading"


def test_a_choice_under_the_plan_waits_and_the_answer_says_what_is_in_force(world: ApiWorld) -> None:
    # given a free trader, who wants 5 minutes
    world.add(plan=Plan.FREE, interval_min=60)
    sync = world.patch("/trading-accounts/acc_1", body={"interval_min": 5}).json["sync"]
    # then it is an hour for now
    assert (sync["interval_min"], sync["chosen_interval_min"], sync["min_interval_min"]) == (60, 5, 60)
    # and with a better plan it is what was chosen
    world.services.set_plan.run(ALICE, Plan.ELITE)
    sync = world.get("/trading-accounts/acc_1/sync-status").json
    assert (sync["interval_min"], sync["min_interval_min"]) == (5, 5)


@pytest.mark.parametrize("minutes", [0, 1, 7, 240, 1440, "15", [15]])
def test_an_interval_that_cannot_be_chosen_is_refused(world: ApiWorld, minutes: object) -> None:
    world.add()
    body = {"interval_min": minutes}
    answer = world.patch("/trading-accounts/acc_1", body=body)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "interval_min")
    assert world.feeds.get("acc_1").chosen_min is None


def test_accounts_of_one_feed_share_the_schedule_and_not_the_name(world: ApiWorld) -> None:
    # given two accounts that one fetch brings
    feed = world.add("acc_1")
    world.accounts.ensure(replace(an_account("acc_2", feed), broker_account_id="002"))
    # when one is changed
    world.patch("/trading-accounts/acc_2", body={"sync_enabled": False, "display_name": "Second"})
    # then
    accounts = world.get("/trading-accounts").json["accounts"]
    assert [(one["name"], one["sync"]["sync_enabled"]) for one in accounts] == [
        ("Day trading", False),
        ("Second", False),
    ]


def test_an_account_that_no_fetch_has_found_yet_can_be_scheduled_and_not_named(world: ApiWorld) -> None:
    # given a connection whose accounts are not known
    world.feeds.create(replace(world.add("acc_1"), feed_id="feed_new", accounts={}))
    # then
    assert world.patch("/trading-accounts/feed_new", body={"sync_enabled": False}).json["sync"]["sync_enabled"] is False
    answer = world.patch("/trading-accounts/feed_new", body={"sync_enabled": True, "display_name": "Early"})
    assert (answer.status, answer.json["code"]) == (409, "not_known_yet")
    assert world.feeds.get("feed_new").sync_enabled is False


def test_language_and_zone_are_kept_and_the_plan_is_not_ones_own_to_change(world: ApiWorld) -> None:
    # given a trader on pro who has asked for one sync
    world.users.set_plan(ALICE, Plan.PRO)
    world.add()
    world.post("/trading-accounts/acc_1/sync")
    # when the trader chooses
    answer = world.patch("/me", body={"locale": "vi", "time_zone": "Asia/Ho_Chi_Minh"})
    # then
    me = world.get("/me").json
    assert me == answer.json
    assert (me["user_id"], me["plan"], me["locale"], me["time_zone"]) == (ALICE, "pro", "vi", "Asia/Ho_Chi_Minh")
    assert me["terms"] == {
        "min_interval_min": 15,
        "manual_syncs_per_hour": 12,
        "history_days": 730,
        "run_log_days": 90,
    }
    assert (me["manual_syncs"]["max"], me["manual_syncs"]["used"]) == (12, 1)
    for wrong in ({"plan": "elite"}, {"time_zone": "Europe/Atlantis"}, {"locale": "de"}, {"time_zone": "../etc"}):
        assert world.patch("/me", body=wrong).status == 422


def test_an_operator_is_told_that_they_are_one(world: ApiWorld) -> None:
    assert world.get("/me").json["operator"] is False
    assert world.get("/me", scope="openid operator").json["operator"] is True


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_limit_that_is_reached_says_which_and_until_when(world: ApiWorld) -> None:
    # given a free trader who has used both syncs of the hour
    world.add("acc_1", plan=Plan.FREE)
    world.add("acc_2", plan=Plan.FREE)
    world.add("acc_3", plan=Plan.FREE)
    for one in ("acc_1", "acc_2"):
        assert world.post(f"/trading-accounts/{one}/sync").status == 202
        world.clock.sleep(60)
    # when a third is asked for, of one account or of all
    answers = [world.post("/trading-accounts/acc_3/sync"), world.post("/sync", body={})]
    # then
    for answer in answers:
        assert (answer.status, answer.json["code"]) == (429, "limit_reached")
        limit = answer.json["limit"]
        assert (limit["name"], limit["max"], limit["used"]) == ("manual_syncs", 2, 2)
        assert 3400 < int(answer.headers["retry-after"]) <= 3481
        assert limit["next_allowed_at"] < limit["resets_at"]
    assert world.feeds.get("acc_3").wanted is None


def test_i6_when_limits_cannot_be_checked_the_trader_is_told_to_wait(world: ApiWorld) -> None:
    world.add()
    world.limits.down = True
    answer = world.post("/trading-accounts/acc_1/sync")
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "unavailable", "60")


# --- the whole ------------------------------------------------------------------------------------------------------


def test_i5_the_whole_is_as_bad_as_its_worst_part_and_as_old_as_its_oldest(world: ApiWorld) -> None:
    # given accounts that are well, and one that failed two hours ago
    world.add("acc_1")
    world.add("acc_2")
    world.add(
        "acc_3",
        outcome=Outcome.FAILED,
        error_code=ErrorCode.TIMEOUT,
        last_successful_at=START - timedelta(hours=2),
        last_attempted_at=START,
    )
    # when
    summary = world.get("/sync-status").json
    # then
    assert summary["counts"] == {"synced": 2, "failed": 1}
    assert (summary["status"], summary["badge"], summary["action"]) == ("failed", "Failed", "try_again")
    assert summary["accounts"] == 3
    assert summary["last_successful_sync_at"] == "2026-03-02T08:30:00Z"
    assert summary["last_attempted_sync_at"] == "2026-03-02T10:30:00Z"
    assert summary["next_sync_at"] is not None


def test_without_accounts_there_is_no_status(world: ApiWorld) -> None:
    summary = world.get("/sync-status").json
    assert (summary["status"], summary["badge"], summary["accounts"], summary["counts"]) == (None, "", 0, {})


# --- reviews --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["accept", "read_again"])
def test_a_review_ends_with_another_run(world: ApiWorld, decision: str) -> None:
    # given an account whose broker told of nothing where there was history
    world.add(outcome=Outcome.NEEDS_REVIEW, error_code=ErrorCode.EMPTY_WHERE_HISTORY)
    # when the trader decides
    answer = world.post("/trading-accounts/acc_1/review", body={"decision": decision})
    # then a job goes on from there, and knows what was accepted
    feed = world.feeds.get("acc_1")
    assert (answer.status, answer.json) == (202, {"job_id": feed.wanted.job_id, "state": "queued"})
    assert feed.accepted_through == (world.clock.now() if decision == "accept" else None)
    # and only reading again is a manual sync
    assert world.get("/me").json["manual_syncs"]["used"] == (0 if decision == "accept" else 1)


def test_what_is_well_needs_no_review(world: ApiWorld) -> None:
    world.add()
    answer = world.post("/trading-accounts/acc_1/review", body={"decision": "accept"})
    assert (answer.status, answer.json["code"]) == (409, "nothing_to_review")
    assert world.feeds.get("acc_1").accepted_through is None


# --- what was found -------------------------------------------------------------------------------------------------


def traded(world: ApiWorld) -> None:
    """Two buys and a sell of each, on two days."""
    world.add()
    for day in (1, 2):
        for number, (side, price) in enumerate([(Side.BUY, "10"), (Side.SELL, "12.5")]):
            world.trade(
                "acc_1",
                f"t{day}{number}",
                side=side,
                symbol="ABC" if day == 1 else "=XYZ",
                quantity=Decimal(2),
                price=Decimal(price),
                fees={"commission": Decimal("0.1")},
                executed_at=from_rfc3339(f"2026-02-0{day}T23:3{number}:00Z"),
                effect=None if day == 1 else (Effect.OPEN, Effect.CLOSE)[number],
            )


def test_round_trips_come_in_pages_newest_first(world: ApiWorld) -> None:
    # given two closed round trips
    traded(world)
    # when they are read one by one
    first = world.get("/trading-accounts/acc_1/round-trips", query={"limit": "1"}).json
    second = world.get("/trading-accounts/acc_1/round-trips", query={"limit": "1", "cursor": first["next_cursor"]}).json
    # then each comes once
    assert [one["round_trips"][0]["symbol"] for one in (first, second)] == ["=XYZ", "ABC"]
    assert second["next_cursor"] is None
    assert second["round_trips"][0]["gross_pnl"] == "5"
    assert second["round_trips"][0]["net_pnl"] == "4.8"
    assert second["round_trips"][0]["fees"] == {"USD": "0.2"}
    # and only those that are asked for
    only = {"from": "2026-02-02T00:00:00Z", "symbol": "ABC"}
    assert world.get("/trading-accounts/acc_1/round-trips", query=only).json["round_trips"] == []


def test_a_round_trip_is_closed_in_the_time_asked_for_though_it_was_opened_before(world: ApiWorld) -> None:
    traded(world)
    only = {"from": "2026-02-01T23:31:00Z", "to": "2026-02-01T23:32:00Z"}
    [trip] = world.get("/trading-accounts/acc_1/round-trips", query=only).json["round_trips"]
    assert (trip["opened_at"], trip["closed_at"]) == ("2026-02-01T23:30:00Z", "2026-02-01T23:31:00Z")


def test_realised_pnl_by_the_readers_day(world: ApiWorld) -> None:
    # given trades in the last half hour of two days in UTC
    traded(world)
    # when a reader east of it asks
    path = "/trading-accounts/acc_1/realised-pnl"
    here, there = (world.get(path, query={"time_zone": zone}).json["days"] for zone in ("UTC", "Asia/Tokyo"))
    # then they are of the next day there, and the sums are the same
    assert [day["day"] for day in here] == ["2026-02-01", "2026-02-02"]
    assert [day["day"] for day in there] == ["2026-02-02", "2026-02-03"]
    assert [day["cumulative_pnl"] for day in here] == [day["cumulative_pnl"] for day in there] == ["4.8", "9.6"]


def test_equity_day_by_day(world: ApiWorld) -> None:
    # given balances of two days
    world.add()
    for day in (1, 3):
        at = from_rfc3339(f"2026-02-0{day}T21:00:00Z")
        balance = Balance(broker_account_id="001", currency="EUR", as_of=at, equity=Decimal(100 + day))
        world.portfolios.put("acc_1", f"run_{day}", balance=balance)
    # when
    curve = world.get("/trading-accounts/acc_1/equity").json
    # then
    assert curve["currency"] == "EUR"
    assert [(one["day"], one["equity"], one["balance"]) for one in curve["days"]] == [
        ("2026-02-01", "101", None),
        ("2026-02-03", "103", None),
    ]
    part = world.get("/trading-accounts/acc_1/equity", query={"from": date(2026, 2, 2).isoformat()}).json
    assert [one["day"] for one in part["days"]] == ["2026-02-03"]


def test_trades_of_a_time_and_a_symbol(world: ApiWorld) -> None:
    traded(world)
    path = "/trading-accounts/acc_1/trades"
    found = world.get(path, query={"from": "2026-02-02T00:00:00+00:00", "symbol": "=XYZ"}).json["trades"]
    assert [trade["source_trade_id"] for trade in found] == ["t21", "t20"]
    answer = world.get(path, query={"from": "2026-02-02T00:00:00"})
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "from")


def test_a_run_with_the_answers_that_it_stored(world: ApiWorld) -> None:
    world.add()
    world.runs.put(a_run("run_1"), 30)
    answer = world.get("/trading-accounts/acc_1/sync-runs/run_1")
    assert answer.json["snapshots"] == [{"snapshot_id": "run_1/0001", "retention": "long"}]
    assert world.get("/trading-accounts/acc_1/sync-runs/run_2").status == 404


# --- files ----------------------------------------------------------------------------------------------------------


def rows(world: ApiWorld, **body: str) -> tuple[dict, list[dict[str, str]]]:
    """An export, and what is in its file."""
    told = world.post("/trading-accounts/acc_1/exports", body=body).json
    content = world.exports.files[told["export_id"]].decode("utf-8-sig")
    return told, list(csv.DictReader(io.StringIO(content)))


def test_a_file_of_trades_is_exact_and_computes_nothing(world: ApiWorld) -> None:
    # given trades, one of a symbol that a spreadsheet would take for a formula
    traded(world)
    # when
    told, found = rows(world, what="trades")
    # then
    assert told["file_name"] == "acme-trades-2026-03-02.csv"
    assert told["rows"] == len(found) == 4
    assert [row["source_trade_id"] for row in found] == ["t10", "t11", "t20", "t21"]
    assert (found[0]["price"], found[1]["price"], found[0]["fees"]) == ("10", "12.5", "0.1")
    assert found[0]["executed_at"] == "2026-02-01T23:30:00Z"
    assert found[2]["symbol"] == "'=XYZ"


def test_a_file_of_round_trips_of_one_symbol(world: ApiWorld) -> None:
    traded(world)
    _, found = rows(world, what="round_trips", symbol="ABC")
    assert [(row["direction"], row["gross_pnl"], row["net_pnl"]) for row in found] == [("long", "5", "4.8")]


def test_a_file_of_nothing_has_its_columns(world: ApiWorld) -> None:
    world.add()
    told = world.post("/trading-accounts/acc_1/exports", body={"what": "trades"}).json
    assert told["rows"] == 0
    assert world.exports.files[told["export_id"]].startswith(b"\xef\xbb\xbfsource_trade_id,executed_at")


def test_a_file_that_would_be_too_large_is_refused_and_not_cut(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    traded(world)
    monkeypatch.setattr(export, "MOST_ROWS", 3)
    answer = world.post("/trading-accounts/acc_1/exports", body={"what": "trades"})
    assert (answer.status, answer.json["code"]) == (422, "export_too_large")
    assert world.exports.files == {}
    assert rows(world, what="trades", symbol="ABC")[0]["rows"] == 2
