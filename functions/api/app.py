"""HTTP API -> who asks -> the account's status, trades, runs; a sync now -> SQS."""

from datetime import timedelta
from functools import cache

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from brokersync import telemetry
from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.breakers import DynamoBreakers
from brokersync.aws.connections import DynamoConnectionRecords, DynamoConnectionWriter
from brokersync.aws.exports import S3Exports
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.idempotency import idempotency_store
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.limits import DynamoLimitLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.session import AwsSession
from brokersync.aws.users import DynamoUsers
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.runtime import RandomIds, SystemClock
from brokersync.services.backfill import Backfill
from brokersync.services.change_account import ChangeAccount
from brokersync.services.connecting import Connecting
from brokersync.services.export import Export
from brokersync.services.list_brokers import ListBrokers
from brokersync.services.manual_syncs import ManualSyncs
from brokersync.services.operate import SetPlan
from brokersync.services.owe_sync import OweSync
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.own_connections import OwnConnections
from brokersync.services.read_connections import ReadConnections
from brokersync.services.read_equity import ReadEquity
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_round_trips import ReadRoundTrips
from brokersync.services.read_runs import ReadRuns
from brokersync.services.read_status import ReadStatus
from brokersync.services.read_trades import ReadTrades
from brokersync.services.request_sync import RequestSync
from brokersync.services.review import Review
from brokersync.services.schedules import Schedules
from brokersync.services.shared_limits import SharedLimits
from brokersync.settings import ApiSettings, load

from .page import SignIn
from .resolver import Services, create_app

logger = telemetry.make_logger("api")


def build(settings: ApiSettings) -> APIGatewayHttpResolver:
    """Wire the services to AWS."""
    session, catalog = AwsSession(table_prefix=settings.table_prefix), BrokerCatalog()
    clock, ids = SystemClock(), RandomIds()
    feeds, accounts, users = DynamoFeeds(session), DynamoAccounts(session), DynamoUsers(session)
    records, ledger, portfolios = DynamoConnectionRecords(session), DynamoLedger(session), DynamoPortfolios(session)
    queue = SqsSyncQueue(session, settings.sync_queue_url, settings.backfill_queue_url)
    own = OwnAccounts(accounts, feeds)
    limit = ManualSyncs(SharedLimits(DynamoLimitLedger(session), in_blocks=False, ahead=timedelta(0)), clock)
    read_status = ReadStatus(own, catalog, clock)
    read_round_trips = ReadRoundTrips(own, ledger)
    owe = OweSync(feeds, queue, ids, clock)
    request_sync = RequestSync(own, owe, limit, clock)
    services = Services(
        read_status=read_status,
        read_portfolio=ReadPortfolio(own, portfolios),
        read_equity=ReadEquity(own, portfolios),
        read_runs=ReadRuns(own, DynamoRuns(session)),
        read_trades=ReadTrades(own, ledger),
        read_round_trips=read_round_trips,
        export=Export(own, ledger, read_round_trips, S3Exports(session, settings.export_bucket, clock), ids, clock),
        request_sync=request_sync,
        review=Review(own, feeds, request_sync, owe, clock),
        backfill=Backfill(own, feeds, owe, catalog, ids, clock),
        change_account=ChangeAccount(own, Schedules(feeds, catalog), accounts),
        list_brokers=ListBrokers(catalog.slugs(), catalog, DynamoBreakers(session), clock),
        connecting=Connecting(
            connections=DynamoConnectionWriter(session, settings.kms_key_id, manifests=catalog),
            records=records,
            feeds=feeds,
            accounts=accounts,
            queue=queue,
            manifests=catalog,
            plans=users,
            clock=clock,
            ids=ids,
        ),
        read_connections=ReadConnections(OwnConnections(records, feeds), read_status),
        users=users,
        manual_syncs=limit,
        set_plan=SetPlan(users, feeds, catalog),
        repeats=cache(lambda: idempotency_store(session)),
        clock=clock,
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
