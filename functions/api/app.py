"""HTTP API -> who asks -> the account's status, trades, runs; a sync now -> SQS."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from brokersync import telemetry
from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.session import AwsSession
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.runtime import RandomIds, SystemClock
from brokersync.services.list_brokers import ListBrokers
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_runs import ReadRuns
from brokersync.services.read_status import ReadStatus
from brokersync.services.read_trades import ReadTrades
from brokersync.services.request_sync import RequestSync
from brokersync.settings import ApiSettings, load

from .resolver import Services, create_app

logger = telemetry.make_logger("api")


def build(settings: ApiSettings) -> APIGatewayHttpResolver:
    """Wire the services to AWS."""
    session, clock, catalog = AwsSession(table_prefix=settings.table_prefix), SystemClock(), BrokerCatalog()
    feeds = DynamoFeeds(session)
    own = OwnAccounts(DynamoAccounts(session), feeds)
    queue = SqsSyncQueue(session, settings.sync_queue_url, settings.backfill_queue_url)
    services = Services(
        read_status=ReadStatus(own, catalog, clock),
        read_portfolio=ReadPortfolio(own, DynamoPortfolios(session)),
        read_runs=ReadRuns(own, DynamoRuns(session)),
        read_trades=ReadTrades(own, DynamoLedger(session)),
        request_sync=RequestSync(own, feeds, queue, RandomIds(), clock),
        list_brokers=ListBrokers(catalog.slugs(), catalog),
    )
    return create_app(services, settings.stage, logger)


app = build(load(ApiSettings))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """Answer one request (payload 2.0)."""
    return app.resolve(event, context)
