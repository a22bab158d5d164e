"""What everybody may see: that the function answers, the OpenAPI document, and the status page without its data."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseContentSchema

from brokersync.contracts import http

from ..openapi import answers, document
from ..page import File, PageFiles
from ..problem_codes import ProblemCode


def _documented(
    description: str, *content_types: str, problems: Sequence[ProblemCode] = ()
) -> dict[int, OpenAPIResponse]:
    text: OpenAPIResponseContentSchema = {"schema": {"type": "string"}}
    responses = answers({HTTPStatus.OK: description}, *problems)
    responses[HTTPStatus.OK]["content"] = dict.fromkeys(content_types, text)
    return responses


def install(app: APIGatewayHttpResolver, stage: str, files: PageFiles) -> None:
    """What needs no token."""

    def _if_none_match() -> str:
        return app.current_event.headers.get("if-none-match", "")

    @app.get("/health", summary="Whether the API answers", responses=answers({HTTPStatus.OK: "It answers"}))
    def get_health() -> http.Health:
        return http.Health(status="ok", stage=stage)

    @app.get(
        "/openapi.json",
        summary="This document",
        compress=True,
        responses=_documented("An OpenAPI 3.1 document", "application/json"),
    )
    def get_openapi() -> Response[str]:
        return Response(HTTPStatus.OK, "application/json", document(app), {"Cache-Control": "public, max-age=300"})

    @app.get(
        "/",
        summary="The status page",
        compress=True,
        responses=_documented("A page that shows the accounts of a token", "text/html"),
    )
    def get_page() -> Response[str]:
        return get_static_file("index.html")

    @app.get(
        "/static/<file>",
        summary="A file of the status page",
        compress=True,
        responses=_documented(
            "The file",
            "text/javascript",
            "text/css",
            "image/svg+xml",
            "application/json",
            problems=(ProblemCode.NOT_FOUND,),
        ),
    )
    def get_static_file(
        file: Annotated[str, Path(description="Its name, as the page asks for it.", examples=["app.js"])],
    ) -> Response[str]:
        found = files.get(file)
        if found is None:
            raise NotFoundError
        return _serve(found, files.headers, _if_none_match())


def _serve(file: File, headers: Mapping[str, str], if_none_match: str) -> Response[str]:
    answered: dict[str, str | list[str]] = {**headers, "ETag": file.etag}
    if file.etag in if_none_match:
        return Response(HTTPStatus.NOT_MODIFIED, file.content_type, "", answered, compress=False)
    return Response(HTTPStatus.OK, file.content_type, file.body, answered)
