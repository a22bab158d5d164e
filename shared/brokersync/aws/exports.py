"""Exports in S3 (ports.Exports): put once, fetched by a presigned address, deleted by the bucket's lifecycle."""

from datetime import timedelta

from brokersync.aws.session import AwsSession
from brokersync.ports.exports import ExportLink
from brokersync.ports.world import Clock

GOOD_FOR = timedelta(minutes=15)


class S3Exports:
    """Needs s3:PutObject and s3:GetObject under `exports/`: an address can do what its maker can."""

    def __init__(self, session: AwsSession, bucket: str, clock: Clock) -> None:
        self._session, self._bucket, self._clock = session, bucket, clock

    def put(self, export_id: str, file_name: str, content: bytes) -> ExportLink:
        """Store a CSV file; fetched, it is called `file_name`."""
        s3 = self._session.client("s3")
        key = f"exports/{export_id}.csv"
        s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType="text/csv; charset=utf-8",
            ContentDisposition=f'attachment; filename="{file_name}"',
            CacheControl="no-store",
        )
        expires_at = self._clock.now() + GOOD_FOR
        where = {"Bucket": self._bucket, "Key": key}
        url = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=int(GOOD_FOR.total_seconds()))
        return ExportLink(url=url, expires_at=expires_at)
