"""All that a stack has put down: log lines, raw answers, items, messages, events."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from brokersync.contracts.snapshots import Snapshot
from brokersync.domain.pages import RawPage
from local.stack.laptop import Laptop

EVENTS = "everything-heard"


class Evidence:
    """Reads with all rights, changes nothing; events are heard from when it is made."""

    def __init__(self, here: Laptop) -> None:
        self._here = here
        self._bucket = here.deployed.outputs["SnapshotBucketName"]
        self._listen()

    def client(self, service: str) -> Any:
        """A client with all rights."""
        session: Any = self._here.emulator.session
        return session.client(service, endpoint_url=self._here.emulator.endpoint)

    def _listen(self) -> None:
        sqs, events, bus = self.client("sqs"), self.client("events"), self._here.deployed.outputs["EventBusName"]
        url = sqs.create_queue(QueueName=EVENTS)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=EVENTS, EventBusName=bus, EventPattern=json.dumps({"source": [{"prefix": "brokersync"}]}))
        events.put_targets(Rule=EVENTS, EventBusName=bus, Targets=[{"Id": EVENTS, "Arn": arn}])

    # --- logs -------------------------------------------------------------------------------------------------------

    def log_texts(self, function: str = "") -> Sequence[str]:
        """All that functions have written; `function` (sync, dispatcher, api) names one of them."""
        logs = self.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return [
            event["message"]
            for group in groups
            if group.endswith(f"-{function}" if function else "")
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]

    def log_lines(self, function: str) -> Sequence[Mapping[str, Any]]:
        """A function's own log lines, metrics left out."""
        lines = [json.loads(text) for text in self.log_texts(function) if text.startswith("{")]
        return [line for line in lines if "message" in line]

    def emulator_log(self) -> str:
        """What the emulator wrote, the functions' output among it."""
        return (self._here.emulator.folder / "ministack.log").read_text(errors="replace")

    # --- raw answers ------------------------------------------------------------------------------------------------

    def snapshot_texts(self, feed_id: str = "") -> Sequence[str]:
        """The snapshots as they lie in the bucket, unpacked; of one feed or of all."""
        s3 = self.client("s3")
        keys = [
            found["Key"]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
            for found in page.get("Contents", [])
        ]
        mine = [key for key in keys if f"/{feed_id}" in key]
        return [gzip.decompress(s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()).decode() for key in mine]

    def pages(self, feed_id: str) -> Sequence[RawPage]:
        """Every raw answer of a feed that was kept, in the order in which they came."""
        kept = [Snapshot.model_validate_json(text) for text in self.snapshot_texts(feed_id)]
        return [one.page for one in sorted(kept, key=lambda one: one.snapshot_id)]

    # --- items, messages, events ------------------------------------------------------------------------------------

    def table_texts(self) -> Sequence[str]:
        """Every item of every table."""
        dynamodb, prefix = self.client("dynamodb"), self._here.deployed.outputs["TablePrefix"]
        tables = [name for name in dynamodb.list_tables()["TableNames"] if name.startswith(prefix)]
        scan = dynamodb.get_paginator("scan")
        return [str(item) for table in tables for page in scan.paginate(TableName=table) for item in page["Items"]]

    def messages(self, queue: str = "") -> Sequence[str]:
        """The bodies of a queue's messages (by the end of its name; all queues without one).

        Hidden and delayed ones too; nothing is received by looking.
        """
        answer = httpx.get(f"{self._here.emulator.endpoint}/_ministack/sqs/messages").raise_for_status()
        return [
            message["Body"]
            for regions in answer.json()["messages"].values()
            for queues in regions.values()
            for url, messages in queues.items()
            if url.endswith(queue)
            for message in messages
        ]

    def events(self, feed_id: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Every event of a feed that was on the bus so far: detail type and detail."""
        heard = [json.loads(body) for body in self.messages(EVENTS)]
        return [(one["detail-type"], one["detail"]) for one in heard if one["detail"]["feed_id"] == feed_id]
