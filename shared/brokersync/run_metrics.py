"""What a batch of runs says in metrics: one EMF blob per outcome and one per broker."""

from collections import defaultdict

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome
from brokersync.services.sync_batch import BatchReport, is_auth_failure
from brokersync.telemetry import Metric, emit

SERVICE = "sync"


def emit_batch(report: BatchReport) -> None:
    """Emit after all threads have ended: EMF collects per process, not per thread."""
    outcomes: dict[Outcome, int] = defaultdict(int)
    # Of all brokers together, because an alarm can't watch the figures of brokers that it doesn't know.
    alarming: dict[Metric, list[float]] = defaultdict(list)
    brokers: dict[str, dict[Metric, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in report.runs:
        outcomes[one.run.outcome] += 1
        values, stats = brokers[one.broker], one.run.stats
        duration = one.run.finished_at - one.run.started_at
        values[Metric.SYNC_DURATION_MS].append(duration.total_seconds() * 1000)
        values[Metric.TRADES_STORED].append(stats.inserted + stats.corrections)
        values[Metric.BROKER_REQUESTS].append(stats.requests)
        values[Metric.RETRIES].append(stats.retries)
        values[Metric.RATE_LIMITED].append(stats.rate_limited)
        values[Metric.AUTH_FAILURES].append(is_auth_failure(one))
        if one.run.error_code is ErrorCode.CIRCUIT_OPEN:
            values[Metric.CIRCUIT_OPEN].append(1)
            alarming[Metric.HELD_BACK].append(1)
        if one.unsaved:
            alarming[Metric.UNSAVED_SESSIONS].append(1)
        if one.recovery_seconds is not None:
            values[Metric.RECOVERY_SECONDS].append(one.recovery_seconds)
    for outcome, count in outcomes.items():
        emit(SERVICE, {"outcome": outcome.value}, {Metric.SYNC_OUTCOME: [count]})
    if alarming:
        emit(SERVICE, {}, alarming)
    for broker, values in brokers.items():
        emit(SERVICE, {"broker": broker}, values)
