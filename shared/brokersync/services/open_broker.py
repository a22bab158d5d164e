"""What a run needs of the world, and the way to its feed's broker: provider, credentials, session, http."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.feeds import Feed
from brokersync.domain.manifests import Manifest
from brokersync.domain.plans import TERMS
from brokersync.ports.brokers import BrokerHttpFactory, Catalog, FetchContext, Provider
from brokersync.ports.connections import Connection, Connections, Erasing
from brokersync.ports.messages import Bus, SyncQueue
from brokersync.ports.storage import Runs, Snapshots
from brokersync.ports.world import Clock, Deadline, Ids
from brokersync.services.breakers import Breakers
from brokersync.services.progress import Progress, Work
from brokersync.services.store_chunk import ChunkStores


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPorts:
    """What a sync needs of the world."""

    stores: ChunkStores
    runs: Runs
    snapshots: Snapshots
    connections: Connections
    erasing: Erasing
    catalog: Catalog
    http: BrokerHttpFactory
    breakers: Breakers
    queue: SyncQueue
    bus: Bus
    clock: Clock
    ids: Ids
    broker_endpoints: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBroker:
    """A feed's broker, ready to be asked."""

    provider: Provider
    connection: Connection
    context: FetchContext


def open_broker(ports: SyncPorts, feed: Feed, work: Work, progress: Progress, deadline: Deadline) -> OpenBroker:
    """The broker of a feed, with its connection's credentials. Raises UserActionNeededError when that was removed."""
    provider = ports.catalog.provider(feed.broker)
    manifest = provider.manifest
    try:
        connection, credentials = ports.connections.credentials(feed.connection_id, feed.connection_version)
    except KeyError:
        raise UserActionNeededError(ErrorCode.CANCELLED, "This connection was removed.") from None
    environment = manifest.environment(connection.environment)
    now = ports.clock.now()
    context = FetchContext(
        credentials=credentials,
        environment=environment,
        base_url=ports.broker_endpoints.get(f"{manifest.slug}:{environment.name}", environment.base_url),
        accounts=tuple(feed.accounts),
        cursor=progress.cursor,
        state=work.state,
        history_start=_history_start(feed, progress, manifest, now),
        now=now,
        http=ports.http.for_run(
            manifest, manifest.counted_as(connection.fingerprint, credentials), deadline, progress.stats
        ),
        session=ports.connections.session(connection),
        accepted_through=feed.accepted_through,
    )
    return OpenBroker(provider=provider, connection=connection, context=context)


def _history_start(feed: Feed, progress: Progress, manifest: Manifest, now: datetime) -> datetime | None:
    """How far back a load goes: as was asked, else what the plan shows and the broker keeps; None for all there is."""
    if progress.load is not None and progress.load.start is not None:
        return progress.load.start
    bounds = [days for days in (TERMS[feed.plan].history_days, manifest.history_depth_days) if days is not None]
    return now - timedelta(days=min(bounds)) if bounds else None
