"""How SnapTrade's requests are signed. Source: docs.snaptrade.com/docs/request-signatures."""

import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import quote, urlencode


def query_text(params: Sequence[tuple[str, str]]) -> str:
    """A query exactly as it is sent, so that it is the same as the one that was signed."""
    return urlencode(params, quote_via=quote, safe="")


def signature(consumer_key: str, path: str, query: str, content: object = None) -> str:
    """The `Signature` header: path and query as they are sent, `content` the body as JSON, None where there is none."""
    signed = json.dumps(
        {"content": content, "path": path, "query": query}, separators=(",", ":"), sort_keys=True
    ).encode()
    return b64encode(hmac.new(consumer_key.encode(), signed, sha256).digest()).decode()
