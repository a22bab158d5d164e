"""Domain objects with everything filled in, for tests that care about one thing in them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Feed, Wanted
from brokersync.domain.plans import Plan, Schedule
from brokersync.domain.runs import Outcome, RequestedBy
from brokersync.domain.times import BrokerTime, minute_of, to_ns
from brokersync.domain.trades import (
    AssetClass,
    CashEvent,
    CashKind,
    Effect,
    Execution,
    LedgerEntry,
    Origin,
    Side,
    content_hash,
)
from brokersync.ports.feeds import Finish
from brokersync.ports.storage import NewEntry

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
TICK = minute_of(NOW)


def after(**lengths: float) -> datetime:
    return NOW + timedelta(**lengths)


def schedule(plan: Plan, interval_min: int, **changes: object) -> Schedule:
    """A schedule of nobody's choice."""
    return replace(Schedule(plan=plan, chosen_min=None, interval_min=interval_min, sync_enabled=True), **changes)


def feed(feed_id: str = "acc_1", **changes: object) -> Feed:
    made = Feed(
        feed_id=feed_id,
        user_id="user_1",
        connection_id="con_1",
        connection_version=1,
        broker="oanda",
        plan=Plan.PRO,
        interval_min=15,
        accounts={"101-004-1234567-001": feed_id},
    )
    return replace(made, **changes)


def job(tick: int | None = TICK, feed_id: str = "acc_1", by: RequestedBy = RequestedBy.SYSTEM) -> SyncJob:
    return SyncJob(job_id="job_message", feed_id=feed_id, requested_by=by, requested_at=NOW, tick=tick)


def wanted(job_id: str = "job_wanted", kind: RequestedBy = RequestedBy.MANUAL, at: datetime = NOW) -> Wanted:
    return Wanted(job_id=job_id, kind=kind, not_before=at)


def finish(**changes: object) -> Finish:
    made = Finish(
        outcome=Outcome.SUCCEEDED,
        finished_at=after(seconds=3),
        served_minute=TICK,
        wanted=None,
        runnable=True,
        succeeded_at=after(seconds=3),
    )
    return replace(made, **changes)


def at(moment: datetime, zone: str = "offset in the value") -> BrokerTime:
    return BrokerTime(ns=to_ns(moment) + 123, raw=moment.isoformat(), zone=zone)


def execution(source_trade_id: str = "7", **changes: object) -> Execution:
    made = Execution(
        broker_account_id="101-004-1234567-001",
        source_trade_id=source_trade_id,
        symbol="EUR_USD",
        asset_class=AssetClass.FOREX,
        side=Side.SELL,
        quantity=Decimal(1000),
        price=Decimal("1.084315"),
        currency="USD",
        executed_at=at(NOW),
        multiplier=Decimal(10),
        fees={"commission": Decimal("0.35"), "guarantee": Decimal("-0.01")},
        fee_currency="EUR",
        realised_pnl=Decimal("-12.3456"),
        effect=Effect.CLOSE_AND_OPEN,
        order_id="6",
        position_id="5",
        trade_ref="T7",
        reason="MARKET_ORDER",
        contract={"isin": "US0378331005"},
    )
    return replace(made, **changes)


def cash_event(source_id: str = "8", **changes: object) -> CashEvent:
    made = CashEvent(
        broker_account_id="101-004-1234567-001",
        source_id=source_id,
        kind=CashKind.FINANCING,
        amount=Decimal("-0.0231"),
        currency="USD",
        occurred_at=at(NOW),
        description="Daily financing",
    )
    return replace(made, **changes)


def new(entry: LedgerEntry, account_id: str = "acc_1", run_id: str = "run_1") -> NewEntry:
    origin = Origin(run_id=run_id, snapshot_key=f"snapshots/30d/{account_id}/{run_id}/0000.json.gz")
    return NewEntry(account_id=account_id, entry=entry, content_hash=content_hash(entry), origin=origin)
