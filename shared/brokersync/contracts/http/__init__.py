"""Bodies of the HTTP API, by subject. Amounts are decimal text, times ISO 8601 in UTC, names those of the tables."""

from brokersync.contracts.http.accounts import Account, Accounts, Coverage, Overall, SyncError, SyncStatus
from brokersync.contracts.http.base import Amount, Body, Instant
from brokersync.contracts.http.connections import (
    Connection,
    ConnectionAccepted,
    Connections,
    ErasureReceipt,
    NewConnection,
    NewCredentials,
)
from brokersync.contracts.http.portfolio import Balance, Portfolio, Position, Positions
from brokersync.contracts.http.problems import FieldProblem, Problem
from brokersync.contracts.http.service import Health
from brokersync.contracts.http.syncs import RunStats, SyncAccepted, SyncRun, SyncRuns
from brokersync.contracts.http.trades import Trade, Trades

__all__ = [
    "Account",
    "Accounts",
    "Amount",
    "Balance",
    "Body",
    "Connection",
    "ConnectionAccepted",
    "Connections",
    "Coverage",
    "ErasureReceipt",
    "FieldProblem",
    "Health",
    "Instant",
    "NewConnection",
    "NewCredentials",
    "Overall",
    "Portfolio",
    "Position",
    "Positions",
    "Problem",
    "RunStats",
    "SyncAccepted",
    "SyncError",
    "SyncRun",
    "SyncRuns",
    "SyncStatus",
    "Trade",
    "Trades",
]
