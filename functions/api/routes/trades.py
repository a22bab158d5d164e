"""Trades."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.services.read_trades import ReadTrades

from .. import bodies
from ..openapi import JWT, own_answers
from ..paging import Limit, TradesCursor
from ..parameters import AccountId, UserId
from ..problems import ProblemCode


def install(app: APIGatewayHttpResolver, read_trades: ReadTrades) -> None:
    """What was traded."""

    @app.get(
        "/trading-accounts/<account_id>/trades",
        summary="The trades of one account, newest first",
        security=JWT,
        compress=True,
        responses=own_answers(HTTPStatus.OK, "A page of trades", ProblemCode.INVALID_REQUEST),
    )
    def trades(account_id: AccountId, user_id: UserId, limit: Limit = 50, cursor: TradesCursor = "") -> http.Trades:
        return bodies.trades(read_trades.run(user_id, account_id, limit=limit, before=cursor))
