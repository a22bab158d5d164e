"""Requests that are sent again because their answer was lost: an Idempotency-Key gets the first one's answer."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import BaseMiddlewareHandler, NextMiddleware
from aws_lambda_powertools.event_handler.openapi.params import Header

from .parameters import user_of

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer

REMEMBERED_SECONDS = 3600
HEADER = "Idempotency-Key"

IdempotencyKey = Annotated[
    str,
    Header(
        alias=HEADER,
        pattern="^[A-Za-z0-9_-]{0,64}$",
        description="Made up by the client, new for each wish. Sent again with the same body within an hour, it gets "
        "the first one's answer and asks for nothing more.",
        examples=["6d1f1c9e-0c0b-4f0a-9b0e-8a4c6c2f5d11"],
    ),
]


class KeyReusedError(Exception):
    """The key came with another body before."""


class InProgressError(Exception):
    """The first request with this key has not ended yet."""


class Repeats(BaseMiddlewareHandler[APIGatewayHttpResolver]):
    """A middleware of routes that take an Idempotency-Key; one without it is done as if there were none.

    What is remembered is of one user and one address. Of the body only a digest is kept, which nobody who doesn't have
    the key can compare anything with: a body may hold credentials.
    """

    def __init__(self, store: "Callable[[], BasePersistenceLayer]") -> None:
        self._store = store  # made when the first key comes: most processes never need it

    def handler(self, app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
        """Answer once, or again what was answered. Raises KeyReusedError and InProgressError."""
        event = app.current_event
        key = event.headers.get(HEADER.lower()) or ""
        if not key:
            return next_middleware(app)
        whose = f"{user_of(event.raw_event)}\n{event.http_method} {event.path}\n{key}"
        digest = sha256(f"{whose}\n{event.body or ''}".encode()).hexdigest()
        return _once(self._store(), {"whose": whose, "digest": digest}, partial(next_middleware, app), app)


def _once(
    store: "BasePersistenceLayer", told: dict[str, str], work: Callable[[], Response[Any]], app: APIGatewayHttpResolver
) -> Response[Any]:
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig  # costs as much as a request
    from aws_lambda_powertools.utilities.idempotency.base import IdempotencyHandler
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyValidationError,
    )
    from aws_lambda_powertools.utilities.idempotency.serialization.custom_dict import CustomDictSerializer

    def answer() -> Response[Any]:
        return work()

    config = IdempotencyConfig(
        event_key_jmespath="whose",
        payload_validation_jmespath="digest",
        expires_after_seconds=REMEMBERED_SECONDS,
        hash_function="sha256",
        lambda_context=app.lambda_context,
    )
    handler = IdempotencyHandler(
        function=answer,
        function_payload=told,
        config=config,
        persistence_store=store,
        output_serializer=CustomDictSerializer(to_dict=_kept, from_dict=_replayed),
        key_prefix="api",
        function_args=(),
        function_kwargs={},
    )
    try:
        response: Response[Any] = handler.handle()
    except IdempotencyValidationError as error:
        raise KeyReusedError from error
    except IdempotencyAlreadyInProgressError as error:
        raise InProgressError from error
    return response


def _kept(response: Response[Any]) -> dict[str, Any]:
    return {"status": response.status_code, "headers": response.headers, "body": response.body}


def _replayed(kept: dict[str, Any]) -> Response[Any]:
    return Response(
        status_code=kept["status"],
        content_type="application/json",
        body=kept["body"],
        headers={**kept["headers"], "Idempotency-Replayed": "true"},
    )
