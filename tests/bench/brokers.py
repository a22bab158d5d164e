"""The brokers' simulators, each in a process of its own, and what happens to the one account of the benchmark."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tests.bench.processes import Child

TRADES = 500
NEW_TRADES = 5
DAYS = 5  # over which the account traded: a day trader, whose open positions leave few entries for financing


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What connects the account."""

    broker: str
    environment: str
    credentials: Mapping[str, str] = field(repr=False)
    accounts: tuple[str, ...]


class Broker(Protocol):
    """A running simulator with an account of TRADES executions. Time stands still between what happens to it."""

    @property
    def prefix(self) -> str:
        """What the names of its figures start with."""
        ...

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Its address, as the sync function's setting BROKER_ENDPOINTS."""
        ...

    @property
    def fits_a_batch(self) -> bool:
        """Whether its limits let ten jobs of one credential run at once."""
        ...

    @property
    def rounds(self) -> int:
        """How often they let a sync be measured."""
        ...

    @property
    def login(self) -> Login:
        """How to connect."""
        ...

    def move_prices(self) -> None:
        """Change figures, and nothing else."""
        ...

    def trade(self) -> None:
        """Make NEW_TRADES new executions."""
        ...


def post(url: str, body: object) -> None:
    """Tell a simulator's back door something. Raises OSError when it refuses."""
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request, timeout=30).close()


class Oanda:
    """OANDA's API. The account's feed is the account."""

    prefix = ""
    fits_a_batch = True
    rounds = 9
    account = "101-004-7000001-001"
    token = "token-of-the-benchmark"

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.base_url = f"{origin}/v3"
        self.endpoints = {"oanda:practice": self.base_url}
        self.login = Login(
            broker="oanda",
            environment="practice",
            credentials={"token": self.token},
            accounts=(self.account,),
        )
        spec = {"account": self.account, "token": self.token, "seed": 11, "executions": TRADES, "days": DAYS}
        post(f"{origin}/_sim/accounts", spec)

    def move_prices(self) -> None:
        post(f"{self._origin}/_sim/move", {})

    def trade(self) -> None:
        post(f"{self._origin}/_sim/trade", {"account": self.account, "count": NEW_TRADES})


@contextmanager
def oanda() -> Iterator[Oanda]:
    """Run OANDA's simulator."""
    with Child("local.simulators.oanda", "--accounts", "0") as process:
        origin = process.read_line().split()[2].removesuffix(",").removesuffix("/v3")
        yield Oanda(origin)
