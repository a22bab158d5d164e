"""A broker's syncs: what each kind asks of AWS and of the broker, and what it costs the process.

Each is done once for real, against the laptop's AWS and with everything counted, and then over and over against a null
AWS that gives the same answers. Between two scheduled syncs the feed's interval passes, by a moved clock: credentials
are read anew, as they are on AWS.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from brokersync.contracts.jobs import SyncJob
from tests.bench.brokers import NEW_TRADES, Broker
from tests.bench.counting import CountingProxy, Recording
from tests.bench.deliveries import Run, connect_job, event, runs_in, scheduled_job
from tests.bench.null_aws import NullAws
from tests.bench.prices import Work
from tests.bench.processes import Child

PUTS = 100  # per round
APART = timedelta(minutes=15)  # between syncs on the null AWS: the interval that most feeds have
COME_BACK = timedelta(seconds=15)  # longer than any broker of ours makes us wait for a statement
MAX_DELIVERIES = 10


class BenchError(Exception):
    """A sync did not do what it was measured for; says what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a job costs the process, in CPU seconds and bytes of log.

    `alone` is that of a job alone in its invocation, `puts` the same in botocore puts of the same process and minute.
    `share` and `log_bytes` are a job's part of a full invocation.
    """

    alone: float
    puts: float
    share: float
    log_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One kind of sync. Where a broker makes us come back it takes several deliveries, which are added up."""

    recordings: Sequence[Recording]
    run: Run
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

    def __init__(self, workshop: Workshop, broker: Broker, feed_id: str) -> None:
        self._shop = workshop
        self._broker = broker
        self._feed_id = feed_id
        self._now = broker.begins

    def initial_load(self, job_id: str) -> Measured:
        """The first sync of a connection: all that the broker has, one job to an invocation."""
        job = connect_job(self._feed_id, job_id, self._now)
        held = self._broker.executions()
        return self._measured(job, 1, 1, lambda run: run.trades == held)

    def nochange(self) -> Measured:
        """A scheduled sync to which the broker says what it said before.

        One comes before it, uncounted: a first load asks for other days than the syncs that follow.
        """
        self._now += self._broker.interval
        for _ in self._deliveries(scheduled_job(self._feed_id, self._now)):
            pass
        self._now += self._broker.interval
        return self._scheduled(lambda run: set(run.sections.values()) == {"unchanged"})

    def figures_only(self) -> Measured:
        """A scheduled sync in which prices moved, and so balance and positions."""
        self._broker.move_prices()
        self._now += self._broker.interval
        return self._scheduled(lambda run: not run.stats["inserted"] and "stored" in run.sections.values())

    def new5(self) -> Measured:
        """A scheduled sync that finds about NEW_TRADES new executions."""
        before = self._broker.executions()
        self._now += self._broker.trade()
        held = self._broker.executions() - before
        return self._scheduled(lambda run: run.trades == held <= 2 * NEW_TRADES)

    def _scheduled(self, expected: Callable[[Run], bool]) -> Measured:
        return self._measured(scheduled_job(self._feed_id, self._now), self._broker.syncs, self._broker.batch, expected)

    def _measured(self, job: SyncJob, times: int, batch: int, expected: Callable[[Run], bool]) -> Measured:
        recordings, runs, costs = [], [], []
        for recording, run in self._deliveries(job):
            self._shop.null.teach(recording)
            recordings.append(recording)
            runs.append(run)
            costs.append(self._cost(job, times, batch, run.outcome))
        if runs[-1].outcome != "succeeded" or not expected(runs[-1]):
            raise BenchError(f"{self._broker.slug}: this is not the sync that was to be measured: {runs[-1]}")
        cost = _sum(costs)
        requests = sum(run.stats["requests"] for run in runs)
        return Measured(recordings=recordings, run=runs[-1], work=_work(recordings, requests, cost), cost=cost)

    def _deliveries(self, job: SyncJob) -> Iterator[tuple[Recording, Run]]:
        """Deliver the job for real, until nothing more is owed."""
        for _ in range(MAX_DELIVERIES):
            self._set(self._shop.counted)
            with self._shop.proxy.recording() as recording:
                reply = self._shop.counted.do("sync", event=event(job))
            runs = list(runs_in(reply["log"]))
            if not runs:
                raise BenchError(f"{self._broker.slug}: the job was not run: {reply['log'][-2000:]}")
            yield recording, runs[0]
            if runs[0].outcome != "deferred":
                return
            self._now += COME_BACK
        raise BenchError(f"{self._broker.slug}: the job did not end in {MAX_DELIVERIES} deliveries: {runs[0]}")

    def _cost(self, job: SyncJob, times: int, batch: int, outcome: str) -> Cost:
        """Do the delivery over and over without AWS. Of each figure the least counts: neighbours only ever add."""
        self._set(self._shop.measured)
        self._handle(job, 1, 1, outcome)  # what was never done before may load a module or open a connection
        puts, alone, full = [], [], []
        for _ in range(self._broker.rounds):
            puts.append(self._shop.measured.do("puts", times=PUTS)["cpu"])
            alone.append(self._handle(job, 1, times, outcome))
            full.append(self._handle(job, batch, 1, outcome) if batch > 1 else alone[-1])
        (cpu, _), (share, log_bytes) = min(alone), min(full)
        return Cost(alone=cpu, puts=cpu / min(puts), share=share, log_bytes=log_bytes)

    def _handle(self, job: SyncJob, records: int, times: int, outcome: str) -> tuple[float, float]:
        """CPU seconds and log bytes of a job in a batch of so many. Raises BenchError if one ends otherwise."""
        reply = self._shop.measured.do("sync", event=event(job, records), times=times, apart=APART.total_seconds())
        jobs = records * times
        ended = [run.outcome for run in runs_in(reply["log"])]
        if ended != [outcome] * jobs:
            raise BenchError(f"{self._broker.slug}: on the null AWS runs ended {ended}: {reply['log'][-2000:]}")
        return reply["cpu"] / records, len(reply["log"].encode()) / jobs

    def _set(self, worker: Child) -> None:
        """Give a worker our time."""
        worker.do("move_clock", to=self._now.isoformat())


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(
        alone=sum(one.alone for one in costs),
        puts=sum(one.puts for one in costs),
        share=sum(one.share for one in costs),
        log_bytes=sum(one.log_bytes for one in costs),
    )


def _work(recordings: Sequence[Recording], broker_requests: int, cost: Cost) -> Work:
    def count(service: str, operation: str = "") -> int:
        return sum(recording.count(service, operation) for recording in recordings)

    return Work(
        deliveries=len(recordings),
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
