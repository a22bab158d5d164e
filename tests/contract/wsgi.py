"""The API as a WSGI application: what the gateway does, for test tools that speak HTTP."""

import base64
from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import parse_qsl

from tests.unit.functions.api_world import ApiWorld, Context, event

TOKEN = "good"

WsgiApp = Callable[[dict, Callable[..., object]], Iterable[bytes]]


def as_wsgi(world: ApiWorld, *, subject: str = "alice", scope: str = "") -> WsgiApp:
    """The world's API. TOKEN is the subject's; any other is none."""

    def application(environ: dict, start_response: Callable[..., object]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") and name != "HTTP_ACCEPT_ENCODING"  # werkzeug's client doesn't unpack
        }
        signed_in = headers.get("authorization") == f"Bearer {TOKEN}"
        # WSGI gives the path as latin-1 of its bytes; what is no UTF-8 among them reaches Lambda replaced.
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        request = event(environ["REQUEST_METHOD"], path, subject=subject if signed_in else None, headers=headers)
        if signed_in:
            request["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] = scope
        if content_type := environ.get("CONTENT_TYPE"):
            request["headers"]["content-type"] = content_type
        if length:
            request |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        request["rawQueryString"] = environ.get("QUERY_STRING", "")
        request["queryStringParameters"] = query_of(request["rawQueryString"])
        answer = world.app.resolve(request, Context())
        payload = str(answer["body"] or "")
        raw = base64.b64decode(payload) if answer["isBase64Encoded"] else payload.encode()
        status = HTTPStatus(answer["statusCode"])
        start_response(f"{status.value} {status.phrase}", list(answer["headers"].items()))
        return [raw]

    return application


def query_of(raw: str) -> dict[str, str]:
    """As payload 2.0 has it: values of one name joined by commas."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True, errors="replace"):
        found.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in found.items()}
