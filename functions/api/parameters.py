"""What handlers take of a request: who asks, about which account, and of which time."""

from datetime import date
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Depends, Request
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import AwareDatetime

from brokersync.contracts.http.base import TimeZone
from brokersync.domain.identity import user_id

OPERATOR = "operator"


class UnauthenticatedError(Exception):
    """The event carries no verified token: a route that needs one was reached around the authorizer."""


class ForbiddenError(Exception):
    """The token is good, but opens no operator's route."""


def user_of(event: dict[str, Any]) -> str:
    """The user id of the token that the gateway has verified. Raises UnauthenticatedError when there is none."""
    claims = _claims(event)
    try:
        return user_id(str(claims.get("iss") or ""), str(claims.get("sub") or ""))
    except ValueError as error:
        raise UnauthenticatedError(str(error)) from None


def is_operator(event: dict[str, Any]) -> bool:
    """Whether the token has the scope `operator`, or is of a member of the user pool's group `operators`."""
    claims = _claims(event)
    return OPERATOR in _words(claims.get("scope")) or f"{OPERATOR}s" in _words(claims.get("cognito:groups"))


def _claims(event: dict[str, Any]) -> dict[str, Any]:
    return APIGatewayProxyEventV2(event).request_context.authorizer.jwt_claim


def _words(claim: object) -> list[str]:
    """The words of a claim; the gateway gives a list as `[a b]`."""
    return str(claim or "").strip("[]").replace(",", " ").split()


def _caller(request: Request) -> str:
    return user_of(request.resolved_event.raw_event)


def _operator(request: Request) -> str:
    caller = user_of(request.resolved_event.raw_event)
    if not is_operator(request.resolved_event.raw_event):
        raise ForbiddenError(caller)
    return caller


def _is_operator(request: Request) -> bool:
    return is_operator(request.resolved_event.raw_event)


UserId = Annotated[str, Depends(_caller)]
OperatorId = Annotated[str, Depends(_operator)]
IsOperator = Annotated[bool, Depends(_is_operator)]

ConnectionId = Annotated[str, Path(description="A connection_id of GET /connections.")]
AccountId = Annotated[str, Path(description="An account_id of GET /trading-accounts.")]
TradeId = Annotated[str, Path(description="A source_trade_id of the account's trades.")]
RunId = Annotated[str, Path(description="A run_id of the account's sync log.")]

From = Annotated[AwareDatetime | None, Query(alias="from", description="From then on, with its zone.")]
To = Annotated[AwareDatetime | None, Query(alias="to", description="Before then, with its zone.")]
FromDay = Annotated[date | None, Query(alias="from", description="The first day (UTC).")]
ToDay = Annotated[date | None, Query(alias="to", description="The last day (UTC).")]
Symbol = Annotated[str, Query(max_length=64, description="Only this one, as the trades name it.")]
Zone = Annotated[TimeZone, Query(description="Where a day ends: an IANA name.")]
