"""HTTP API -> who asks -> the account's status, trades, runs; a sync now -> SQS."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from brokersync import telemetry
from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.connections import DynamoConnectionRecords, DynamoConnectionWriter
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.session import AwsSession
from brokersync.aws.users import DynamoUsers
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.runtime import RandomIds, SystemClock
from brokersync.services.connecting import Connecting
from brokersync.services.list_brokers import ListBrokers
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.own_connections import OwnConnections
from brokersync.services.read_connections import ReadConnections
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_runs import ReadRuns
from brokersync.services.read_status import ReadStatus
from brokersync.services.read_trades import ReadTrades
from brokersync.services.request_sync import RequestSync
from brokersync.settings import ApiSettings, load

from .page import SignIn
from .resolver import Services, create_app

logger = telemetry.make_logger("api")


def build(settings: ApiSettings) -> APIGatewayHttpResolver:
    """Wire the services to AWS."""
    session, clock, catalog = AwsSession(table_prefix=settings.table_prefix), SystemClock(), BrokerCatalog()
    feeds = DynamoFeeds(session)
    accounts, records = DynamoAccounts(session), DynamoConnectionRecords(session)
    own = OwnAccounts(accounts, feeds)
    queue = SqsSyncQueue(session, settings.sync_queue_url, settings.backfill_queue_url)
    read_status = ReadStatus(own, catalog, clock)
    services = Services(
        read_status=read_status,
        read_portfolio=ReadPortfolio(own, DynamoPortfolios(session)),
        read_runs=ReadRuns(own, DynamoRuns(session)),
        read_trades=ReadTrades(own, DynamoLedger(session)),
        request_sync=RequestSync(own, feeds, queue, RandomIds(), clock),
        list_brokers=ListBrokers(catalog.slugs(), catalog),
        connecting=Connecting(
            connections=DynamoConnectionWriter(session, settings.kms_key_id, manifests=catalog),
            records=records,
            feeds=feeds,
            accounts=accounts,
            queue=queue,
            manifests=catalog,
            plans=DynamoUsers(session),
            clock=clock,
            ids=RandomIds(),
        ),
        read_connections=ReadConnections(OwnConnections(records, feeds), read_status),
    )
    sign_in = SignIn(
        issuer=settings.sign_in_issuer,
        client_id=settings.sign_in_client_id,
        scope=settings.sign_in_scope,
        origins=tuple(settings.sign_in_origins.split()),
    )
    return create_app(services, settings.stage, sign_in, logger)


app = build(load(ApiSettings))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """Answer one request (payload 2.0)."""
    return app.resolve(event, context)
