"""Bodies of the HTTP API, by subject. Amounts are decimal text, times ISO 8601 in UTC, names those of the tables."""

from brokersync.contracts.http.accounts import Account, Accounts, Coverage, Load, Overall, SyncError, SyncStatus
from brokersync.contracts.http.base import Amount, Body, Instant
from brokersync.contracts.http.chosen import (
    AccountChange,
    FeedTerms,
    Limit,
    Me,
    MeChange,
    PlanChange,
    PlanTerms,
    UserPlan,
)
from brokersync.contracts.http.connections import (
    Connection,
    ConnectionAccepted,
    Connections,
    ErasureReceipt,
    NewConnection,
    NewCredentials,
)
from brokersync.contracts.http.exports import Export, ExportRequest
from brokersync.contracts.http.history import (
    BackfillAccepted,
    BackfillCancelled,
    BackfillRequest,
    TradeVersions,
)
from brokersync.contracts.http.portfolio import Balance, Equity, EquityDay, Portfolio, Position, Positions
from brokersync.contracts.http.problems import FieldProblem, Problem
from brokersync.contracts.http.round_trips import PnlDay, RealisedPnl, RoundTrip, RoundTrips
from brokersync.contracts.http.service import Health
from brokersync.contracts.http.syncs import (
    AccountSync,
    ReviewRequest,
    RunStats,
    SnapshotRef,
    SyncAccepted,
    SyncRequest,
    SyncRun,
    SyncRunDetail,
    SyncRuns,
    SyncsAccepted,
    SyncSummary,
)
from brokersync.contracts.http.trades import Trade, Trades

__all__ = [
    "Account",
    "AccountChange",
    "AccountSync",
    "Accounts",
    "Amount",
    "BackfillAccepted",
    "BackfillCancelled",
    "BackfillRequest",
    "Balance",
    "Body",
    "Connection",
    "ConnectionAccepted",
    "Connections",
    "Coverage",
    "Equity",
    "EquityDay",
    "ErasureReceipt",
    "Export",
    "ExportRequest",
    "FeedTerms",
    "FieldProblem",
    "Health",
    "Instant",
    "Limit",
    "Load",
    "Me",
    "MeChange",
    "NewConnection",
    "NewCredentials",
    "Overall",
    "PlanChange",
    "PlanTerms",
    "PnlDay",
    "Portfolio",
    "Position",
    "Positions",
    "Problem",
    "RealisedPnl",
    "ReviewRequest",
    "RoundTrip",
    "RoundTrips",
    "RunStats",
    "SnapshotRef",
    "SyncAccepted",
    "SyncError",
    "SyncRequest",
    "SyncRun",
    "SyncRunDetail",
    "SyncRuns",
    "SyncStatus",
    "SyncSummary",
    "SyncsAccepted",
    "Trade",
    "TradeVersions",
    "Trades",
    "UserPlan",
]
