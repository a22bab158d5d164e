"""Users: what they may and how they want to be spoken to, and the plan that an operator gives them."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Path

from brokersync.contracts import http
from brokersync.domain.plans import CHOOSABLE_INTERVALS_MIN, TERMS
from brokersync.ports.users import Users, UserSettings
from brokersync.services.manual_syncs import ManualSyncs
from brokersync.services.operate import SetPlan

from .. import bodies
from ..openapi import JWT, answers
from ..parameters import IsOperator, OperatorId, UserId
from ..problem_codes import ProblemCode

_AnyUserId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="A user_id of GET /me.")]


def install(app: APIGatewayHttpResolver, users: Users, limit: ManualSyncs, set_plan: SetPlan) -> None:
    """Who asks."""

    def told(user_id: str, settings: UserSettings, *, operator: bool) -> http.Me:
        return http.Me(
            user_id=user_id,
            operator=operator,
            plan=settings.plan,
            terms=http.PlanTerms.model_validate(TERMS[settings.plan]),
            manual_syncs=bodies.limit(limit.usage(user_id, settings.plan)),
            intervals_min=CHOOSABLE_INTERVALS_MIN,
            locale=settings.locale,
            time_zone=settings.time_zone,
        )

    @app.get(
        "/me",
        summary="Your plan, what is used of it, and how you want to be spoken to",
        security=JWT,
        responses=answers({HTTPStatus.OK: "You"}, ProblemCode.UNAUTHENTICATED, ProblemCode.UNAVAILABLE),
    )
    def get_me(user_id: UserId, operator: IsOperator) -> http.Me:
        return told(user_id, users.settings(user_id), operator=operator)

    @app.patch(
        "/me",
        summary="Choose language and time zone",
        security=JWT,
        responses=answers(
            {HTTPStatus.OK: "You, as you are now"},
            ProblemCode.UNAUTHENTICATED,
            ProblemCode.INVALID_REQUEST,
            ProblemCode.UNAVAILABLE,
        ),
    )
    def update_me(wanted: http.MeChange, user_id: UserId, operator: IsOperator) -> http.Me:
        return told(user_id, users.prefer(user_id, locale=wanted.locale, time_zone=wanted.time_zone), operator=operator)

    @app.put(
        "/operator/users/<user_id>/plan",
        summary="Put a trader on a plan",
        description="For operators. All feeds of the trader move to what the plan allows at once.",
        security=JWT,
        responses=answers(
            {HTTPStatus.OK: "The plan, and what it made of each feed"},
            ProblemCode.UNAUTHENTICATED,
            ProblemCode.FORBIDDEN,
            ProblemCode.NOT_FOUND,
            ProblemCode.INVALID_REQUEST,
        ),
    )
    def set_user_plan(user_id: _AnyUserId, wanted: http.PlanChange, _operator: OperatorId) -> http.UserPlan:
        feeds = set_plan.run(user_id, wanted.plan)
        return http.UserPlan(
            user_id=user_id, plan=wanted.plan, feeds=tuple(http.FeedTerms.model_validate(feed) for feed in feeds)
        )
