"""Run the benchmark: prints what is measured as it goes, the targets, and all figures as JSON in the last line."""

import json
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack

from tests.bench import long_history, peers, report, startup, status_read
from tests.bench.brokers import Broker, Oanda, ibkr_flex, oanda
from tests.bench.counting import CountingProxy
from tests.bench.deliveries import scheduled_job
from tests.bench.null_aws import null_aws
from tests.bench.package import Package, packaged
from tests.bench.prices import Surroundings
from tests.bench.processes import Child, lambda_environment, module
from tests.bench.report import Figures
from tests.bench.scenarios import Measured, Scenarios, Workshop
from tests.bench.stack import data_stack
from tools.setup import UnfitError


def main() -> int:
    """Exit status 0 also where a target is missed."""
    begun = time.monotonic()
    figures: Figures = {}
    with packaged(say) as package:
        measure(oanda(), package, figures)
        measure(ibkr_flex(), package, figures)
        load = long_history.long_load(package)
        figures |= long_history.figures_of(load)
        say(f"\nlong history: {long_history.told(load)}")
    read = status_read.measure()
    figures |= status_read.figures_of(read)
    say(f"\nstatus read: {status_read.told(read)}")
    figures["bench_seconds"] = time.monotonic() - begun
    say("\nTargets")
    tell(report.told_targets(figures))
    say(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))
    return 0


def measure(simulator: AbstractContextManager[Broker], package: Package, figures: Figures) -> None:
    """Everything about one broker."""
    with ExitStack() as running:
        broker = running.enter_context(simulator)
        stack = running.enter_context(data_stack(broker.endpoints))
        proxy = CountingProxy(stack.emulator, stack.tables)
        counted_aws = running.enter_context(proxy.listening())
        null = running.enter_context(null_aws())
        null.teach_puts("puts")
        null_environment = lambda_environment(stack.settings, null.endpoint)
        with Child(module("tests.bench.connect"), lambda_environment(stack.settings, stack.emulator.endpoint)) as child:
            feed = json.loads(child.tell(broker.connection))
        workshop = Workshop(
            proxy=proxy,
            counted=running.enter_context(package.worker(lambda_environment(stack.settings, counted_aws))),
            null=null,
            measured=running.enter_context(package.worker(null_environment)),
        )
        workshop.counted.do("start")
        workshop.measured.do("start")
        scenarios = Scenarios(workshop, broker, feed["feed_id"])
        alone = Surroundings(batch=1, memory_mb=stack.memory_mb)
        full = Surroundings(batch=stack.batch, memory_mb=stack.memory_mb)

        def take(name: str, measured: Measured, around: Surroundings) -> None:
            figures.update(report.of_scenario(broker.prefix + name, measured, around))
            tell(report.told_scenario(f"\n{broker.slug}: {name}", measured, around))

        first = scenarios.initial_load(feed["job_id"])
        take("initial_load", first, alone)
        if isinstance(broker, Oanda):
            figures |= first_load_figures(broker, first)
        take("nochange", scenarios.nochange(), full)
        if isinstance(broker, Oanda):
            job = scheduled_job(feed["feed_id"], broker.begins)
            started = startup.measure(package, null_environment, job)
            figures |= report.of_startup(started)
            tell(report.told_startup(started))
        if broker.moves_prices:
            take("figures_only", scenarios.figures_only(), full)
        take("new5", scenarios.new5(), full)


def first_load_figures(broker: Oanda, measured: Measured) -> Figures:
    """A first load beside the peers, which load the same account from the same simulator."""
    source = peers.Source(
        base_url=broker.base_url,
        token=broker.token,
        account=broker.account,
        entries=measured.run.stats["inserted"],
    )
    floor_seconds = peers.floor(source)
    try:
        dlt_seconds = peers.dlt_tuned(source)
    except UnfitError as unfit:
        say(f"\nNOT MEASURED: dlt can't be installed here: {unfit}")
        dlt_seconds = None
    figures = report.of_first_load(measured, floor_seconds, dlt_seconds)
    tell(report.told_first_load(figures))
    return figures


def tell(lines: Iterable[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        say(line)


def say(line: str) -> None:
    """Print at once, also into a file."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
