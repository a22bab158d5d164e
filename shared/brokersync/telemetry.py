"""The one logger, and the metrics: names, and one EMF blob per set of dimensions."""

import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit


class Metric(StrEnum):
    """Every metric the code emits; dashboard and alarms name no others."""

    SYNC_OUTCOME = "SyncOutcome"
    SYNC_DURATION_MS = "SyncDurationMs"
    TRADES_STORED = "TradesStored"
    BROKER_REQUESTS = "BrokerRequests"
    RETRIES = "Retries"
    RATE_LIMITED = "RateLimited"
    AUTH_FAILURES = "AuthFailures"
    RECOVERY_SECONDS = "RecoverySeconds"
    CIRCUIT_OPEN = "CircuitOpen"
    HELD_BACK = "HeldBack"
    UNSAVED_SESSIONS = "UnsavedSessions"
    FEEDS_DUE = "FeedsDue"
    FEEDS_QUEUED = "FeedsQueued"
    TICKS_BEHIND = "TicksBehind"


UNITS = {Metric.SYNC_DURATION_MS: MetricUnit.Milliseconds, Metric.RECOVERY_SECONDS: MetricUnit.Seconds}


# Each log group is one function's. In every line this would cost as much as a quiet sync's reads.
_KNOWN_BY_LOG_GROUP = frozenset({"function_name", "function_arn", "function_memory_size"})


class _Lines(LambdaPowertoolsFormatter):
    """JSON lines without what their log group says already."""

    def append_keys(self, **additional_keys: object) -> None:
        super().append_keys(
            **{name: value for name, value in additional_keys.items() if name not in _KNOWN_BY_LOG_GROUP}
        )


def make_logger(service: str) -> Logger:
    """The function's JSON logger; lines of brokersync's own modules go through it too."""
    logger = Logger(service=service, logger_formatter=_Lines())
    logging.getLogger("brokersync")  # has to exist to be found by the next line
    copy_config_to_registered_loggers(source_logger=logger, include={"brokersync"})
    return logger


def emit(service: str, dimensions: Mapping[str, str], values: Mapping[Metric, Sequence[float]]) -> None:
    """Print one EMF blob, in the stack's own namespace (POWERTOOLS_METRICS_NAMESPACE).

    Never a dimension with unbounded values such as an account id.
    """
    blob = EphemeralMetrics(service=service)
    for name, value in dimensions.items():
        blob.add_dimension(name=name, value=value)
    for metric, numbers in values.items():
        for number in numbers:
            blob.add_metric(name=metric, unit=UNITS.get(metric, MetricUnit.Count), value=number)
    if any(values.values()):
        blob.flush_metrics()
