"""The demo's brokers: simulators in threads of this process, whose accounts each meet a fate of their own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from starlette.applications import Starlette

from local.demo.cast import DemoBroker, DemoConnection, Fate
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
from local.simulators.serving import serve_in_thread
from local.simulators.snaptrade import demo_specs as snaptrade_accounts
from local.simulators.snaptrade_http import make_app as make_snaptrade
from local.simulators.snaptrade_world import World as SnapTradeWorld
from local.simulators.tradovate import demo_specs as tradovate_logins
from local.simulators.tradovate_http import PATH as TRADOVATE_PATH
from local.simulators.tradovate_http import make_app as make_tradovate
from local.simulators.tradovate_world import World as TradovateWorld

Connects = tuple[str, Fate, Mapping[str, str], Sequence[str]]
"""A connection to be: trader, fate, credentials, the account numbers that they open."""


@contextmanager
def demo_brokers() -> Iterator[Sequence[DemoBroker]]:
    """All of the demo's brokers, until the `with` block ends; what takes longest comes first."""
    with ExitStack() as running:
        makers = (_ibkr_flex, _tradovate, _snaptrade, _mt5, _alpaca, _oanda)
        yield [make(running) for make in makers]


def _serve(running: ExitStack, key: str, app: Starlette, path: str, connects: Sequence[Connects]) -> DemoBroker:
    broker, environment = key.split(":")
    server = running.enter_context(serve_in_thread(app))
    return DemoBroker(
        key=key,
        endpoint=f"{server.base_url}{path}",
        server=server,
        connections=[
            DemoConnection(
                trader=trader,
                fate=fate,
                broker=broker,
                environment=environment,
                credentials=credentials,
                account_numbers=numbers,
            )
            for trader, fate, credentials, numbers in connects
        ],
    )


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
    for _, fate, spec in kinds:
        if fate is Fate.HEALS_ON_RETRY:
            control.faults.add(Fault(path="/transactions", token=spec.token, status=503, times=2))
        elif fate is Fate.FAILS_HALF_WAY:
            control.faults.add(Fault(path="/(idrange|sinceid)", token=spec.token, status=502, nth=2, times=None))
    connects: list[Connects] = [
        (trader, fate, {"token": "revoked-long-ago" if fate is Fate.REFUSED else spec.token}, [spec.account])
        for trader, fate, spec in kinds
    ]
    return _serve(running, "oanda:practice", app, "/v3", connects)


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
    connects: list[Connects] = [
        (
            trader,
            fate,
            {"token": spec.token, "query_id": spec.queries[0].id},
            [account.account for account in spec.accounts],
        )
        for trader, fate, spec in kinds
    ]
    return _serve(running, "ibkr_flex:live", app, FLEX_PATH, connects)


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
    healthy, limited = alpaca_accounts(1, executions=400, accounts=2)
    for spec in (healthy, limited):
        world.open_account(spec)
    app, control = make_alpaca(world)
    control.faults.add(Fault(path="/positions", token=limited.key_id, status=429, times=2))
    connects: list[Connects] = [
        (trader, fate, {"api_key_id": spec.key_id, "api_secret_key": spec.secret}, [spec.account])
        for trader, fate, spec in ((ONE, Fate.HEALTHY, healthy), (TWO, Fate.HEALS_ON_RETRY, limited))
    ]
    return _serve(running, "alpaca:paper", app, "/v2", connects)


def _mt5(running: ExitStack) -> DemoBroker:
    (spec,) = mt5_accounts(1, executions=300, accounts=1)
    app, _ = make_mt5(Mt5World([spec]))
    credentials = {
        "base_url": "https://bridge.example.com",  # on the laptop the endpoint takes its place
        "api_key": spec.api_key,
        "server_zone": spec.zone,
        "login": spec.login,
    }
    return _serve(running, "mt5:bridge", app, "", [(ONE, Fate.HEALTHY, credentials, [spec.login])])


def _tradovate(running: ExitStack) -> DemoBroker:
    """What it lists is of the present session, so its trades are today's."""
    world = TradovateWorld()
    (login,) = tradovate_logins(1, executions=150, accounts=2)
    world.add_login(login.login, login.accounts)
    app, _ = make_tradovate(world)
    numbers = [str(account.id) for account in login.accounts]
    return _serve(running, "tradovate:demo", app, TRADOVATE_PATH, [(ONE, Fate.HEALTHY, login.credentials, numbers)])


def _snaptrade(running: ExitStack) -> DemoBroker:
    """One account each at two institutions, which tell what happened up to yesterday."""
    world = SnapTradeWorld()
    specs = snaptrade_accounts(1, executions=300, accounts=2)
    for spec in specs:
        world.open_account(spec)
    app, _ = make_snaptrade(world)
    connects: list[Connects] = [
        (
            ONE,
            Fate.HEALTHY,
            {
                "client_id": spec.client_id,
                "consumer_key": spec.consumer_key,
                "user_id": spec.user_id,
                "user_secret": spec.user_secret,
            },
            [spec.identity],
        )
        for spec in specs
    ]
    return _serve(running, "snaptrade:live", app, "", connects)
