"""What a trader may do with connections, from the outside in: names looked up, the plan on record taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brokersync.domain.feeds import Feed
from brokersync.domain.manifests import Manifest
from brokersync.ports.accounts import Accounts, Plans
from brokersync.ports.brokers import Manifests
from brokersync.ports.connections import ConnectionRecords, ConnectionWriter
from brokersync.ports.feeds import Feeds
from brokersync.ports.messages import SyncQueue
from brokersync.ports.world import Clock, Ids
from brokersync.services.connect_broker import BadConnectionError, ConnectBroker, NewConnection
from brokersync.services.own_connections import ConnectionNotFoundError, OwnConnections
from brokersync.services.remove_connection import RemoveConnection
from brokersync.services.renew_connection import RenewConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A connection as it is asked for."""

    broker: str
    environment: str
    credentials: Mapping[str, str]
    broker_account_ids: Sequence[str] = ()
    interval_min: int | None = None
    replaces: str = ""


class Connecting:
    """Connects, re-connects and disconnects: the one way, for the API and for the command line."""

    def __init__(
        self,
        *,
        connections: ConnectionWriter,
        records: ConnectionRecords,
        feeds: Feeds,
        accounts: Accounts,
        queue: SyncQueue,
        manifests: Manifests,
        plans: Plans,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._own = OwnConnections(records, feeds)
        self._manifests = manifests
        self._plans = plans
        self._connect = ConnectBroker(
            connections=connections, feeds=feeds, accounts=accounts, queue=queue, clock=clock, ids=ids
        )
        self._renew = RenewConnection(self._own, connections, feeds, queue, manifests, clock, ids)
        self._remove = RemoveConnection(self._own, connections, feeds, queue, clock, ids)

    def connect(self, user_id: str, asked: Asked) -> Sequence[Feed]:
        """Make a connection and owe its check; returns its first feeds. Raises as ConnectBroker does."""
        new = NewConnection(
            user_id=user_id,
            plan=self._plans.plan(user_id),
            manifest=self._manifest(asked.broker),
            environment=asked.environment,
            credentials=asked.credentials,
            broker_account_ids=asked.broker_account_ids,
            interval_min=asked.interval_min,
            replaces=self._replaced(user_id, asked.replaces),
        )
        return self._connect.run(new)

    def renew(self, user_id: str, connection_id: str, credentials: Mapping[str, str]) -> None:
        """Enter new credentials. Raises as RenewConnection does."""
        self._renew.run(user_id, connection_id, credentials, self._plans.plan(user_id))

    def remove(self, user_id: str, connection_id: str, *, erase: bool) -> None:
        """Disconnect. Raises ConnectionNotFoundError."""
        self._remove.run(user_id, connection_id, erase=erase)

    def _manifest(self, broker: str) -> Manifest:
        try:
            return self._manifests.manifest(broker)
        except ValueError as error:
            raise BadConnectionError("broker", str(error).removeprefix("broker: ")) from None

    def _replaced(self, user_id: str, connection_id: str) -> str:
        if connection_id:
            try:
                self._own.one(user_id, connection_id)
            except ConnectionNotFoundError:
                raise BadConnectionError("replaces", "is not one of your connections") from None
        return connection_id
