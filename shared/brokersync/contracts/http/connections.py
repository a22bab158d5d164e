"""Links to brokers: asked for, watched, ended."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from brokersync.contracts.http.accounts import Account, SyncError
from brokersync.contracts.http.base import Body, Instant
from brokersync.domain.connections import ConnectionStatus

Name = Annotated[str, StringConstraints(max_length=64)]
Credentials = Annotated[Mapping[Name, Annotated[str, StringConstraints(max_length=4096)]], Field(max_length=20)]


class NewConnection(Body):
    """A broker to connect. Which credentials it needs is in its set-up help; each value is text."""

    broker: Name = Field(examples=["oanda"])
    environment: Name = Field(description="One of the broker's environments.", examples=["practice"])
    credentials: Credentials = Field(description="By the broker's own field names.", examples=[{"token": "..."}])
    broker_account_ids: tuple[Name, ...] = Field(
        default=(), max_length=100, description="The broker's account numbers; left out, all that it shows."
    )
    replaces: Name = Field(
        default="", description="A connection of yours that still works and whose accounts the new one takes over."
    )


class NewCredentials(Body):
    """What a re-connect enters: all of the broker's fields, also those that stay the same."""

    credentials: Credentials = Field(examples=[{"token": "..."}])


class ConnectionAccepted(Body):
    """The connection to watch: GET /connections/{connection_id} says how its check goes."""

    connection_id: str
    status: ConnectionStatus


class ErasureReceipt(Body):
    """What has been deleted so far: rows by table, and `snapshots`; all of it once `finished_at` is set."""

    counts: Mapping[str, int]
    finished_at: Instant | None


class Connection(Body):
    """A link to a broker, without its credentials. `accounts` are those that it has found until now."""

    connection_id: str
    broker: str = Field(examples=["oanda"])
    environment: str = Field(examples=["practice"])
    status: ConnectionStatus
    error: SyncError | None
    accounts: tuple[Account, ...]
    erasure: ErasureReceipt | None = Field(description="There from the moment when the erasure was asked for.")


class Connections(Body):
    """A user's connections."""

    connections: tuple[Connection, ...]
