"""The app: routes over services, problem documents for every error, and nothing of a user's left in a cache."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from brokersync.ports.users import Users
from brokersync.ports.world import Clock
from brokersync.services.backfill import Backfill
from brokersync.services.change_account import ChangeAccount
from brokersync.services.connecting import Connecting
from brokersync.services.export import Export
from brokersync.services.list_brokers import ListBrokers
from brokersync.services.manual_syncs import ManualSyncs
from brokersync.services.operate import SetPlan
from brokersync.services.read_connections import ReadConnections
from brokersync.services.read_equity import ReadEquity
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_round_trips import ReadRoundTrips
from brokersync.services.read_runs import ReadRuns
from brokersync.services.read_status import ReadStatus
from brokersync.services.read_trades import ReadTrades
from brokersync.services.request_sync import RequestSync
from brokersync.services.review import Review

from . import errors
from .conditional import conditional
from .languages import Languages
from .page import PageFiles, SignIn
from .repeats import Repeats
from .requests import JsonResolver
from .routes import accounts, brokers, connections, history, me, public, syncs, trades

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes use."""

    read_status: ReadStatus
    read_portfolio: ReadPortfolio
    read_equity: ReadEquity
    read_runs: ReadRuns
    read_trades: ReadTrades
    read_round_trips: ReadRoundTrips
    export: Export
    request_sync: RequestSync
    review: Review
    backfill: Backfill
    change_account: ChangeAccount
    list_brokers: ListBrokers
    connecting: Connecting
    read_connections: ReadConnections
    users: Users
    manual_syncs: ManualSyncs
    set_plan: SetPlan
    repeats: "Callable[[], BasePersistenceLayer]"
    clock: Clock


def create_app(services: Services, stage: str, sign_in: SignIn, log: Logger) -> APIGatewayHttpResolver:
    """The API over these services; it does no I/O by itself."""
    app = JsonResolver(enable_validation=True, response_validation_error_http_code=500)
    app.use(middlewares=[_keep_out_of_caches, conditional])
    language, repeats = Languages(app, services.users), Repeats(services.repeats)
    accounts.install(
        app,
        services.read_status,
        services.read_portfolio,
        services.read_equity,
        services.change_account,
        language,
    )
    syncs.install(app, services.request_sync, services.review, services.read_runs, language, repeats)
    trades.install(app, services.read_trades, services.read_round_trips, services.export)
    history.install(app, services.backfill, services.read_trades, repeats)
    connections.install(app, services.connecting, services.read_connections, language, repeats)
    brokers.install(app, services.list_brokers)
    me.install(app, services.users, services.manual_syncs, services.set_plan)
    public.install(app, stage, PageFiles(sign_in))
    errors.install(app, language, services.clock, log)
    return app


def _keep_out_of_caches(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[object]:
    response: Response[object] = next_middleware(app)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
