"""A broker's four syncs: what each asks of AWS and of the broker, and what it costs the process.

Each is done once for real, against the laptop's AWS and with everything counted, and then over and over against a null
AWS that gives the same answers.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from brokersync.contracts.jobs import SyncJob
from tests.bench.brokers import NEW_TRADES, TRADES, Broker
from tests.bench.counting import CountingProxy, Recording
from tests.bench.deliveries import Run, connect_job, event, runs_in, scheduled_job
from tests.bench.null_aws import NullAws
from tests.bench.prices import Work
from tests.bench.processes import Child

PUTS = 100  # per round
PATIENCE_SECONDS = 60.0

Expectation = Callable[[Run], bool]


class BenchError(Exception):
    """A sync did not do what it was measured for; says what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a job costs the process. `alone` and `put` are CPU seconds, of a job alone and of a botocore put.

    `share` and `log_bytes` are a job's part of a full invocation.
    """

    alone: float
    share: float
    log_bytes: float
    puts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One kind of sync. Where a broker makes us come back, it takes several deliveries, which are added up."""

    recordings: Sequence[Recording]
    work: Work
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Who takes part: a sync function on the counted AWS, and another one on the null AWS."""

    proxy: CountingProxy
    counted: Child
    null: NullAws
    measured: Child


class Scenarios:
    """Plays them on one feed, in the order they stand here."""

    def __init__(self, workshop: Workshop, broker: Broker, feed_id: str, batch: int) -> None:
        self._shop = workshop
        self._broker = broker
        self._feed_id = feed_id
        self._batch = batch if broker.fits_a_batch else 1

    def initial_load(self, job_id: str) -> Measured:
        """The first sync of a connection: TRADES executions and what comes with them, one job to an invocation."""
        job = connect_job(self._feed_id, job_id)
        return self._measured(job, 1, lambda run: _trades(run) == TRADES)

    def nochange(self) -> Measured:
        """A scheduled sync to which the broker says what it said before."""
        return self._scheduled(lambda run: set(run.sections.values()) == {"unchanged"})

    def figures_only(self) -> Measured:
        """A scheduled sync in which prices moved, and so balance and positions."""
        self._broker.move_prices()
        return self._scheduled(lambda run: not run.stats["inserted"] and "stored" in run.sections.values())

    def new5(self) -> Measured:
        """A scheduled sync that finds NEW_TRADES new executions."""
        self._broker.trade()
        return self._scheduled(lambda run: _trades(run) == NEW_TRADES)

    def _scheduled(self, expected: Expectation) -> Measured:
        return self._measured(scheduled_job(self._feed_id), self._batch, expected)

    def _measured(self, job: SyncJob, batch: int, expected: Expectation) -> Measured:
        """Deliver the job until nothing more is owed."""
        recordings, costs, requests = [], [], 0
        while True:
            recording, run = self._count(job)
            self._shop.null.teach(recording)
            recordings.append(recording)
            costs.append(self._cost(job, batch, run.outcome))
            requests += run.stats["requests"]
            if run.outcome != "deferred":
                break
        if run.outcome != "succeeded" or not expected(run):
            raise BenchError(f"{self._broker.login.broker}: this is not the sync that was to be measured: {run}")
        cost = _sum(costs)
        return Measured(recordings=recordings, work=_work(recordings, requests, cost), cost=cost)

    def _count(self, job: SyncJob) -> tuple[Recording, Run]:
        """Do it for real. A job whose time has not come yet is delivered again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with self._shop.proxy.recording() as recording:
                reply = self._shop.counted.do("sync", event=event(job), times=1)
            runs = list(runs_in(reply["log"]))
            if runs:
                return recording, runs[0]
            time.sleep(0.5)
        raise BenchError(f"{self._broker.login.broker}: the job was never run: {reply['log'][-2000:]}")

    def _cost(self, job: SyncJob, batch: int, outcome: str) -> Cost:
        """Do it again and again without AWS."""
        alone, shares, puts = [], [], []
        log_bytes = 0.0
        self._handle(job, 1, outcome)  # what was never done before may load a module or open a connection
        for _ in range(self._broker.rounds):
            put = self._shop.measured.do("puts", times=PUTS)["cpu"]
            cpu, log_bytes = self._handle(job, 1, outcome)
            alone.append(cpu)
            puts.append(cpu / put)
            shares.append(cpu)
            if batch > 1:
                shares[-1], log_bytes = self._handle(job, batch, outcome)
        median = statistics.median
        return Cost(alone=median(alone), share=median(shares), log_bytes=log_bytes, puts=median(puts))

    def _handle(self, job: SyncJob, records: int, outcome: str) -> tuple[float, float]:
        """CPU seconds and log bytes of a job in a batch of so many. Raises BenchError if one ends otherwise."""
        reply = self._shop.measured.do("sync", event=event(job, records), times=1)
        ended = [run.outcome for run in runs_in(reply["log"])]
        if ended != [outcome] * records:
            raise BenchError(f"{self._broker.login.broker}: on the null AWS runs ended {ended}: {reply['log'][-2000:]}")
        return reply["cpu"][0] / records, len(reply["log"].encode()) / records


def _trades(run: Run) -> int:
    return run.stats["inserted"] - run.stats["cash_events"]


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(
        alone=sum(one.alone for one in costs),
        share=sum(one.share for one in costs),
        log_bytes=sum(one.log_bytes for one in costs),
        puts=sum(one.puts for one in costs),
    )


def _work(recordings: Sequence[Recording], broker_requests: int, cost: Cost) -> Work:
    def count(service: str, operation: str = "") -> int:
        return sum(recording.count(service, operation) for recording in recordings)

    return Work(
        wru=sum(recording.wru for recording in recordings),
        rru=sum(recording.rru for recording in recordings),
        s3_puts=count("s3", "PutObject"),
        s3_gets=count("s3", "GetObject"),
        kms_requests=count("kms"),
        events=sum(recording.events for recording in recordings),
        sqs_requests=count("sqs"),
        aws_requests=sum(len(recording.requests) for recording in recordings),
        broker_requests=broker_requests,
        cpu_seconds=cost.share,
        log_bytes=round(cost.log_bytes),
    )
