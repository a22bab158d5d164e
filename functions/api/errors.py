"""Which exception means which problem: every error of the app answers with a problem document."""

from collections.abc import Callable, Mapping, Sequence

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
    ValidationException,
)

from brokersync.contracts.http import FieldProblem
from brokersync.domain.errors import UserActionNeededError
from brokersync.ports.storage import ConflictError
from brokersync.services.connect_broker import BadConnectionError
from brokersync.services.own_accounts import AccountNotFoundError
from brokersync.services.own_connections import ConnectionNotFoundError
from brokersync.services.renew_connection import ConnectionRemovedError
from brokersync.services.request_sync import ReconnectNeededError

from .openapi import methods
from .parameters import UnauthenticatedError
from .problems import ProblemCode, respond


def install(app: APIGatewayHttpResolver, log: Logger) -> None:
    """Give the app its error handlers."""

    def answer(
        code: ProblemCode, detail: str = "", next_step: str = "", errors: Sequence[FieldProblem] = ()
    ) -> Response[str]:
        return respond(code, app.lambda_context.aws_request_id, detail, next_step, errors)

    def unauthenticated(_: UnauthenticatedError) -> Response[str]:
        log.warning("request_without_token")
        response = answer(ProblemCode.UNAUTHENTICATED)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def plain(code: ProblemCode) -> Callable[[Exception], Response[str]]:
        return lambda _: answer(code)

    def not_found(_: NotFoundError) -> Response[str]:
        allowed = methods(app, app.current_event.path)
        if not allowed or app.current_event.http_method in allowed:
            return answer(ProblemCode.NOT_FOUND)
        response = answer(ProblemCode.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(allowed)
        return response

    def told(code: ProblemCode) -> Callable[[ReconnectNeededError | UserActionNeededError], Response[str]]:
        return lambda error: answer(code, error.safe_message, error.next_step)

    def invalid_request(error: ValidationException | BadConnectionError) -> Response[str]:
        errors = _field_problems(error)
        return answer(
            ProblemCode.INVALID_REQUEST, "; ".join(f"{item.field}: {item.problem}" for item in errors), errors=errors
        )

    def internal(error: Exception) -> Response[str]:
        log.error("request_failed", exc_info=error)
        return answer(ProblemCode.INTERNAL)

    handlers: Mapping[type[Exception], Callable[..., Response[str]]] = {
        UnauthenticatedError: unauthenticated,
        AccountNotFoundError: plain(ProblemCode.NOT_FOUND),
        ConnectionNotFoundError: plain(ProblemCode.NOT_FOUND),
        NotFoundError: not_found,
        ReconnectNeededError: told(ProblemCode.RECONNECT_NEEDED),
        UserActionNeededError: told(ProblemCode.ALREADY_CONNECTED),
        ConnectionRemovedError: plain(ProblemCode.CONNECTION_REMOVED),
        ConflictError: plain(ProblemCode.CHANGED_MEANWHILE),
        BadConnectionError: invalid_request,
        RequestValidationError: invalid_request,
        RequestUnsupportedContentType: invalid_request,
        Exception: internal,
    }
    for kind, handler in handlers.items():
        app.exception_handler(kind)(handler)


def _field_problems(error: ValidationException | BadConnectionError) -> Sequence[FieldProblem]:
    """Which fields were wrong, and how; never what was sent, which may be a credential."""
    if isinstance(error, BadConnectionError):
        return [FieldProblem(field=error.field, location="body", problem=error.problem)]
    return [
        FieldProblem(field=".".join(map(str, item["loc"][1:])), location=str(item["loc"][0]), problem=item["msg"])
        for item in error.errors()
    ]
