"""The brokers that can be connected, and what each of them needs."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts.brokers import Brokers
from brokersync.services.list_brokers import ListBrokers

from ..openapi import JWT, answers
from ..parameters import UserId
from ..problem_codes import ProblemCode


def install(app: APIGatewayHttpResolver, list_brokers: ListBrokers) -> None:
    """The catalog."""

    @app.get(
        "/brokers",
        summary="The brokers that can be connected",
        compress=True,
        security=JWT,
        responses=answers({HTTPStatus.OK: "All brokers, by name"}, ProblemCode.UNAUTHENTICATED),
    )
    def get_brokers(_user_id: UserId) -> Brokers:
        return Brokers.of(list_brokers.run())
