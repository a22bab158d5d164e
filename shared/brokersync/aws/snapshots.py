"""Raw answers in S3, write-once: stored before anybody parses them, and read back for a replay (I1)."""

import gzip
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from brokersync.aws.session import AwsSession
from brokersync.contracts.snapshots import Retention, Snapshot, SnapshotRequest, encode_body
from brokersync.domain.pages import RawPage
from brokersync.ports.brokers import Manifests
from brokersync.ports.world import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONFLICT_TRIES = 3
COMPRESSION = 6  # a tenth larger than gzip's own 9, in a quarter of the time


class S3Snapshots:
    """ports.Snapshots.

    Needs s3:PutObject and s3:PutObjectTagging under `snapshots/`; reading back, s3:GetObject and s3:ListBucket.
    """

    def __init__(self, session: AwsSession, bucket: str, *, manifests: Manifests, clock: Clock) -> None:
        """`manifests` say from which sections no ledger entry comes."""
        self._session = session
        self._bucket = bucket
        self._manifests = manifests
        self._clock = clock

    @property
    def _s3(self) -> "S3Client":
        return self._session.client("s3")

    def put(self, *, feed_id: str, run_id: str, seq: int, broker: str, job_id: str, page: RawPage) -> str:
        """Store one answer; returns `snapshots/{retention}/{feed_id}/{run_id}/{seq}.json.gz`."""
        uncited = page.section in self._manifests.manifest(broker).uncited
        retention = Retention.SHORT if uncited else Retention.LONG
        encoding, body = encode_body(page.body)
        snapshot = Snapshot(
            snapshot_id=f"{run_id}/{seq:04d}",
            source=broker,
            created_at=self._clock.now(),
            feed_id=feed_id,
            run_id=run_id,
            job_id=job_id,
            section=page.section,
            request=SnapshotRequest(method=page.method, path=page.path, params=dict(page.params)),
            status=page.status,
            headers=dict(page.headers),
            facts=dict(page.facts),
            received_at=page.received_at,
            encoding=encoding,
            body=body,
        )
        key = f"snapshots/{retention}/{feed_id}/{run_id}/{seq:04d}.json.gz"
        content = gzip.compress(snapshot.model_dump_json().encode(), COMPRESSION, mtime=0)
        self._put_once(key, content, retention)
        return key

    def _put_once(self, key: str, content: bytes, retention: Retention, tries: int = CONFLICT_TRIES) -> None:
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType="application/json",
                ContentEncoding="gzip",
                IfNoneMatch="*",
                Tagging=f"retention={retention}",
            )
        except ClientError as error:
            match error.response["ResponseMetadata"]["HTTPStatusCode"]:
                case 412:  # it is there: our own attempt whose answer was lost, as nobody else has keys of this run
                    return
                case 409 if tries > 1:  # an attempt at the same key, ours again, is under way
                    self._put_once(key, content, retention, tries - 1)
                case _:
                    raise

    def read(self, key: str) -> Snapshot:
        """The snapshot of that key; its `page` is the answer. Raises KeyError if there is none."""
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            raise KeyError(key) from None
        return Snapshot.model_validate_json(gzip.decompress(content))

    def kept(self, feed_id: str, run_id: str, first: int, last: int) -> Sequence[tuple[str, RawPage]]:
        """What is kept of a run's answers number `first` to `last`, with their keys, in order."""
        folder = f"{_folder(feed_id)}{run_id}/"
        wanted = {f"{folder}{seq:04d}.json.gz" for seq in range(first, last + 1)}
        return [(key, self.read(key).page) for key in self._keys(folder) if key in wanted]

    def runs(self, feed_id: str, after: str) -> Iterator[str]:
        """The ids of the runs of which such answers are kept, oldest first; only those after the run `after`."""
        folder = _folder(feed_id)
        lister = self._s3.get_paginator("list_objects_v2")
        start = f"{folder}{after}/~" if after else folder  # after the last answer of that run
        for page in lister.paginate(Bucket=self._bucket, Prefix=folder, Delimiter="/", StartAfter=start):
            yield from (found["Prefix"].removeprefix(folder).rstrip("/") for found in page.get("CommonPrefixes", ()))

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (found["Key"] for found in page.get("Contents", ()))


def _folder(feed_id: str) -> str:
    """Where the answers of a feed lie that are kept as long as the account: those that entries may cite."""
    return f"snapshots/{Retention.LONG}/{feed_id}/"
