"""From what the services return to the bodies that the API answers with."""

from collections.abc import Sequence

from brokersync.contracts import http
from brokersync.contracts.snapshots import Retention
from brokersync.domain import messages
from brokersync.domain.errors import ErrorCode
from brokersync.domain.messages import Locale
from brokersync.domain.round_trips import PnlDay
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import Execution, StoredEntry
from brokersync.ports.reading import CurrentPortfolio
from brokersync.services.manual_syncs import LimitUsage
from brokersync.services.read_connections import ConnectionState
from brokersync.services.read_equity import EquityCurve
from brokersync.services.read_round_trips import RoundTripsPage
from brokersync.services.read_runs import RunsPage
from brokersync.services.read_status import AccountState, Overview
from brokersync.services.read_trades import TradesPage

from . import paging


def accounts(overview: Overview, locale: Locale) -> http.Accounts:
    """A user's accounts with their status."""
    return http.Accounts(
        overall=http.Overall(status=overview.worst, last_successful_sync_at=overview.last_successful_sync_at),
        accounts=tuple(account(state, locale) for state in overview.accounts),
    )


def summary(overview: Overview, locale: Locale) -> http.SyncSummary:
    """All of a user's accounts together."""
    worst = overview.worst_account
    return http.SyncSummary(
        status=overview.worst,
        badge=messages.badge(worst.status, locale) if worst else "",
        action=worst.status.action if worst else "",
        accounts=len(overview.accounts),
        counts=overview.counts,
        last_attempted_sync_at=overview.last_attempted_sync_at,
        last_successful_sync_at=overview.last_successful_sync_at,
        next_sync_at=overview.next_sync_at,
    )


def account(state: AccountState, locale: Locale) -> http.Account:
    """One account with its status."""
    own = state.own.account
    return http.Account(
        account_id=own.account_id,
        connection_id=own.connection_id,
        broker=own.broker,
        broker_name=state.broker_name,
        environment=own.environment,
        masked_number=own.masked_number,
        name=own.display_name or own.name,
        display_name=own.display_name,
        currency=own.currency,
        sync=sync_status(state, locale),
    )


def sync_status(state: AccountState, locale: Locale) -> http.SyncStatus:
    """How the sync of an account stands."""
    feed, status = state.own.feed, state.status
    return http.SyncStatus(
        status=status.status,
        badge=messages.badge(status, locale),
        action=status.action,
        last_attempted_sync_at=status.last_attempted_sync_at,
        last_successful_sync_at=status.last_successful_sync_at,
        next_sync_at=status.next_sync_at,
        retry_at=status.retry_at,
        job_id=status.job_id,
        sync_enabled=feed.sync_enabled,
        interval_min=feed.interval_min,
        chosen_interval_min=feed.chosen_min,
        min_interval_min=state.min_interval_min,
        coverage=http.Coverage.model_validate(feed.coverage.of(state.own.account.account_id)),
        load=http.Load.model_validate(feed.load) if feed.load else None,
        news_note=state.news_note,
        error=_error(status.error_code, status.error_message, locale),
    )


def _error(code: ErrorCode | None, safe_message: str, locale: Locale) -> http.SyncError | None:
    if code is None:
        return None
    told = messages.error(code, safe_message, locale)
    return http.SyncError(code=code, message=told.message, detail=told.detail, next_step=told.next_step)


def connection(state: ConnectionState, locale: Locale) -> http.Connection:
    """One connection."""
    known, receipt, error = state.record.connection, state.record.receipt, state.error
    return http.Connection(
        connection_id=known.connection_id,
        broker=known.broker,
        environment=known.environment,
        status=state.status,
        error=_error(error.code, error.message, locale) if error else None,
        accounts=tuple(account(one, locale) for one in state.accounts),
        erasure=http.ErasureReceipt.model_validate(receipt) if receipt else None,
    )


def connections(states: Sequence[ConnectionState], locale: Locale) -> http.Connections:
    """A user's connections."""
    return http.Connections(connections=tuple(connection(state, locale) for state in states))


def sync_runs(page: RunsPage, locale: Locale) -> http.SyncRuns:
    """A page of the sync log."""
    return http.SyncRuns(
        sync_runs=tuple(_sync_run(run, locale) for run in page.runs),
        next_cursor=paging.encode("runs", page.next_before),
    )


