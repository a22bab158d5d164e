"""The OpenAPI document: what each route answers, and the document made of it."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseContentModel

from brokersync.contracts.http import Problem
from brokersync.domain.messages import Locale

from .problem_codes import STATUS, ProblemCode
from .problems import CONTENT_TYPE
from .wordings import WORDINGS

VERSION = "1.0.0"
JWT = [{"jwt": list[str]()}]
"""The `security` of a route behind the JWT authorizer."""

_DESCRIPTION = """\
Keeps traders' broker accounts up to date. All times are ISO 8601 in UTC, all amounts decimal text; errors are problem
documents (RFC 9457) whose `code` never changes its meaning. An id that is not yours answers 404, whether it exists or
not. Texts are in the language of Accept-Language (en, fr, vi), else in the one that you chose. What is read with a
token has an ETag, and If-None-Match answers 304. A POST with an Idempotency-Key may be sent again. A request without a
valid token is turned away by the gateway in front, with 401 and a body of its own."""


def answers(success: Mapping[int, str], *problems: ProblemCode) -> dict[int, OpenAPIResponse]:
    """The `responses` of a route: its success (the return annotation is the body) and its problems but `internal`."""
    documented: dict[int, OpenAPIResponse] = {status: {"description": text} for status, text in success.items()}
    for code in problems:
        content: OpenAPIResponseContentModel = {"model": Problem}
        known = documented.get(STATUS[code])  # several codes may share a status
        description = f"{known['description']}; {_description(code)}" if known else _description(code)
        documented[STATUS[code]] = {"description": description, "content": {CONTENT_TYPE: content}}
    return documented


def own_answers(status: HTTPStatus, text: str, *problems: ProblemCode) -> dict[int, OpenAPIResponse]:
    """The `responses` of a route under an id that has to be the caller's."""
    return answers({status: text}, ProblemCode.UNAUTHENTICATED, ProblemCode.NOT_FOUND, *problems)


def repeatable(*problems: ProblemCode) -> tuple[ProblemCode, ...]:
    """The problems of a route that takes an Idempotency-Key, beside its own."""
    return (
        *problems,
        ProblemCode.REQUEST_IN_PROGRESS,
        *([] if ProblemCode.INVALID_REQUEST in problems else [ProblemCode.INVALID_REQUEST]),
        ProblemCode.IDEMPOTENCY_KEY_REUSED,
    )


@lru_cache(maxsize=1)
def document(app: APIGatewayHttpResolver) -> str:
    """The app's OpenAPI 3.1 document as JSON. It is the table of its routes: none is left out."""
    from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer  # the models are built when imported

    written = app.get_openapi_json_schema(
        title="Brokersync",
        version=VERSION,
        description=_DESCRIPTION,
        security_schemes={"jwt": HTTPBearer(bearerFormat="JWT", description="A token of the configured issuer.")},
    )
    spec = json.loads(written)
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            # Of the handler's name, path and method, which Powertools joins, clients need the name.
            rest = re.sub(r"\W", "_", f"{path}_{method}")
            operation["operationId"] = operation["operationId"].removesuffix(rest)
            operation["responses"] = {
                status: response for status, response in operation["responses"].items() if not _is_default(response)
            }
            of_body = (ProblemCode.BODY_TOO_LARGE, ProblemCode.NOT_JSON) if "requestBody" in operation else ()
            everywhere = (ProblemCode.INTERNAL, *of_body)
            for code in everywhere:
                operation["responses"][str(STATUS[code])] = {
                    "description": _description(code),
                    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
            if method == "get" and "security" in operation:
                operation["responses"][str(HTTPStatus.NOT_MODIFIED)] = {"description": "As the ETag that you named"}
    for name in _DEFAULT_ERRORS:
        spec["components"]["schemas"].pop(name, None)
    return json.dumps(spec, separators=(",", ":"))


def _description(code: ProblemCode) -> str:
    return f"{WORDINGS[Locale.EN][code].title}: `{code}`"


def methods(app: APIGatewayHttpResolver, path: str) -> Sequence[str]:
    """The methods under which the app knows a path, none for an unknown one."""
    for template, operations in json.loads(document(app))["paths"].items():
        if re.fullmatch("[^/]+".join(map(re.escape, re.split(r"{\w+}", template))), path):
            return [method.upper() for method in operations]
    return ()


_DEFAULT_ERRORS = ("HTTPValidationError", "ResponseValidationError", "ValidationError")


def _is_default(response: Mapping[str, object]) -> bool:
    """Whether it is one of the errors that Powertools documents everywhere; ours are problem documents."""
    return any(f'/{name}"' in json.dumps(response) for name in _DEFAULT_ERRORS)
