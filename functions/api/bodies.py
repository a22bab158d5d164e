"""From what the services return to the bodies that the API answers with."""

from collections.abc import Sequence

from brokersync.contracts import http
from brokersync.domain.errors import NEXT_STEPS
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import Execution, StoredEntry
from brokersync.ports.reading import CurrentPortfolio
from brokersync.services.read_connections import ConnectionState
from brokersync.services.read_runs import RunsPage
from brokersync.services.read_status import AccountState, Overview
from brokersync.services.read_trades import TradesPage

from . import paging


def accounts(overview: Overview) -> http.Accounts:
    """A user's accounts with their status."""
    return http.Accounts(
        overall=http.Overall(status=overview.worst, last_successful_sync_at=overview.last_successful_sync_at),
        accounts=tuple(account(state) for state in overview.accounts),
    )


def account(state: AccountState) -> http.Account:
    """One account with its status."""
    own = state.own.account
    return http.Account(
        account_id=own.account_id,
        broker=own.broker,
        broker_name=state.broker_name,
        masked_number=own.masked_number,
        name=own.name,
        currency=own.currency,
        sync=sync_status(state),
    )


def sync_status(state: AccountState) -> http.SyncStatus:
    """How the sync of an account stands."""
    feed, status = state.own.feed, state.status
    return http.SyncStatus(
        status=status.status,
        badge=status.badge,
        action=status.action,
        last_attempted_sync_at=status.last_attempted_sync_at,
        last_successful_sync_at=status.last_successful_sync_at,
        next_sync_at=status.next_sync_at,
        retry_at=status.retry_at,
        job_id=status.job_id,
        sync_enabled=feed.sync_enabled,
        interval_min=feed.interval_min,
        coverage=http.Coverage(start=feed.coverage.start, end=feed.coverage.end, holes=len(feed.coverage.holes)),
        news_note=state.news_note,
        error=http.SyncError(code=status.error_code, message=status.error_message, next_step=status.next_step)
        if status.error_code
        else None,
    )


def connection(state: ConnectionState) -> http.Connection:
    """One connection."""
    known, receipt, error = state.record.connection, state.record.receipt, state.error
    return http.Connection(
        connection_id=known.connection_id,
        broker=known.broker,
        environment=known.environment,
        status=state.status,
        error=http.SyncError(code=error.code, message=error.message, next_step=error.next_step) if error else None,
        accounts=tuple(account(one) for one in state.accounts),
        erasure=http.ErasureReceipt.model_validate(receipt) if receipt else None,
    )


def connections(states: Sequence[ConnectionState]) -> http.Connections:
    """A user's connections."""
    return http.Connections(connections=tuple(connection(state) for state in states))


def sync_runs(page: RunsPage) -> http.SyncRuns:
    """A page of the sync log."""
    return http.SyncRuns(
        sync_runs=tuple(_sync_run(run) for run in page.runs), next_cursor=paging.encode("runs", page.next_before)
    )


def _sync_run(run: SyncRun) -> http.SyncRun:
    return http.SyncRun(
        run_id=run.run_id,
        job_id=run.job_id,
        requested_by=run.requested_by,
        started_at=run.started_at,
        finished_at=run.finished_at,
        outcome=run.outcome,
        error=http.SyncError(code=run.error_code, message=run.safe_message, next_step=NEXT_STEPS[run.error_code])
        if run.error_code
        else None,
        stats=http.RunStats.model_validate(run.stats),
        sections=run.sections,
    )


def trades(page: TradesPage) -> http.Trades:
    """A page of trades."""
    return http.Trades(
        trades=tuple(_trade(stored) for stored in page.trades), next_cursor=paging.encode("trades", page.next_before)
    )


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


def portfolio(account_id: str, current: CurrentPortfolio) -> http.Portfolio:
    """What an account holds now."""
    return http.Portfolio(
        account_id=account_id,
        balance=http.Balance.model_validate(current.balance) if current.balance else None,
        positions=http.Positions.model_validate(current.positions) if current.positions else None,
    )
