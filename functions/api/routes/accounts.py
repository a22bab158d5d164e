"""Trading accounts: how their sync stands, what they hold, and what their trader chooses."""

from datetime import date
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.services.change_account import AccountChanges, ChangeAccount
from brokersync.services.read_equity import ReadEquity
from brokersync.services.read_portfolio import ReadPortfolio
from brokersync.services.read_status import ReadStatus

from .. import bodies
from ..languages import Languages
from ..openapi import JWT, answers, own_answers
from ..parameters import AccountId, FromDay, ToDay, UserId
from ..problem_codes import ProblemCode


def install(
    app: APIGatewayHttpResolver,
    read_status: ReadStatus,
    read_portfolio: ReadPortfolio,
    read_equity: ReadEquity,
    change_account: ChangeAccount,
    language: Languages,
) -> None:
    """What a user has, and how it stands."""

    @app.get(
        "/trading-accounts",
        summary="All your accounts, each with its sync status",
        security=JWT,
        compress=True,
        responses=answers({HTTPStatus.OK: "Your accounts"}, ProblemCode.UNAUTHENTICATED),
    )
    def list_accounts(user_id: UserId) -> http.Accounts:
        return bodies.accounts(read_status.all(user_id), language())

    @app.patch(
        "/trading-accounts/<account_id>",
        summary="Change when an account is synced by itself, and what it is called",
        description="Accounts that one fetch brings share `sync_enabled` and interval; the name is each one's own.",
        security=JWT,
        responses=own_answers(
            HTTPStatus.OK, "The account as it is now", ProblemCode.NOT_KNOWN_YET, ProblemCode.INVALID_REQUEST
        ),
    )
    def update_account(account_id: AccountId, wanted: http.AccountChange, user_id: UserId) -> http.Account:
        change_account.run(
            user_id,
            account_id,
            AccountChanges(
                sync_enabled=wanted.sync_enabled, interval_min=wanted.interval_min, display_name=wanted.display_name
            ),
        )
        return bodies.account(read_status.one(user_id, account_id), language())

    @app.get(
        "/sync-status",
        summary="How the sync of all your accounts stands, as a whole",
        security=JWT,
        responses=answers({HTTPStatus.OK: "All accounts together"}, ProblemCode.UNAUTHENTICATED),
    )
    def get_sync_summary(user_id: UserId) -> http.SyncSummary:
        return bodies.summary(read_status.all(user_id), language())

    @app.get(
        "/trading-accounts/<account_id>/sync-status",
        summary="How the sync of one account stands",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "The account's sync status"),
    )
    def get_sync_status(account_id: AccountId, user_id: UserId) -> http.SyncStatus:
        return bodies.sync_status(read_status.one(user_id, account_id), language())

    @app.get(
        "/trading-accounts/<account_id>/portfolio",
        summary="What one account holds now",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "Balance and positions, each with its as-of time"),
    )
    def get_portfolio(account_id: AccountId, user_id: UserId) -> http.Portfolio:
        return bodies.portfolio(account_id, read_portfolio.run(user_id, account_id))

    @app.get(
        "/trading-accounts/<account_id>/equity",
        summary="Balance and equity of one account, day by day",
        security=JWT,
        compress=True,
        responses=own_answers(HTTPStatus.OK, "The days, oldest first", ProblemCode.INVALID_REQUEST),
    )
    def get_equity(account_id: AccountId, user_id: UserId, first: FromDay = None, last: ToDay = None) -> http.Equity:
        return bodies.equity(read_equity.run(user_id, account_id, first or date.min, last or date.max))
