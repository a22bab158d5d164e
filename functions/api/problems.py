"""Problem documents (RFC 9457): what each says to the caller, without anything of the inside."""

from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from aws_lambda_powertools.event_handler import Response

from brokersync.contracts.http import FieldProblem, Problem

CONTENT_TYPE = "application/problem+json"


class ProblemCode(StrEnum):
    """What a problem document's code and type can say."""

    UNAUTHENTICATED = "unauthenticated"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    RECONNECT_NEEDED = "reconnect_needed"
    ALREADY_CONNECTED = "already_connected"
    CONNECTION_REMOVED = "connection_removed"
    CHANGED_MEANWHILE = "changed_meanwhile"
    INVALID_REQUEST = "invalid_request"
    INTERNAL = "internal"


class Wording(NamedTuple):
    """What is always the same about a problem; `detail` and `next_step` unless the occurrence knows better."""

    status: HTTPStatus
    title: str
    detail: str
    next_step: str


WORDINGS: dict[ProblemCode, Wording] = {
    ProblemCode.UNAUTHENTICATED: Wording(
        HTTPStatus.UNAUTHORIZED,
        "Not signed in",
        "The request carries no token that we accept.",
        "Send a valid token: Authorization: Bearer ...",
    ),
    ProblemCode.NOT_FOUND: Wording(
        HTTPStatus.NOT_FOUND,
        "Not found",
        "There is nothing under this address.",
        "Check the address: GET /trading-accounts lists your accounts, GET /openapi.json all routes.",
    ),
    ProblemCode.METHOD_NOT_ALLOWED: Wording(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Method not allowed",
        "The address exists, but not with this method.",
        "Use a method of the Allow header.",
    ),
    ProblemCode.RECONNECT_NEEDED: Wording(
        HTTPStatus.CONFLICT, "Re-connect needed", "No sync can succeed before you re-connect.", "Re-connect."
    ),
    ProblemCode.ALREADY_CONNECTED: Wording(
        HTTPStatus.CONFLICT,
        "Already connected",
        "Another connection has this account.",
        "Disconnect the other connection, or connect again with `replaces` naming it.",
    ),
    ProblemCode.CONNECTION_REMOVED: Wording(
        HTTPStatus.CONFLICT,
        "Disconnected",
        "This connection was disconnected, and its credentials are erased.",
        "Connect again: POST /connections. The accounts and what they hold are found again.",
    ),
    ProblemCode.CHANGED_MEANWHILE: Wording(
        HTTPStatus.CONFLICT,
        "Changed meanwhile",
        "Somebody else changed it at the same time.",
        "Look at it again, and repeat what is still needed.",
    ),
    ProblemCode.INVALID_REQUEST: Wording(
        HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid request", "The request is not valid.", "Correct the named fields."
    ),
    ProblemCode.INTERNAL: Wording(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Our fault",
        "Something went wrong on our side.",
        "Try again; if it stays, tell us the instance.",
    ),
}


def respond(
    code: ProblemCode, instance: str, detail: str = "", next_step: str = "", errors: Sequence[FieldProblem] = ()
) -> Response[str]:
    """The answer with a problem document. `instance` is the request's id, by which its log lines are found."""
    wording = WORDINGS[code]
    body = Problem(
        type=f"urn:brokersync:problem:{code}",
        title=wording.title,
        status=wording.status,
        detail=detail or wording.detail,
        code=code,
        next_step=next_step or wording.next_step,
        instance=f"urn:uuid:{instance}",
        errors=tuple(errors),
    )
    return Response(
        status_code=wording.status,
        content_type=CONTENT_TYPE,
        body=body.model_dump_json(exclude_defaults=True),
        headers={"Cache-Control": "no-store"},
    )
