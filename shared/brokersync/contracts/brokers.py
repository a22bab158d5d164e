"""The catalog of brokers as the API and the command line tell it: what the manifests say, in one document."""

from collections.abc import Iterable, Sequence
from typing import Self

from pydantic import Field

from brokersync.contracts.http.base import Body, Instant
from brokersync.domain.breaker import BreakerStatus, Circuit
from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import AuthField, LimitScope, Manifest


class BrokerField(Body):
    """One thing that the trader enters to connect. What is secret is never shown again."""

    name: str = Field(examples=["token"])
    label: str = Field(examples=["Personal access token"])
    help: str = Field(description="Where the trader finds it.")
    secret: bool
    required: bool = Field(description="Whether it has to be entered; else `default` is taken.")
    default: str

    @classmethod
    def of(cls, field: AuthField) -> Self:
        """From a manifest's field."""
        return cls.model_validate(field)


class BrokerLimit(Body):
    """At most `requests` in any `seconds`, of which we use `used`."""

    requests: int = Field(examples=[120])
    seconds: float = Field(examples=[1.0])
    used: int = Field(examples=[96])


class BrokerLimits(Body):
    """How often the broker may be asked. Each window counts by itself; we use `used` of it."""

    counted_by: LimitScope = Field(description="What the broker counts by: the credential, or the caller's address.")
    windows: tuple[BrokerLimit, ...]


class BrokerCapabilities(Body):
    """What a sync of this broker can do."""

    accounts: FetchScope = Field(
        description="`account`: the trader names each account to connect. `connection`: all of the login come together."
    )
    sections: tuple[str, ...] = Field(description="What a sync reads, in the broker's own words.")
    reread_hours: float = Field(
        description="How much is read again at every sync, for what the broker books late or corrects.", examples=[168]
    )


class BrokerCircuit(Body):
    """Whether we ask the broker in one environment, or leave it in peace because it has trouble."""

    environment: str = Field(examples=["practice"])
    state: BreakerStatus = Field(
        description="`closed`: all is well. `open`: nobody asks before `retry_at`. `half_open`: the next sync tries."
    )
    since: Instant | None = Field(description="Since when the broker has had trouble; null while closed.")
    retry_at: Instant | None = Field(description="When it is asked again; null while closed or half open.")


class Broker(Body):
    """A broker that can be connected."""

    slug: str = Field(examples=["oanda"])
    name: str = Field(examples=["OANDA"])
    documentation_url: str
    setup_help: str = Field(description="What the trader does at the broker before connecting.")
    environments: tuple[str, ...] = Field(examples=[["practice", "live"]])
    auth_fields: tuple[BrokerField, ...]
    capabilities: BrokerCapabilities
    limits: BrokerLimits
    useful_interval_min: int = Field(description="Minutes between syncs below which nothing is gained.")
    history_days: int | None = Field(description="How far back the broker's history reaches; null for all there is.")
    perishable: bool = Field(description="Whether the broker forgets what is not fetched in time.")
    news_note: str = Field(description="When news can exist; empty where they come at once.")

    circuits: tuple[BrokerCircuit, ...] | None = Field(
        description="How each environment is right now. Empty where every trader has a server of his own; null when "
        "it is not known."
    )

    @classmethod
    def of(cls, manifest: Manifest, circuits: Sequence[Circuit] | None) -> Self:
        """From the broker's manifest and how the broker is."""
        return cls(
            slug=manifest.slug,
            name=manifest.name,
            documentation_url=manifest.documentation_url,
            setup_help=manifest.setup_help,
            environments=tuple(environment.name for environment in manifest.environments),
            auth_fields=tuple(BrokerField.of(field) for field in manifest.auth_fields),
            capabilities=BrokerCapabilities(
                accounts=manifest.fetch_scope,
                sections=manifest.sections,
                reread_hours=manifest.overlap.total_seconds() / 3600,
            ),
            limits=BrokerLimits(
                counted_by=manifest.limit_scope,
                windows=tuple(
                    BrokerLimit(requests=window.count, seconds=window.seconds, used=window.configured)
                    for window in manifest.limits
                ),
            ),
            useful_interval_min=manifest.useful_interval_min,
            history_days=manifest.history_depth_days,
            perishable=manifest.perishable,
            news_note=manifest.news_note,
            circuits=None if circuits is None else tuple(map(BrokerCircuit.model_validate, circuits)),
        )


class Brokers(Body):
    """All brokers, by name."""

    brokers: tuple[Broker, ...]

    @classmethod
    def of(cls, brokers: Iterable[tuple[Manifest, Sequence[Circuit] | None]]) -> Self:
        """From each broker's manifest and how it is."""
        return cls(brokers=tuple(Broker.of(manifest, circuits) for manifest, circuits in brokers))
