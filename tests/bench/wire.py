"""An AWS request as it goes over the wire: which service and operation it is, and what else one answer fits."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
_S3 = {"PUT": "PutObject", "GET": "GetObject"}


class UnknownRequestError(Exception):
    """A request of a form that is not counted yet; names what was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What AWS answered, ready to be given again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A request to AWS. `document` is its JSON body; empty for S3, whose body is an object's."""

    service: str
    operation: str
    document: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for requests that one canned answer fits: service, operation, table, and what is asked back.

        The last one tells an acquire, which asks for the item as it was, from the other updates of a feed.
        """
        asked = (str(self.document.get(name, "")) for name in ("TableName", "ReturnValues"))
        return " ".join((self.service, self.operation, *asked))


def read(method: str, headers: Mapping[str, str], body: bytes) -> Call:
    """The call that a request makes. Header names are lower-case. Raises UnknownRequestError."""
    scope = _SCOPE.search(headers.get("authorization", ""))
    if scope is None:
        raise UnknownRequestError(f"{method} without a signature: {sorted(headers)}")
    if scope["service"] == "s3" and method in _S3:
        return Call("s3", _S3[method], {})
    if "x-amz-target" not in headers:
        raise UnknownRequestError(f"{method} to {scope['service']} without an X-Amz-Target")
    return Call(scope["service"], headers["x-amz-target"].rpartition(".")[2], json.loads(body))
