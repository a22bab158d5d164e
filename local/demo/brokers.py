"""The demo's brokers: simulators in threads of this process, whose accounts each meet a fate of their own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum

import httpx

from local.demo.truth import AccountTruth, Truth
from local.simulators.faults import Fault
from local.simulators.oanda_http import make_app as make_oanda
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.serving import RunningServer, serve_in_thread


class Fate(StrEnum):
    """What happens to a connection in the first round."""

    HEALTHY = "healthy"
    REFUSED = "refused"
    FAILS_HALF_WAY = "fails half way"
    HEALS_ON_RETRY = "heals on retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConnection:
    """What a demo trader connects. `account_numbers` is empty where the broker's answer lists them."""

    trader: str
    broker: str
    environment: str
    credentials: Mapping[str, str]
    account_numbers: Sequence[str]
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBroker:
    """A running simulator. `endpoint` is what the template's BrokerEndpoints gets for `key` (`broker:environment`)."""

    key: str
    endpoint: str
    server: RunningServer
    connections: Sequence[DemoConnection]

    def truth(self) -> Mapping[str, AccountTruth]:
        """What the broker truly holds, by account number."""
        answer = httpx.get(f"{self.server.base_url}/_sim/truth", timeout=30)
        accounts = Truth.model_validate_json(answer.raise_for_status().content).accounts
        return {account.broker_account_id: account for account in accounts}


@contextmanager
def demo_brokers() -> Iterator[Sequence[DemoBroker]]:
    """All of the demo's brokers, until the `with` block ends."""
    with ExitStack() as running:
        yield [_oanda(running)]


def _oanda(running: ExitStack) -> DemoBroker:
    kinds: Sequence[tuple[str, Fate, AccountSpec]] = [
        ("trader-one", Fate.HEALTHY, AccountSpec(account=_number(1), token=_token(1), seed=1, executions=4_000)),
        (
            "trader-one",
            Fate.HEALTHY,
            AccountSpec(account=_number(2), token=_token(2), seed=2, executions=300, currency="EUR", hedging=True),
        ),
        (
            "trader-one",
            Fate.HEALTHY,
            AccountSpec(account=_number(3), token=_token(3), seed=3, executions=120, currency="GBP", flat=True),
        ),
        (
            "trader-one",
            Fate.HEALTHY,
            AccountSpec(account=_number(4), token=_token(4), seed=4, executions=0, blank=True),
        ),
        (
            "trader-two",
            Fate.HEALS_ON_RETRY,
            AccountSpec(account=_number(5), token=_token(5), seed=5, executions=250),
        ),
        (
            "trader-two",
            Fate.FAILS_HALF_WAY,
            AccountSpec(account=_number(6), token=_token(6), seed=6, executions=1_200),
        ),
        ("trader-two", Fate.REFUSED, AccountSpec(account=_number(7), token=_token(7), seed=7, executions=50)),
    ]
    app, control = make_oanda(World([spec for _, _, spec in kinds]))
    server = running.enter_context(serve_in_thread(app))
    for _, fate, spec in kinds:
        if fate is Fate.HEALS_ON_RETRY:
            control.faults.add(Fault(path="/transactions", token=spec.token, status=503, times=2))
        elif fate is Fate.FAILS_HALF_WAY:
            control.faults.add(Fault(path="/idrange", token=spec.token, status=502, nth=2, times=None))
    return DemoBroker(
        key="oanda:practice",
        endpoint=f"{server.base_url}/v3",
        server=server,
        connections=[
            DemoConnection(
                trader=trader,
                broker="oanda",
                environment="practice",
                credentials={"token": "revoked-long-ago" if fate is Fate.REFUSED else spec.token},
                account_numbers=[spec.account],
                fate=fate,
            )
            for trader, fate, spec in kinds
        ],
    )


def _number(last: int) -> str:
    return f"101-004-7000001-{last:03d}"


def _token(number: int) -> str:
    return f"simulated-{number}"
