"""The brokers' simulators, each in a process of its own, and what happens to the benchmark's account there."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.bench.processes import Child, module

NEW_TRADES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What connects the account."""

    environment: str
    credentials: Mapping[str, str] = field(repr=False)
    accounts: tuple[str, ...]


class Broker:
    """A running simulator with one account. `prefix` starts the names of its figures.

    `begins` is the time of the first sync, `interval` what lies between two scheduled ones. `moves_prices`: whether
    figures change without trades. What its limits let one credential do decides how much is measured: `rounds` with so
    many `syncs` in a row, and one `batch` of jobs at once.
    """

    slug: str
    prefix: str
    login: Login
    endpoints: Mapping[str, str]
    begins: datetime
    interval: timedelta
    moves_prices: bool
    rounds: int
    syncs: int
    batch: int

    def __init__(self, origin: str) -> None:
        self._origin = origin

    @property
    def connection(self) -> dict[str, object]:
        """What tests.bench.connect has to know."""
        return {
            "broker": self.slug,
            "environment": self.login.environment,
            "credentials": dict(self.login.credentials),
            "accounts": self.login.accounts,
            "now": self.begins.isoformat(),
        }

    def executions(self) -> int:
        """How many executions a ledger should hold by now."""
        truth = self._ask("truth")
        return sum(len(account["executions"]) for account in truth["accounts"])

    def move_prices(self) -> None:
        """Change figures, and nothing else."""
        raise NotImplementedError

    def trade(self) -> timedelta:
        """Make about NEW_TRADES new executions; returns when a scheduled sync can see them."""
        raise NotImplementedError

    def _ask(self, what: str, body: object = None) -> Any:
        """Ask the simulator's back door, or tell it something. Raises OSError when it refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._origin}/_sim/{what}", data=data)  # noqa: S310 (our own address)
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return json.loads(answer.read())


class Oanda(Broker):
    """A day trader with 500 executions in five days, so that few of the entries are for financing overnight."""

    slug, prefix = "oanda", ""
    account: Final = "101-004-7000001-001"
    token: Final = "token-of-the-benchmark"
    login = Login(environment="practice", credentials={"token": token}, accounts=(account,))
    interval = timedelta(minutes=15)
    moves_prices = True
    rounds, syncs, batch = 12, 4, 10

    def __init__(self, origin: str, *, executions: int = 500, days: int = 5) -> None:
        super().__init__(origin)
        self.base_url = f"{origin}/v3"
        self.endpoints = {"oanda:practice": self.base_url}
        self.begins = datetime.now(UTC)
        past = {"seed": 11, "executions": executions, "days": days}
        self._ask("accounts", {"account": self.account, "token": self.token} | past)

    def move_prices(self) -> None:
        self._ask("move", {})

    def trade(self) -> timedelta:
        self._ask("trade", {"account": self.account, "count": NEW_TRADES})
        return self.interval


class IbkrFlex(Broker):
    """An account with some five executions a day, about 500 in all; each day's statement brings its own.

    Its statements have closing prices, so figures never change without a new day.
    """

    slug, prefix = "ibkr_flex", "ibkr_flex_"
    login = Login(environment="live", credentials={"token": "simulated-flex-7", "query_id": "100001"}, accounts=())
    begins = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday: the statement of Tuesday is there
    interval = timedelta(minutes=240)
    moves_prices = False
    rounds, syncs, batch = 4, 1, 1

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.endpoints = {"ibkr_flex:live": f"{origin}/AccountManagement/FlexWebService"}
        self._stand_at(self.begins)

    def trade(self) -> timedelta:
        self._stand_at(self.begins + timedelta(days=1))
        return timedelta(days=1)

    def _stand_at(self, now: datetime) -> None:
        self._ask("clock", {"now": now.isoformat(), "frozen": True})


@contextmanager
def oanda(*, executions: int = 500, days: int = 5) -> Iterator[Oanda]:
    """Run OANDA's simulator."""
    with Child(module("local.simulators.oanda", "--accounts", "0")) as process:
        yield Oanda(_origin(process), executions=executions, days=days)


@contextmanager
def ibkr_flex() -> Iterator[IbkrFlex]:
    """Run IBKR's simulator; it serves statements at once, and counts no requests: our own limits hold."""
    arguments = ["--accounts", "1", "--executions", "410", "--days", "140", "--polls", "0", "--no-limits"]
    arguments += ["--now", IbkrFlex.begins.isoformat()]
    with Child(module("local.simulators.ibkr_flex", *arguments)) as process:
        yield IbkrFlex(_origin(process))


def _origin(process: Child) -> str:
    """From `OANDA simulator: http://127.0.0.1:40000/v3, back door http://127.0.0.1:40000/_sim`."""
    return process.read_line().rpartition(" ")[2].removesuffix("/_sim")
