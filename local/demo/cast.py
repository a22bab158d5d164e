"""Who takes part in the demo: simulated brokers, the connections that traders make there, and the fate of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import httpx

from local.simulators.serving import RunningServer
from local.simulators.truth import AccountTruth, Truth


class Fate(StrEnum):
    """What happens to a connection in the first round."""

    HEALTHY = "healthy"
    REFUSED = "refused"
    FAILS_HALF_WAY = "fails half way"
    HEALS_ON_RETRY = "heals on retry"
    SET_UP_BADLY = "set up badly"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConnection:
    """What a demo trader connects. `account_numbers` are those that the credential opens at the broker."""

    trader: str
    fate: Fate
    broker: str
    environment: str
    credentials: Mapping[str, str]
    account_numbers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBroker:
    """A running simulator. `endpoint` is what the template's BrokerEndpoints gets for `key` (`broker:environment`)."""

    key: str
    endpoint: str
    server: RunningServer
    connections: Sequence[DemoConnection]

    def mend(self) -> None:
        """End all trouble that was planned for the first round."""
        httpx.delete(f"{self.server.base_url}/_sim/faults", timeout=10).raise_for_status()

    def truth(self) -> Mapping[str, AccountTruth]:
        """What the broker truly holds, by account number."""
        answer = httpx.get(f"{self.server.base_url}/_sim/truth", timeout=30)
        accounts = Truth.model_validate_json(answer.raise_for_status().content).accounts
        return {account.broker_account_id: account for account in accounts}
