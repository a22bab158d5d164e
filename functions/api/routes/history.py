"""Older history: ask for it, take that back; and what trades were before they were corrected."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.services.backfill import Backfill
from brokersync.services.read_trades import ReadTrades

from .. import bodies
from ..openapi import JWT, own_answers, repeatable
from ..parameters import AccountId, TradeId, UserId
from ..problem_codes import ProblemCode
from ..repeats import IdempotencyKey, Repeats


def install(app: APIGatewayHttpResolver, backfill: Backfill, read_trades: ReadTrades, repeats: Repeats) -> None:
    """What lies before what is there."""

    @app.post(
        "/trading-accounts/<account_id>/backfill",
        summary="Load older history",
        description="Takes as many runs as it needs; the sync status shows `load` meanwhile, and what is new waits for "
        "its end. What is loaded twice is stored once. All accounts that one fetch brings are loaded together. How far "
        "back depends on the plan and on the broker.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        middlewares=[repeats],
        responses=own_answers(
            HTTPStatus.ACCEPTED,
            "The job that loads it",
            *repeatable(ProblemCode.RECONNECT_NEEDED, ProblemCode.LOAD_IN_PROGRESS, ProblemCode.INVALID_REQUEST),
        ),
    )
    def start_backfill(
        account_id: AccountId, wanted: http.BackfillRequest, user_id: UserId, _key: IdempotencyKey = ""
    ) -> http.BackfillAccepted:
        return http.BackfillAccepted.model_validate(backfill.run(user_id, account_id, wanted.start, wanted.end))

    @app.delete(
        "/trading-accounts/<account_id>/backfill",
        summary="Stop loading older history",
        description="What was loaded stays, and the account's sync goes on from where it was. Doing it twice is no "
        "mistake.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        responses=own_answers(HTTPStatus.ACCEPTED, "The job that was taken back"),
    )
    def cancel_backfill(account_id: AccountId, user_id: UserId) -> http.BackfillCancelled:
        return http.BackfillCancelled(job_id=backfill.cancel(user_id, account_id))

    @app.get(
        "/trading-accounts/<account_id>/trades/<trade_id>/versions",
        summary="All versions of one trade, the first one first",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "The trade as it was and is"),
    )
    def list_trade_versions(account_id: AccountId, trade_id: TradeId, user_id: UserId) -> http.TradeVersions:
        return bodies.trade_versions(read_trades.versions(user_id, account_id, trade_id))
