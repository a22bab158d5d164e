"""What a start of the sync function costs, in R: fresh processes, one after the other, the unit beside the function."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from brokersync.contracts.jobs import SyncJob
from tests.bench.deliveries import event, runs_in
from tests.bench.package import Package
from tests.bench.scenarios import BenchError

STARTS = 9
MEGABYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """Medians. R is the CPU time of importing boto3 and making three clients; memory is the peak in megabytes."""

    reference_seconds: float
    import_init: float
    import_init_first_sync: float
    rss: float
    reference_rss: float


def measure(package: Package, environment: Mapping[str, str], job: SyncJob) -> Startup:
    """Start the function again and again and let it do a job whose answers its AWS knows."""
    references, starts, firsts, peaks, reference_peaks = [], [], [], [], []
    for _ in range(STARTS):
        with package.worker(environment) as worker:
            reference = worker.do("reference")
        with package.worker(environment) as worker:
            start = worker.do("start")
            first = worker.do("sync", event=event(job))
        if [run.outcome for run in runs_in(first["log"])] != ["succeeded"]:
            raise BenchError(f"the first sync of a process did not succeed: {first['log'][-2000:]}")
        references.append(reference["cpu"])
        starts.append(start["cpu"] / reference["cpu"])
        firsts.append((start["cpu"] + first["cpu"]) / reference["cpu"])
        peaks.append(first["rss"] / MEGABYTE)
        reference_peaks.append(reference["rss"] / MEGABYTE)
    median = statistics.median
    return Startup(
        reference_seconds=median(references),
        import_init=median(starts),
        import_init_first_sync=median(firsts),
        rss=median(peaks),
        reference_rss=median(reference_peaks),
    )
