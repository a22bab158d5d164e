"""The demo's brokers: simulators in threads of this process, whose accounts each meet a fate of their own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum

import httpx

from local.demo.people import ONE, TWO
from local.simulators.alpaca import demo_specs as alpaca_accounts
from local.simulators.alpaca_http import make_app as make_alpaca
from local.simulators.alpaca_world import World as AlpacaWorld
from local.simulators.faults import Fault
from local.simulators.ibkr_flex_http import PATH as FLEX_PATH
from local.simulators.ibkr_flex_http import make_app as make_ibkr_flex
from local.simulators.ibkr_flex_world import AccountSpec as FlexAccountSpec
from local.simulators.ibkr_flex_world import LoginSpec, QuerySpec
from local.simulators.ibkr_flex_world import World as FlexWorld
from local.simulators.mt5 import demo_specs as mt5_accounts
from local.simulators.mt5_http import make_app as make_mt5
from local.simulators.mt5_world import World as Mt5World
from local.simulators.oanda_http import make_app as make_oanda
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.serving import RunningServer, serve_in_thread
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

    def mend(self) -> None:
        """End all trouble that was planned for the first round."""
        httpx.delete(f"{self.server.base_url}/_sim/faults", timeout=10).raise_for_status()

    def truth(self) -> Mapping[str, AccountTruth]:
        """What the broker truly holds, by account number."""
        answer = httpx.get(f"{self.server.base_url}/_sim/truth", timeout=30)
        accounts = Truth.model_validate_json(answer.raise_for_status().content).accounts
        return {account.broker_account_id: account for account in accounts}


@contextmanager
def demo_brokers() -> Iterator[Sequence[DemoBroker]]:
    """All of the demo's brokers, until the `with` block ends; what takes longest comes first."""
    with ExitStack() as running:
        yield [_ibkr_flex(running), _mt5(running), _alpaca(running), _oanda(running)]


def _oanda(running: ExitStack) -> DemoBroker:
    kinds: Sequence[tuple[str, Fate, AccountSpec]] = [
        (TWO, Fate.FAILS_HALF_WAY, _oanda_account(1, executions=1_200)),
        (TWO, Fate.HEALS_ON_RETRY, _oanda_account(2, executions=250)),
        (ONE, Fate.HEALTHY, _oanda_account(3, executions=3_000)),
        (ONE, Fate.HEALTHY, _oanda_account(4, executions=300, currency="EUR", hedging=True)),
        (ONE, Fate.HEALTHY, _oanda_account(5, executions=120, currency="GBP", flat=True)),
        (ONE, Fate.HEALTHY, _oanda_account(6, executions=0, blank=True)),
        (TWO, Fate.REFUSED, _oanda_account(7, executions=50)),
    ]
    app, control = make_oanda(World([*(spec for _, _, spec in kinds), SPARE]))
    server = running.enter_context(serve_in_thread(app))
    for _, fate, spec in kinds:
        if fate is Fate.HEALS_ON_RETRY:
            control.faults.add(Fault(path="/transactions", token=spec.token, status=503, times=2))
        elif fate is Fate.FAILS_HALF_WAY:
            control.faults.add(Fault(path="/(idrange|sinceid)", token=spec.token, status=502, nth=2, times=None))
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


def _oanda_account(
    number: int,
    *,
    executions: int,
    currency: str = "USD",
    hedging: bool = False,
    flat: bool = False,
    blank: bool = False,
) -> AccountSpec:
    return AccountSpec(
        account=f"101-004-7000001-{number:03d}",
        token=f"simulated-{number}",
        seed=number,
        executions=executions,
        currency=currency,
        hedging=hedging,
        flat=flat,
        blank=blank,
    )


SPARE = _oanda_account(8, executions=90)
"""Nobody's yet: for whoever wants to connect something by hand."""


def _ibkr_flex(running: ExitStack) -> DemoBroker:
    """Statements are ready at the first poll; rates are counted as strictly as IBKR does."""
    whole, partly = (
        QuerySpec(id="100001"),
        QuerySpec(id="100002", omit={"Trade": frozenset({"transactionID", "dateTime"})}),
    )
    kinds: Sequence[tuple[str, Fate, LoginSpec]] = [
        (ONE, Fate.HEALTHY, _ibkr_login(1, accounts=3, query=whole)),
        (TWO, Fate.SET_UP_BADLY, _ibkr_login(2, accounts=1, query=partly)),
    ]
    app, _ = make_ibkr_flex(FlexWorld([spec for _, _, spec in kinds]))
    server = running.enter_context(serve_in_thread(app))
    return DemoBroker(
        key="ibkr_flex:live",
        endpoint=f"{server.base_url}{FLEX_PATH}",
        server=server,
        connections=[
            DemoConnection(
                trader=trader,
                broker="ibkr_flex",
                environment="live",
                credentials={"token": spec.token, "query_id": spec.queries[0].id},
                account_numbers=[account.account for account in spec.accounts],
                fate=fate,
            )
            for trader, fate, spec in kinds
        ],
    )


def _ibkr_login(number: int, *, accounts: int, query: QuerySpec) -> LoginSpec:
    return LoginSpec(
        token=f"simulated-flex-{number}",
        accounts=tuple(
            FlexAccountSpec(account=f"U{7_000_000 + 10 * number + at}", seed=10 * number + at, executions=200)
            for at in range(accounts)
        ),
        queries=(query,),
        polls=0,
    )


def _alpaca(running: ExitStack) -> DemoBroker:
    world = AlpacaWorld()
    spec, other = alpaca_accounts(1, executions=400, accounts=2)
    for one in (spec, other):
        world.open_account(one)
    app, control = make_alpaca(world)
    server = running.enter_context(serve_in_thread(app))
    control.faults.add(Fault(path="/positions", token=other.key_id, status=429, times=2))
    return DemoBroker(
        key="alpaca:paper",
        endpoint=f"{server.base_url}/v2",
        server=server,
        connections=[
            DemoConnection(
                trader=trader,
                broker="alpaca",
                environment="paper",
                credentials={"api_key_id": one.key_id, "api_secret_key": one.secret},
                account_numbers=[one.account],
                fate=fate,
            )
            for trader, fate, one in ((ONE, Fate.HEALTHY, spec), (TWO, Fate.HEALS_ON_RETRY, other))
        ],
    )


def _mt5(running: ExitStack) -> DemoBroker:
    (spec,) = mt5_accounts(1, executions=300, accounts=1)
    app, _ = make_mt5(Mt5World([spec]))
    server = running.enter_context(serve_in_thread(app))
    return DemoBroker(
        key="mt5:bridge",
        endpoint=server.base_url,
        server=server,
        connections=[
            DemoConnection(
                trader=ONE,
                broker="mt5",
                environment="bridge",
                credentials={
                    "base_url": "https://bridge.example.com",  # on the laptop the endpoint takes its place
                    "api_key": spec.api_key,
                    "server_zone": spec.zone,
                    "login": spec.login,
                },
                account_numbers=[spec.login],
                fate=Fate.HEALTHY,
            )
        ],
    )
