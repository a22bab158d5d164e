"""Syncs: ask for one now, decide about one, and the log of those that were."""

from datetime import timedelta
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.services.read_runs import ReadRuns
from brokersync.services.request_sync import RequestSync
from brokersync.services.review import Review

from .. import bodies
from ..languages import Languages
from ..openapi import JWT, answers, own_answers, repeatable
from ..paging import Limit, RunsCursor
from ..parameters import AccountId, RunId, UserId
from ..problem_codes import ProblemCode
from ..repeats import IdempotencyKey, Repeats

_LIMIT = "What makes a job is one of the manual syncs that the plan allows in an hour."


def install(
    app: APIGatewayHttpResolver,
    request_sync: RequestSync,
    review: Review,
    read_runs: ReadRuns,
    language: Languages,
    repeats: Repeats,
) -> None:
    """What is asked of the engine, and what it did."""

    @app.post(
        "/sync",
        summary="Sync all your accounts now",
        description="With `if_stale_for` only those that were not attempted for so many seconds and owe nothing: for a "
        f"page that comes to the foreground. {_LIMIT} It counts once for all accounts.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        middlewares=[repeats],
        responses=answers(
            {HTTPStatus.ACCEPTED: "What became of it, by account"},
            ProblemCode.UNAUTHENTICATED,
            *repeatable(ProblemCode.INVALID_REQUEST, ProblemCode.LIMIT_REACHED, ProblemCode.UNAVAILABLE),
        ),
    )
    def sync_all_accounts(wanted: http.SyncRequest, user_id: UserId, _key: IdempotencyKey = "") -> http.SyncsAccepted:
        asked = request_sync.all(user_id, if_stale_for=timedelta(seconds=wanted.if_stale_for))
        return http.SyncsAccepted(accounts=tuple(http.AccountSync.model_validate(one) for one in asked))

    @app.post(
        "/trading-accounts/<account_id>/sync",
        summary="Sync one account now",
        description="Goes before a waiting retry and works while the schedule is off. Follow it by the sync status. "
        + _LIMIT,
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        middlewares=[repeats],
        responses=own_answers(
            HTTPStatus.ACCEPTED,
            "The job that serves it",
            *repeatable(ProblemCode.RECONNECT_NEEDED, ProblemCode.LIMIT_REACHED, ProblemCode.UNAVAILABLE),
        ),
    )
    def sync_account(account_id: AccountId, user_id: UserId, _key: IdempotencyKey = "") -> http.SyncAccepted:
        asked = request_sync.run(user_id, account_id)
        return http.SyncAccepted(job_id=asked.job_id, state=asked.state)

    @app.post(
        "/trading-accounts/<account_id>/review",
        summary="Decide about an answer that contradicts what is stored",
        description="`accept`: it is true, go on from it; what is stored stays. `read_again`: ask the broker once "
        "more, which is a manual sync.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        middlewares=[repeats],
        responses=own_answers(
            HTTPStatus.ACCEPTED,
            "The job that serves it",
            *repeatable(
                ProblemCode.NOTHING_TO_REVIEW,
                ProblemCode.RECONNECT_NEEDED,
                ProblemCode.INVALID_REQUEST,
                ProblemCode.LIMIT_REACHED,
                ProblemCode.UNAVAILABLE,
            ),
        ),
    )
    def review_account(
        account_id: AccountId, wanted: http.ReviewRequest, user_id: UserId, _key: IdempotencyKey = ""
    ) -> http.SyncAccepted:
        asked = review.run(user_id, account_id, wanted.decision)
        return http.SyncAccepted(job_id=asked.job_id, state=asked.state)

    @app.get(
        "/trading-accounts/<account_id>/sync-runs",
        summary="The sync log of one account, newest first",
        security=JWT,
        compress=True,
        responses=own_answers(HTTPStatus.OK, "A page of the log", ProblemCode.INVALID_REQUEST),
    )
    def list_sync_runs(
        account_id: AccountId, user_id: UserId, limit: Limit = 50, cursor: RunsCursor = ""
    ) -> http.SyncRuns:
        return bodies.sync_runs(read_runs.run(user_id, account_id, limit=limit, before=cursor), language())

    @app.get(
        "/trading-accounts/<account_id>/sync-runs/<run_id>",
        summary="One run of the sync log",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "The run, with the broker's answers that it stored"),
    )
    def get_sync_run(account_id: AccountId, run_id: RunId, user_id: UserId) -> http.SyncRunDetail:
        return bodies.sync_run(read_runs.one(user_id, account_id, run_id), language())
