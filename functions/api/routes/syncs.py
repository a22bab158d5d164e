"""Syncs: ask for one now, and the log of those that were."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.services.read_runs import ReadRuns
from brokersync.services.request_sync import RequestSync

from .. import bodies
from ..openapi import JWT, own_answers
from ..paging import Limit, RunsCursor
from ..parameters import AccountId, UserId
from ..problems import ProblemCode


def install(app: APIGatewayHttpResolver, request_sync: RequestSync, read_runs: ReadRuns) -> None:
    """What is asked of the engine, and what it did."""

    @app.post(
        "/trading-accounts/<account_id>/sync",
        summary="Sync one account now",
        description="Goes before a waiting retry and works while the schedule is off. Follow it by the sync status.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        responses=own_answers(HTTPStatus.ACCEPTED, "The job that serves it", ProblemCode.RECONNECT_NEEDED),
    )
    def sync(account_id: AccountId, user_id: UserId) -> http.SyncAccepted:
        requested = request_sync.run(user_id, account_id)
        return http.SyncAccepted(job_id=requested.job_id, state="running" if requested.running else "queued")

    @app.get(
        "/trading-accounts/<account_id>/sync-runs",
        summary="The sync log of one account, newest first",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "A page of the log", ProblemCode.INVALID_REQUEST),
    )
    def sync_runs(account_id: AccountId, user_id: UserId, limit: Limit = 50, cursor: RunsCursor = "") -> http.SyncRuns:
        return bodies.sync_runs(read_runs.run(user_id, account_id, limit=limit, before=cursor))
