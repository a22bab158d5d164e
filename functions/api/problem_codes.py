"""The codes of problem documents. A code never changes its meaning."""

from enum import StrEnum
from http import HTTPStatus


class ProblemCode(StrEnum):
    """What a problem document's code and type can say."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    RECONNECT_NEEDED = "reconnect_needed"
    NOTHING_TO_REVIEW = "nothing_to_review"
    LOAD_IN_PROGRESS = "load_in_progress"
    NOT_KNOWN_YET = "not_known_yet"
    ALREADY_CONNECTED = "already_connected"
    CONNECTION_REMOVED = "connection_removed"
    CHANGED_MEANWHILE = "changed_meanwhile"
    REQUEST_IN_PROGRESS = "request_in_progress"
    BODY_TOO_LARGE = "body_too_large"
    NOT_JSON = "not_json"
    INVALID_REQUEST = "invalid_request"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    EXPORT_TOO_LARGE = "export_too_large"
    LIMIT_REACHED = "limit_reached"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


STATUS: dict[ProblemCode, HTTPStatus] = {
    ProblemCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ProblemCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ProblemCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemCode.RECONNECT_NEEDED: HTTPStatus.CONFLICT,
    ProblemCode.NOTHING_TO_REVIEW: HTTPStatus.CONFLICT,
    ProblemCode.LOAD_IN_PROGRESS: HTTPStatus.CONFLICT,
    ProblemCode.NOT_KNOWN_YET: HTTPStatus.CONFLICT,
    ProblemCode.ALREADY_CONNECTED: HTTPStatus.CONFLICT,
    ProblemCode.CONNECTION_REMOVED: HTTPStatus.CONFLICT,
    ProblemCode.CHANGED_MEANWHILE: HTTPStatus.CONFLICT,
    ProblemCode.REQUEST_IN_PROGRESS: HTTPStatus.CONFLICT,
    ProblemCode.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ProblemCode.NOT_JSON: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.INVALID_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.IDEMPOTENCY_KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.EXPORT_TOO_LARGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.LIMIT_REACHED: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
