"""Connections to brokers: made, renewed, removed, and how they stand."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from brokersync.contracts import http
from brokersync.domain.connections import ConnectionStatus
from brokersync.services.connecting import Asked, Connecting
from brokersync.services.read_connections import ReadConnections

from .. import bodies
from ..languages import Languages
from ..openapi import JWT, answers, own_answers, repeatable
from ..parameters import ConnectionId, UserId
from ..problem_codes import ProblemCode
from ..repeats import IdempotencyKey, Repeats

_Erase = Annotated[
    bool, Query(description="Also delete everything that was loaded, snapshots included. The receipt is in GET.")
]


def install(
    app: APIGatewayHttpResolver,
    connecting: Connecting,
    read: ReadConnections,
    language: Languages,
    repeats: Repeats,
) -> None:
    """What links a user to brokers."""

    @app.post(
        "/connections",
        summary="Connect a broker",
        description="Answers before the broker is asked. Watch the connection: it is `checking`, then `connected` or "
        "not. Credentials are encrypted at once and never shown again.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        middlewares=[repeats],
        responses=answers(
            {HTTPStatus.ACCEPTED: "The connection to watch"},
            ProblemCode.UNAUTHENTICATED,
            *repeatable(ProblemCode.ALREADY_CONNECTED, ProblemCode.INVALID_REQUEST),
        ),
    )
    def create_connection(
        new: http.NewConnection, user_id: UserId, _key: IdempotencyKey = ""
    ) -> http.ConnectionAccepted:
        feeds = connecting.connect(
            user_id,
            Asked(
                broker=new.broker,
                environment=new.environment,
                credentials=new.credentials,
                broker_account_ids=new.broker_account_ids,
                replaces=new.replaces,
            ),
        )
        return http.ConnectionAccepted(connection_id=feeds[0].connection_id, status=ConnectionStatus.CHECKING)

    @app.get(
        "/connections",
        summary="All your connections",
        security=JWT,
        responses=answers({HTTPStatus.OK: "Your connections"}, ProblemCode.UNAUTHENTICATED),
    )
    def list_connections(user_id: UserId) -> http.Connections:
        return bodies.connections(read.all(user_id), language())

    @app.get(
        "/connections/<connection_id>",
        summary="How one connection stands",
        security=JWT,
        responses=own_answers(HTTPStatus.OK, "The connection with its accounts"),
    )
    def get_connection(connection_id: ConnectionId, user_id: UserId) -> http.Connection:
        return bodies.connection(read.one(user_id, connection_id), language())

    @app.patch(
        "/connections/<connection_id>",
        summary="Enter new credentials",
        description="Every account goes on from where it was. Whatever still runs under the old ones has no effect.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        responses=own_answers(
            HTTPStatus.ACCEPTED,
            "The connection to watch",
            ProblemCode.CONNECTION_REMOVED,
            ProblemCode.INVALID_REQUEST,
        ),
    )
    def renew_connection(
        connection_id: ConnectionId, new: http.NewCredentials, user_id: UserId
    ) -> http.ConnectionAccepted:
        connecting.renew(user_id, connection_id, new.credentials)
        return http.ConnectionAccepted(connection_id=connection_id, status=ConnectionStatus.CHECKING)

    @app.delete(
        "/connections/<connection_id>",
        summary="Disconnect",
        description="Nothing is scheduled any more, and credentials and tokens are erased at once. What was loaded "
        "stays, unless `erase=true`.",
        security=JWT,
        status_code=HTTPStatus.ACCEPTED,
        responses=own_answers(HTTPStatus.ACCEPTED, "The connection to watch", ProblemCode.INVALID_REQUEST),
    )
    def delete_connection(
        connection_id: ConnectionId, user_id: UserId, erase: _Erase = False
    ) -> http.ConnectionAccepted:
        connecting.remove(user_id, connection_id, erase=erase)
        return http.ConnectionAccepted(connection_id=connection_id, status=ConnectionStatus.DISCONNECTED)
