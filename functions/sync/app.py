"""SQS jobs -> lease -> fetch -> raw snapshot -> trades -> cursor -> run row."""

# ruff: noqa: E402 (nothing is imported before the collector is off)

import gc

gc.disable()  # imports leave no garbage worth looking for, and looking takes a tenth of a cold start

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from brokersync import telemetry
from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.breakers import DynamoBreakers
from brokersync.aws.bus import EventBridgeBus
from brokersync.aws.connections import DynamoConnections
from brokersync.aws.erasing import DynamoErasing
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.known_trades import DynamoKnownTrades
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.limits import DynamoLimitLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.session import AwsSession
from brokersync.aws.snapshots import S3Snapshots
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.brokers.http import HttpxBrokers
from brokersync.contracts.jobs import SyncJob
from brokersync.contracts.triggers import BatchAnswer, BatchItemFailure, QueueBatch
from brokersync.ports.world import Clock
from brokersync.run_metrics import emit_batch
from brokersync.runtime import LambdaContext, LambdaDeadline, RandomIds, SystemClock
from brokersync.services.breakers import Breakers
from brokersync.services.open_broker import SyncPorts
from brokersync.services.shared_limits import SharedLimits
from brokersync.services.store_chunk import ChunkStores
from brokersync.services.sync_batch import JobMessage, SyncBatch
from brokersync.services.sync_feed import SyncFeed
from brokersync.settings import SyncSettings, load

THREADS = 10  # one per message of a full batch

logger = telemetry.make_logger("sync")


@contextmanager
def log_keys(job: SyncJob) -> Iterator[None]:
    """Every line that is written while a job runs names the job; threads don't see each other's."""
    logger.thread_safe_append_keys(job_id=job.job_id, feed_id=job.feed_id)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()


def build(settings: SyncSettings, session: AwsSession, clock: Clock) -> SyncBatch:
    """Wire the services to AWS and the brokers."""
    catalog = BrokerCatalog()
    ports = SyncPorts(
        stores=ChunkStores(
            feeds=DynamoFeeds(session),
            accounts=DynamoAccounts(session),
            portfolios=DynamoPortfolios(session),
            ledger=DynamoLedger(session),
            known=DynamoKnownTrades(session),
        ),
        runs=DynamoRuns(session),
        snapshots=S3Snapshots(session, settings.snapshot_bucket, manifests=catalog, clock=clock),
        connections=DynamoConnections(session, settings.kms_key_id, clock=clock),
        erasing=DynamoErasing(session, settings.snapshot_bucket),
        catalog=catalog,
        breakers=Breakers(DynamoBreakers(session), clock),
        http=HttpxBrokers(shared_permits=SharedLimits(DynamoLimitLedger(session)), clock=clock),
        queue=SqsSyncQueue(session, settings.sync_queue_url, settings.backfill_queue_url),
        bus=EventBridgeBus(session, settings.event_bus_name),
        clock=clock,
        ids=RandomIds(),
        broker_endpoints=settings.broker_endpoints,
    )
    return SyncBatch(SyncFeed(ports), ThreadPoolExecutor(THREADS), log_keys)


settings = load(SyncSettings)
service = build(settings, AwsSession(table_prefix=settings.table_prefix), SystemClock())
gc.freeze()  # what stands now stands until the process ends
gc.enable()


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    """A batch of job messages. Raises pydantic's ValidationError for an event that is no queue's."""
    messages = [
        JobMessage(message_id=record.message_id, body=record.body, received=record.attributes.received)
        for record in QueueBatch.model_validate(event).records
    ]
    report = service.run(messages, LambdaDeadline(context))
    emit_batch(report)
    failures = [BatchItemFailure(item_identifier=message_id) for message_id in report.failed_message_ids]
    return BatchAnswer(batch_item_failures=failures).model_dump(by_alias=True)
