"""Figures by name, the targets they are held to, and how both are told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import ge, le

from tests.bench.prices import Surroundings, bill
from tests.bench.scenarios import Cost, Measured
from tests.bench.startup import Startup

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure has to reach: at most (or, `at_least`) so much."""

    name: str
    limit: float
    at_least: bool = False

    def is_met(self, figure: float) -> bool:
        """Whether a figure reaches it."""
        return (ge if self.at_least else le)(figure, self.limit)


TARGETS = (
    Target("nochange_dynamodb_requests", 4),
    Target("nochange_wru", 3),
    Target("nochange_s3_requests", 0),
    Target("nochange_kms_requests", 0),
    Target("nochange_usd_per_million", 3.0),
    Target("nochange_cpu_puts", 8.0),
    Target("initial_load_vs_dlt_tuned", 1.0, at_least=True),
    Target("import_init_R", 1.5),
    Target("long_load_rss_MB", 512.0),
    Target("status_read_p95_times_bare", 3.0),
)


def of_scenario(name: str, measured: Measured, around: Surroundings) -> Figures:
    """The figures of one kind of sync, named `{name}_...`."""
    work = measured.work
    figures: Figures = {
        "dynamodb_requests": sum(one.count("dynamodb") for one in measured.recordings),
        "s3_requests": work.s3_puts + work.s3_gets,
        "kms_requests": work.kms_requests,
        "sqs_requests": work.sqs_requests,
        "events": work.events,
        "broker_requests": work.broker_requests,
        "wru": work.wru,
        "rru": work.rru,
        "usd_per_million": sum(bill(work, around).values()),
        "cpu_puts": measured.cost.puts,
        "cpu_puts_in_batch": _puts_in_batch(measured.cost),
        "log_bytes": work.log_bytes,
    }
    return {f"{name}_{figure}": value for figure, value in figures.items()}


def _puts_in_batch(cost: Cost) -> float:
    return cost.puts * cost.share / cost.alone


def of_startup(startup: Startup) -> Figures:
    """The figures of a start."""
    return {
        "import_init_R": startup.import_init,
        "import_init_first_sync_R": startup.import_init_first_sync,
        "R_seconds": startup.reference_seconds,
        "rss_MB": startup.rss,
        "R_rss_MB": startup.reference_rss,
    }


def of_first_load(measured: Measured, floor_seconds: float, dlt_seconds: float | None) -> Figures:
    """How fast a first load is, in trades per CPU second, and how many times as fast as the peers."""
    seconds = measured.cost.alone
    figures = {
        "initial_load_trades": float(measured.run.trades),
        "initial_load_entries": float(measured.run.stats["inserted"]),
        "initial_load_trades_per_s": measured.run.trades / seconds,
        "initial_load_entries_per_s": measured.run.stats["inserted"] / seconds,
        "initial_load_vs_floor": floor_seconds / seconds,
    }
    return figures if dlt_seconds is None else figures | {"initial_load_vs_dlt_tuned": dlt_seconds / seconds}


def told_scenario(title: str, measured: Measured, around: Surroundings) -> Iterator[str]:
    """Every request of a sync, what it cost, and the bill, as lines."""
    work, cost = measured.work, measured.cost
    yield title
    for number, recording in enumerate(measured.recordings, start=1):
        if len(measured.recordings) > 1:
            yield f"    delivery {number}"
        yield from (f"    {line}" for line in _folded(map(str, recording.requests)))
    yield (
        f"  {work.wru:g} WRU, {work.rru:g} RRU, {work.s3_puts} S3, {work.kms_requests} KMS, {work.events} events, "
        f"{work.broker_requests} requests to the broker, {work.log_bytes} bytes of log"
    )
    in_batch = f", {_puts_in_batch(cost):.1f} in a batch of {around.batch}" if cost.share != cost.alone else ""
    yield f"  CPU {cost.puts:.1f} botocore puts ({cost.alone * 1000:.1f} ms){in_batch}"
    costs = bill(work, around)
    parts = ", ".join(f"{name} {dollars:.2f}" for name, dollars in costs.items() if dollars >= 0.005)
    yield f"  ${sum(costs.values()):.2f} per million ({parts})"


def _folded(lines: Iterator[str]) -> Iterator[str]:
    """Equal lines that follow each other as one."""
    for line, repeated in groupby(lines):
        count = len(list(repeated))
        yield line if count == 1 else f"{line} (each of {count})"


def told_first_load(figures: Figures) -> Iterator[str]:
    """A first load beside the peers."""
    yield (
        f"  {figures['initial_load_trades_per_s']:.0f} trades per CPU second, "
        f"{figures['initial_load_entries_per_s']:.0f} entries: {figures['initial_load_vs_floor']:.2f} of the floor"
    )
    if "initial_load_vs_dlt_tuned" in figures:
        yield f"  {figures['initial_load_vs_dlt_tuned']:.2f} of dlt, tuned"


def told_startup(startup: Startup) -> Iterator[str]:
    """What a start costs."""
    yield f"\nstart (R = {startup.reference_seconds * 1000:.0f} ms and {startup.reference_rss:.0f} MB)"
    yield f"  import and init {startup.import_init:.2f} R, with the first sync {startup.import_init_first_sync:.2f} R"
    yield f"  {startup.rss:.0f} MB at its peak"


def told_targets(figures: Mapping[str, float]) -> Iterator[str]:
    """Which targets are reached, and which are not."""
    for target in TARGETS:
        bound = f"{'at least' if target.at_least else 'at most'} {target.limit:g}"
        if target.name not in figures:
            yield f"  NOT MEASURED  {target.name}: {bound}"
        else:
            verdict = "reached " if target.is_met(figures[target.name]) else "MISSED  "
            yield f"  {verdict}      {target.name}: {figures[target.name]:.4g}, {bound}"
