"""The envelope of a raw answer in S3: the body byte for byte, with the request that led to it."""

import base64
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from brokersync.domain.pages import RawPage


class Retention(StrEnum):
    """How long a snapshot is kept; the lifecycle rules of the bucket go by the tag `retention`.

    SHORT is 30 days, for answers that no ledger entry comes from. LONG is as long as the account: trades cite them.
    """

    SHORT = "short"
    LONG = "long"


class SnapshotRequest(BaseModel):
    """What was asked, without whatever authenticates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    path: str
    params: dict[str, str]


class Snapshot(BaseModel):
    """One answer of a broker. `body` is text where it is valid UTF-8, else base64; `source` is the broker's slug.

    `facts` are what the fetch knew from an earlier answer and this one can't be read without.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    snapshot_id: str
    source: str
    created_at: AwareDatetime
    feed_id: str
    run_id: str
    job_id: str
    section: str
    request: SnapshotRequest
    status: int
    headers: dict[str, str]
    facts: dict[str, str] = Field(default_factory=dict)
    received_at: AwareDatetime
    encoding: Literal["utf-8", "base64"]
    body: str

    @property
    def page(self) -> RawPage:
        """The answer as the broker gave it."""
        return RawPage(
            section=self.section,
            method=self.request.method,
            path=self.request.path,
            params=self.request.params,
            status=self.status,
            received_at=self.received_at,
            body=base64.b64decode(self.body) if self.encoding == "base64" else self.body.encode(),
            headers=self.headers,
            facts=self.facts,
        )


def encode_body(body: bytes) -> tuple[Literal["utf-8", "base64"], str]:
    """A body as JSON can hold it, and how: decoding gives back every byte."""
    try:
        return "utf-8", body.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(body).decode()
