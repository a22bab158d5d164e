"""Which exception means which problem: every error of the app answers with a problem document."""

from collections.abc import Callable, Mapping

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ValidationException,
)

from brokersync.domain import messages
from brokersync.domain.errors import RetryLaterError, UserActionNeededError
from brokersync.domain.messages import Locale
from brokersync.ports.storage import ConflictError
from brokersync.ports.world import Clock
from brokersync.services.backfill import BadRangeError, LoadGoesOnError
from brokersync.services.change_account import NotNameableError
from brokersync.services.connect_broker import BadConnectionError
from brokersync.services.export import ExportTooLargeError
from brokersync.services.manual_syncs import LimitReachedError
from brokersync.services.owe_sync import ReconnectNeededError
from brokersync.services.own_accounts import AccountNotFoundError
from brokersync.services.own_connections import ConnectionNotFoundError
from brokersync.services.read_runs import RunNotFoundError
from brokersync.services.read_trades import TradeNotFoundError
from brokersync.services.renew_connection import ConnectionRemovedError
from brokersync.services.review import NothingToReviewError

from . import bodies, field_problems
from .languages import Languages
from .openapi import methods
from .parameters import ForbiddenError, UnauthenticatedError
from .problem_codes import ProblemCode
from .problems import AS_ALWAYS, Occurrence, respond, retry_after
from .repeats import InProgressError, KeyReusedError
from .requests import BodyTooLargeError, NotJsonError

Handler = Callable[..., Response[str]]

PLAIN: Mapping[type[Exception], ProblemCode] = {
    ForbiddenError: ProblemCode.FORBIDDEN,
    AccountNotFoundError: ProblemCode.NOT_FOUND,
    ConnectionNotFoundError: ProblemCode.NOT_FOUND,
    RunNotFoundError: ProblemCode.NOT_FOUND,
    TradeNotFoundError: ProblemCode.NOT_FOUND,
    LoadGoesOnError: ProblemCode.LOAD_IN_PROGRESS,
    NothingToReviewError: ProblemCode.NOTHING_TO_REVIEW,
    NotNameableError: ProblemCode.NOT_KNOWN_YET,
    ConnectionRemovedError: ProblemCode.CONNECTION_REMOVED,
    ConflictError: ProblemCode.CHANGED_MEANWHILE,
    BodyTooLargeError: ProblemCode.BODY_TOO_LARGE,
    NotJsonError: ProblemCode.NOT_JSON,
    KeyReusedError: ProblemCode.IDEMPOTENCY_KEY_REUSED,
    ExportTooLargeError: ProblemCode.EXPORT_TOO_LARGE,
}
"""Problems of which there is nothing more to say than their code does."""


def install(app: APIGatewayHttpResolver, language: Languages, clock: Clock, log: Logger) -> None:
    """Give the app its error handlers."""
    problems = _Problems(app, language, clock, log)
    handlers: Mapping[type[Exception], Handler] = {
        **{kind: problems.plain(code) for kind, code in PLAIN.items()},
        UnauthenticatedError: problems.unauthenticated,
        NotFoundError: problems.not_found,
        ReconnectNeededError: problems.told(ProblemCode.RECONNECT_NEEDED),
        UserActionNeededError: problems.told(ProblemCode.ALREADY_CONNECTED),
        BadConnectionError: problems.invalid_request,
        BadRangeError: problems.invalid_request,
        RequestValidationError: problems.invalid_request,
        InProgressError: problems.in_progress,
        LimitReachedError: problems.limit_reached,
        RetryLaterError: problems.unavailable,
        Exception: problems.internal,
    }
    for kind, handler in handlers.items():
        app.exception_handler(kind)(handler)


class _Problems:
    """The answers to errors, about the request that the app works on."""

    def __init__(self, app: APIGatewayHttpResolver, language: Languages, clock: Clock, log: Logger) -> None:
        self._app, self._language, self._clock, self._log = app, language, clock, log

    def _answer(
        self, code: ProblemCode, occurrence: Occurrence = AS_ALWAYS, *, locale: Locale | None = None
    ) -> Response[str]:
        return respond(code, self._app.lambda_context.aws_request_id, locale or self._language(), occurrence)

    def plain(self, code: ProblemCode) -> Handler:
        return lambda _: self._answer(code)

    def told(self, code: ProblemCode) -> Handler:
        """What a sync's error says is the detail."""

        def handler(error: ReconnectNeededError | UserActionNeededError) -> Response[str]:
            locale = self._language()
            text = messages.error(error.code, error.safe_message, locale)
            return self._answer(code, Occurrence(detail=text.message, next_step=text.next_step), locale=locale)

        return handler

    def unauthenticated(self, _: UnauthenticatedError) -> Response[str]:
        self._log.warning("request_without_token")
        return self._answer(ProblemCode.UNAUTHENTICATED, Occurrence(headers={"WWW-Authenticate": "Bearer"}))

    def not_found(self, _: NotFoundError) -> Response[str]:
        allowed = methods(self._app, self._app.current_event.path)
        if not allowed or self._app.current_event.http_method in allowed:
            return self._answer(ProblemCode.NOT_FOUND)
        return self._answer(ProblemCode.METHOD_NOT_ALLOWED, Occurrence(headers={"Allow": ", ".join(allowed)}))

    def invalid_request(self, error: ValidationException | BadConnectionError | BadRangeError) -> Response[str]:
        locale = self._language()
        if isinstance(error, BadConnectionError | BadRangeError):
            errors = field_problems.of_field(error)
        else:
            errors = field_problems.of_request(error, locale)
        detail = "; ".join(f"{item.field}: {item.problem}" for item in errors)
        return self._answer(ProblemCode.INVALID_REQUEST, Occurrence(detail=detail, errors=errors), locale=locale)

    def in_progress(self, _: InProgressError) -> Response[str]:
        return self._answer(ProblemCode.REQUEST_IN_PROGRESS, Occurrence(headers={"Retry-After": "1"}))

    def limit_reached(self, error: LimitReachedError) -> Response[str]:
        until = error.usage.next_allowed_at
        headers = retry_after(until, self._clock.now()) if until else {}
        return self._answer(ProblemCode.LIMIT_REACHED, Occurrence(limit=bodies.limit(error.usage), headers=headers))

    def unavailable(self, error: RetryLaterError) -> Response[str]:
        self._log.warning("request_deferred", extra={"error_code": error.code.value, "detail": error.detail})
        return self._answer(ProblemCode.UNAVAILABLE, Occurrence(headers={"Retry-After": "60"}))

    def internal(self, error: Exception) -> Response[str]:
        self._log.error("request_failed", exc_info=error)
        # What failed may be the table that has the user's language.
        return self._answer(ProblemCode.INTERNAL, locale=self._language.named() or Locale.EN)
