"""What of template.yaml keeps data, on the laptop's AWS: no functions, so that nobody but the benchmark takes a job."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.stack.deploy import ROOT, deploy, local_parameters
from local.stack.emulator import Emulator
from local.stack.packaging import load_template
from tests.bench.units import TableShape

STACK = "bench"
KEPT = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStack:
    """The stack's data, and what the template says of its costs: table shapes by name, the sync function's terms."""

    emulator: Emulator
    settings: Mapping[str, str]
    tables: Mapping[str, TableShape]
    memory_mb: int
    batch: int


@contextmanager
def data_stack(broker_endpoints: Mapping[str, str]) -> Iterator[DataStack]:
    """Start MiniStack with the template's tables, bucket, queues, keys and bus; end and remove it afterwards.

    `settings` are the sync function's environment.
    """
    template = load_template(ROOT / "template.yaml")
    function = template["Resources"]["SyncFunction"]["Properties"]
    kept = {name: one for name, one in template["Resources"].items() if one["Type"] in KEPT}
    with Emulator() as emulator:
        reduced = Path(emulator.folder) / "template.json"
        reduced.write_text(json.dumps({**template, "Resources": kept, "Outputs": {}}, default=str))
        parameters = local_parameters(
            jwt_issuer="http://127.0.0.1", jwt_audience="bench", page_client_id="bench", broker_endpoints="{}"
        )
        resources = deploy(emulator, parameters, name=STACK, template=reduced).resources
        yield DataStack(
            emulator=emulator,
            settings={
                "STAGE": "local",
                "TABLE_PREFIX": f"{STACK}-",
                "SNAPSHOT_BUCKET": resources["SnapshotBucket"],
                "SYNC_QUEUE_URL": resources["SyncJobsQueue"],
                "BACKFILL_QUEUE_URL": resources["SyncBackfillQueue"],
                "EVENT_BUS_NAME": resources["EventBus"],
                "KMS_KEY_ID": resources["CredentialsKey"],
                "BROKER_ENDPOINTS": json.dumps(dict(broker_endpoints)),
                "POWERTOOLS_SERVICE_NAME": "sync",
                "POWERTOOLS_METRICS_NAMESPACE": "bench",
            },
            tables={
                resources[name]: TableShape.of(one["Properties"])
                for name, one in kept.items()
                if one["Type"] == "AWS::DynamoDB::Table"
            },
            memory_mb=function["MemorySize"],
            batch=function["Events"]["Jobs"]["Properties"]["BatchSize"],
        )
