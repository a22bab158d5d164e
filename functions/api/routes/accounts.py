"""Trading accounts: how their sync stands, and what they hold."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_status import ReadStatus

from .. import bodies
from ..openapi import JWT, answers, own_answers
from ..parameters import AccountId, UserId
from ..problems import ProblemCode


def install(app: APIGatewayHttpResolver, read_status: ReadStatus, read_portfolio: ReadPortfolio) -> None:
    """What a user has, and how it stands."""

    @app.get(
        "/trading-accounts",
        summary="All your accounts, each with its sync status",
        security=JWT,
        responses=answers({HTTPStatus.OK: "Your accounts"}, ProblemCode.UNAUTHENTICATED),
    )
    def list_accounts(user_id: UserId) -> http.Accounts:
        return bodies.accounts(read_status.all(user_id))

    @app.get(
        "/trading-accounts/<account_id>/sync-status",
        summary="How the sync of one account stands",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "The account's sync status"),
    )
    def sync_status(account_id: AccountId, user_id: UserId) -> http.SyncStatus:
        return bodies.sync_status(read_status.one(user_id, account_id))

    @app.get(
        "/trading-accounts/<account_id>/portfolio",
        summary="What one account holds now",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "Balance and positions, each with its as-of time"),
    )
    def portfolio(account_id: AccountId, user_id: UserId) -> http.Portfolio:
        return bodies.portfolio(account_id, read_portfolio.run(user_id, account_id))
