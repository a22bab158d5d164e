"""Schedule -> one sync job per due feed -> SQS."""

import random

from brokersync import telemetry
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.scheduler import DynamoScheduler
from brokersync.aws.session import AwsSession
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.contracts.triggers import Tick
from brokersync.runtime import LambdaContext, LambdaDeadline, RandomIds, SystemClock
from brokersync.services.dispatch_due import DispatchDue
from brokersync.settings import DispatcherSettings, load
from brokersync.telemetry import Metric

logger = telemetry.make_logger("dispatcher")


def build(settings: DispatcherSettings) -> DispatchDue:
    """Wire the service to AWS."""
    session, catalog = AwsSession(table_prefix=settings.table_prefix), BrokerCatalog()
    manifests = [catalog.manifest(slug) for slug in catalog.slugs()]
    return DispatchDue(
        scheduler=DynamoScheduler(session),
        feeds=DynamoFeeds(session),
        queue=SqsSyncQueue(session, settings.sync_queue_url, settings.backfill_queue_url),
        sessions={one.slug: one.session for one in manifests if one.session is not None},
        clock=SystemClock(),
        ids=RandomIds(),
        rng=random.Random(),  # noqa: S311 (spreads load, hides nothing)
    )


service = build(load(DispatcherSettings))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, int]:
    """One tick. Raises pydantic's ValidationError for an event that is no schedule's."""
    Tick.model_validate(event)
    report = service.run(LambdaDeadline(context))
    values = {
        Metric.FEEDS_DUE: [report.due],
        Metric.FEEDS_QUEUED: [report.queued],
        Metric.TICKS_BEHIND: [report.behind],
    }
    telemetry.emit("dispatcher", {}, values)
    return {"due": report.due, "queued": report.queued, "behind": report.behind}
