"""Which exception means which problem: every error of the app answers with a problem document."""

from collections.abc import Callable, Mapping, Sequence

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from brokersync.contracts.http import FieldProblem
from brokersync.services.own_accounts import AccountNotFoundError
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

    def account_not_found(_: AccountNotFoundError) -> Response[str]:
        return answer(ProblemCode.NOT_FOUND)

    def not_found(_: NotFoundError) -> Response[str]:
        allowed = methods(app, app.current_event.path)
        if not allowed or app.current_event.http_method in allowed:
            return answer(ProblemCode.NOT_FOUND)
        response = answer(ProblemCode.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(allowed)
        return response

    def reconnect_needed(error: ReconnectNeededError) -> Response[str]:
        return answer(ProblemCode.RECONNECT_NEEDED, error.safe_message, error.next_step)

    def invalid_request(error: RequestValidationError) -> Response[str]:
        errors = [
            FieldProblem(field=".".join(map(str, item["loc"][1:])), location=str(item["loc"][0]), problem=item["msg"])
            for item in error.errors()
        ]
        detail = "; ".join(f"{item.field}: {item.problem}" for item in errors)
        return answer(ProblemCode.INVALID_REQUEST, detail, errors=errors)

    def internal(error: Exception) -> Response[str]:
        log.error("request_failed", exc_info=error)
        return answer(ProblemCode.INTERNAL)

    handlers: Mapping[type[Exception], Callable[..., Response[str]]] = {
        UnauthenticatedError: unauthenticated,
        AccountNotFoundError: account_not_found,
        NotFoundError: not_found,
        ReconnectNeededError: reconnect_needed,
        RequestValidationError: invalid_request,
        Exception: internal,
    }
    for kind, handler in handlers.items():
        app.exception_handler(kind)(handler)
