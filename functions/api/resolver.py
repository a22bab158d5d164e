"""The app: routes over services, problem documents for every error, and nothing of a user's left in a cache."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from brokersync.services.connecting import Connecting
from brokersync.services.list_brokers import ListBrokers
from brokersync.services.read_connections import ReadConnections
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_runs import ReadRuns
from brokersync.services.read_status import ReadStatus
from brokersync.services.read_trades import ReadTrades
from brokersync.services.request_sync import RequestSync

from . import errors
from .page import PageFiles, SignIn
from .routes import accounts, brokers, connections, public, syncs, trades


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes use."""

    read_status: ReadStatus
    read_portfolio: ReadPortfolio
    read_runs: ReadRuns
    read_trades: ReadTrades
    request_sync: RequestSync
    list_brokers: ListBrokers
    connecting: Connecting
    read_connections: ReadConnections


def create_app(services: Services, stage: str, sign_in: SignIn, log: Logger) -> APIGatewayHttpResolver:
    """The API over these services; it does no I/O by itself."""
    app = APIGatewayHttpResolver(enable_validation=True, response_validation_error_http_code=500)
    app.use(middlewares=[_keep_out_of_caches])
    accounts.install(app, services.read_status, services.read_portfolio)
    syncs.install(app, services.request_sync, services.read_runs)
    trades.install(app, services.read_trades)
    connections.install(app, services.connecting, services.read_connections)
    brokers.install(app, services.list_brokers)
    public.install(app, stage, PageFiles(sign_in))
    errors.install(app, log)
    return app


def _keep_out_of_caches(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[object]:
    response: Response[object] = next_middleware(app)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
