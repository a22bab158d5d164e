"""What everybody may see: that the function answers, the OpenAPI document, and the status page without its data."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, NamedTuple

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseContentSchema

from brokersync.contracts import http

from ..openapi import answers, document
from ..problems import ProblemCode

_STATIC = FilePath(__file__).parent.parent / "static"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS: dict[str, str | list[str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def _documented(
    description: str, *content_types: str, problems: Sequence[ProblemCode] = ()
) -> dict[int, OpenAPIResponse]:
    text: OpenAPIResponseContentSchema = {"schema": {"type": "string"}}
    responses = answers({HTTPStatus.OK: description}, *problems)
    responses[HTTPStatus.OK]["content"] = dict.fromkeys(content_types, text)
    return responses


class _File(NamedTuple):
    body: str
    content_type: str
    etag: str


def install(app: APIGatewayHttpResolver, stage: str) -> None:
    """What needs no token."""

    def _if_none_match() -> str:
        return app.current_event.headers.get("if-none-match", "")

    @app.get("/health", summary="Whether the API answers", responses=answers({HTTPStatus.OK: "It answers"}))
    def health() -> http.Health:
        return http.Health(status="ok", stage=stage)

    @app.get(
        "/openapi.json",
        summary="This document",
        compress=True,
        responses=_documented("An OpenAPI 3.1 document", "application/json"),
    )
    def openapi_json() -> Response[str]:
        return Response(HTTPStatus.OK, "application/json", document(app), {"Cache-Control": "public, max-age=300"})

    @app.get(
        "/",
        summary="The status page",
        compress=True,
        responses=_documented("A page that shows the accounts of a token", "text/html"),
    )
    def page() -> Response[str]:
        return _serve(_files()["index.html"], _if_none_match())

    @app.get(
        "/static/<file>",
        summary="A file of the status page",
        compress=True,
        responses=_documented(
            "The file", "text/javascript", "text/css", "image/svg+xml", problems=(ProblemCode.NOT_FOUND,)
        ),
    )
    def static(file: Annotated[str, Path(description="app.js, style.css or icon.svg.")]) -> Response[str]:
        if file not in _files():
            raise NotFoundError
        return _serve(_files()[file], _if_none_match())


@cache
def _files() -> Mapping[str, _File]:
    """The page's files by name. Only these names are served: no path of a request reaches the disk."""
    files = {}
    for path in _STATIC.iterdir():
        body = path.read_text(encoding="utf-8")
        files[path.name] = _File(body, _CONTENT_TYPES[path.suffix], f'"{sha256(body.encode()).hexdigest()[:16]}"')
    return files


def _serve(file: _File, if_none_match: str) -> Response[str]:
    headers = _HEADERS | {"ETag": file.etag}
    if file.etag in if_none_match:
        return Response(HTTPStatus.NOT_MODIFIED, file.content_type, "", headers)
    return Response(HTTPStatus.OK, file.content_type, file.body, headers)