def sync_run(run: SyncRun, locale: Locale) -> http.SyncRunDetail:
    """One run with its snapshots, by what their keys say: `snapshots/{retention}/{feed_id}/{run_id}/{seq}.json.gz`."""
    parts = [key.split("/") for key in run.snapshot_keys]
    snapshots = [
        http.SnapshotRef(snapshot_id=f"{run_id}/{name.partition('.')[0]}", retention=Retention(retention))
        for _, retention, _, run_id, name in parts
    ]
    return http.SyncRunDetail(**dict(_sync_run(run, locale)), snapshots=tuple(snapshots))


def _sync_run(run: SyncRun, locale: Locale) -> http.SyncRun:
    return http.SyncRun(
        run_id=run.run_id,
        job_id=run.job_id,
        requested_by=run.requested_by,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outcome=run.outcome,
        error=_error(run.error_code, run.safe_message, locale),
        stats=http.RunStats.model_validate(run.stats),
        sections=run.sections,
    )


def trades(page: TradesPage) -> http.Trades:
    """A page of trades."""
    return http.Trades(
        trades=tuple(_trade(stored) for stored in page.trades), next_cursor=paging.encode("trades", page.next_before)
    )


def trade_versions(versions: Sequence[StoredEntry]) -> http.TradeVersions:
    """All versions of a trade."""
    return http.TradeVersions(versions=tuple(_trade(stored) for stored in versions))


def _trade(stored: StoredEntry) -> http.Trade:
    trade = stored.entry
    if not isinstance(trade, Execution):
        raise TypeError(f"{stored.account_id}: a {type(trade).__name__} among the trades")
    return http.Trade(
        account_id=stored.account_id,
        source_trade_id=trade.source_trade_id,
        kind=trade.kind,
        symbol=trade.symbol,
        asset_class=trade.asset_class,
        side=trade.side,
        quantity=trade.quantity,
        price=trade.price,
        multiplier=trade.multiplier,
        currency=trade.currency,
        fees=trade.fees,
        fee_currency=trade.fee_currency,
        realised_pnl=trade.realised_pnl,
        pnl_currency=trade.currency if trade.pnl_currency is None else trade.pnl_currency,
        effect=trade.effect,
        executed_at=trade.executed_at,
        executed_at_raw=trade.executed_at.raw,
        executed_at_zone=trade.executed_at.zone,
        order_id=trade.order_id,
        position_id=trade.position_id,
        trade_ref=trade.trade_ref,
        cancels_trade_id=trade.cancels_trade_id,
        cancelled_by=stored.cancelled_by,
        reason=trade.reason,
        contract=trade.contract,
        version=stored.version,
        version_reason=stored.version_reason,
        run_id=stored.origin.run_id,
    )


def round_trips(page: RoundTripsPage) -> http.RoundTrips:
    """A page of round trips."""
    return http.RoundTrips(
        round_trips=tuple(http.RoundTrip.model_validate(trip) for trip in page.round_trips),
        next_cursor=paging.encode("round-trips", page.next_before),
    )


def realised_pnl(days: Sequence[PnlDay]) -> http.RealisedPnl:
    """Realised P&L by day."""
    return http.RealisedPnl(
        days=tuple(http.PnlDay.model_validate(day) for day in days), unknown_pnl=sum(day.unknown for day in days)
    )


def equity(curve: EquityCurve) -> http.Equity:
    """Daily figures."""
    return http.Equity(
        currency=curve.currency,
        days=tuple(
            http.EquityDay(day=end.day, as_of=end.balance.as_of, balance=end.balance.balance, equity=end.balance.equity)
            for end in curve.days
        ),
    )


def limit(usage: LimitUsage) -> http.Limit:
    """A limit of a plan."""
    return http.Limit.model_validate(usage)


def portfolio(account_id: str, current: CurrentPortfolio) -> http.Portfolio:
    """What an account holds now."""
    return http.Portfolio(
        account_id=account_id,
        balance=http.Balance.model_validate(current.balance) if current.balance else None,
        positions=http.Positions.model_validate(current.positions) if current.positions else None,
    )
