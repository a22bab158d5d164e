"""What AWS charges, as data, and the bill of a sync.

us-east-1, on demand, first tier, without free tiers. Not in a bill, because they don't grow with the number of syncs:
storage, custom metrics, keys, alarms, the dispatcher's one invocation a minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million of a thing, and where and when that was read."""

    usd_per_million: float
    source: str


PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "dynamodb_write_unit": Price(0.625, "airbyte.com, DynamoDB pricing, July 2025"),
        "dynamodb_read_unit": Price(0.125, "airbyte.com, DynamoDB pricing, July 2025"),
        "s3_put": Price(5.0, "c3x.dev, S3 request fees (tier 1: PUT, COPY, POST, LIST), 2026"),
        "s3_get": Price(0.4, "c3x.dev, S3 request fees (tier 2: GET, HEAD), 2026"),
        "kms_request": Price(3.0, "factualminds.com, KMS pricing, June 2026"),
        "event": Price(1.0, "cloudburn.io, EventBridge pricing (custom events), March 2026"),
        # With a MessageGroupId a standard queue is a fair queue, which costs 0.10 more than the 0.40 of others.
        "sqs_request": Price(0.5, "cloudburn.io, SQS pricing (standard 0.40, fair queue + 0.10), March 2026"),
        "lambda_request": Price(0.2, "cloudchipr.com, Lambda pricing, 2024"),
        "lambda_gb_second": Price(13.3334, "cloudchipr.com, Lambda pricing (arm64), 2024"),
        "log_kilobyte": Price(0.5, "c3x.dev, CloudWatch Logs ($0.50 per GB taken in), June 2026"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a bill assumes and no request shows.

    `batch`: jobs per invocation, and so per request to the queue: one to send the dispatcher's messages, and for each
    delivery one to receive and one to delete.
    `memory_mb`: the function's, which also is its share of a processor (1769 MB is a whole one). Latencies are of one
    request. `platform_log_bytes`: what Lambda itself writes per invocation (start and report, as JSON).
    """

    batch: int
    memory_mb: int
    broker_seconds: float = 0.100
    aws_seconds: float = 0.005
    platform_log_bytes: int = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one sync did, counted and measured. It took several deliveries where it had to come back for an answer."""

    deliveries: int
    wru: float
    rru: float
    s3_puts: int
    s3_gets: int
    kms_requests: int
    events: int
    sqs_requests: int
    aws_requests: int
    broker_requests: int
    cpu_seconds: float
    log_bytes: int


def duration(work: Work, around: Surroundings) -> float:
    """Seconds that the invocations of `batch` such syncs take: they wait side by side and calculate one by one."""
    waiting = work.broker_requests * around.broker_seconds + work.aws_requests * around.aws_seconds
    processors = around.memory_mb / 1769
    return waiting + around.batch * work.cpu_seconds / processors


def bill(work: Work, around: Surroundings) -> dict[str, float]:
    """Dollars per million of such syncs, by what is charged."""
    gb_seconds = around.memory_mb / 1024 * ceil(duration(work, around) * 1000) / 1000
    units = {
        "dynamodb_write_unit": work.wru,
        "dynamodb_read_unit": work.rru,
        "s3_put": work.s3_puts,
        "s3_get": work.s3_gets,
        "kms_request": work.kms_requests,
        "event": work.events,
        "sqs_request": work.sqs_requests + (1 + 2 * work.deliveries) / around.batch,
        "lambda_request": work.deliveries / around.batch,
        "lambda_gb_second": gb_seconds / around.batch,
        "log_kilobyte": (work.log_bytes + around.platform_log_bytes * work.deliveries / around.batch) / 1000,
    }
    return {name: count * PRICES[name].usd_per_million for name, count in units.items()}
