"""Answers that a reader has already: ETag on what was read with a token, and 304 for the one that it names."""

import json
from hashlib import sha256
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware


def conditional(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[object]:
    """Give every GET that has no ETag of its own a weak one (it may be sent compressed or not)."""
    response: Response[object] = next_middleware(app)
    if app.current_event.http_method != "GET" or response.status_code != HTTPStatus.OK or "ETag" in response.headers:
        return response
    body = response.body if isinstance(response.body, str) else json.dumps(response.body, separators=(",", ":"))
    etag = f'W/"{sha256(body.encode()).hexdigest()[:16]}"'
    if etag in app.current_event.headers.get("if-none-match", ""):
        unchanged = {**response.headers, "ETag": etag}
        return Response(HTTPStatus.NOT_MODIFIED, body="", headers=unchanged, compress=False)
    response.body = body
    response.headers["ETag"] = etag
    return response
