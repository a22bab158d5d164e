"""What every handler under /trading-accounts takes: who asks, and which account."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Depends, Request
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from brokersync.domain.identity import user_id


class UnauthenticatedError(Exception):
    """The event carries no verified token: a route that needs one was reached around the authorizer."""


def caller(request: Request) -> str:
    """The user id of the token that the gateway has verified. Raises UnauthenticatedError when there is none."""
    event = APIGatewayProxyEventV2(request.resolved_event.raw_event)
    claims = event.request_context.authorizer.jwt_claim
    try:
        return user_id(str(claims.get("iss") or ""), str(claims.get("sub") or ""))
    except ValueError as error:
        raise UnauthenticatedError(str(error)) from None


UserId = Annotated[str, Depends(caller)]
ConnectionId = Annotated[str, Path(description="A connection_id of GET /connections.")]
AccountId = Annotated[str, Path(description="An account_id of GET /trading-accounts.")]
