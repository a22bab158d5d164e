"""What a trader waits for a status read on the laptop's stack, beside a bare Lambda invocation there.

The bare function returns at once, and is invoked by the Lambda API: no gateway, no token, no table. The status read
goes all the way: gateway, token, function, two tables.
"""

import io
import os
import statistics
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

import httpx

from brokersync.domain.feeds import Feed
from brokersync.domain.identity import user_id
from brokersync.domain.plans import Plan
from brokersync.ports.accounts import TradingAccount
from local.commands.stack import Stack
from local.stack.laptop import Laptop, laptop
from tests.bench.report import Figures
from tests.bench.scenarios import BenchError

READS = 300
WARM_UP = 20
SUBJECT = "bench"
ACCOUNT = "acc_bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRead:
    """Milliseconds: medians and 95th percentiles, taken in turns."""

    bare_p50: float
    bare_p95: float
    read_p50: float
    read_p95: float
    unchanged_p95: float

    @property
    def times_bare(self) -> float:
        """A status read in bare invocations, both at the 95th percentile."""
        return self.read_p95 / self.bare_p95


def measure() -> StatusRead:
    """Start the whole stack, and read the status of one account again and again."""
    with laptop({}) as here, patch.dict(os.environ, here.emulator.environment):
        invoke = _bare(here)
        _store_an_account(here)
        headers = {"Authorization": f"Bearer {here.issuer.token(SUBJECT)}"}
        path = f"{here.api_url}/trading-accounts/{ACCOUNT}/sync-status"
        with httpx.Client(headers=headers, timeout=30) as client:
            etag = _answered(client.get(path), 200).headers["etag"]
            known = {"If-None-Match": etag}
            bare, reads, unchanged = _in_turns(
                invoke,
                lambda: _answered(client.get(path), 200),
                lambda: _answered(client.get(path, headers=known), 304),
            )
    return StatusRead(
        bare_p50=statistics.median(bare),
        bare_p95=_p95(bare),
        read_p50=statistics.median(reads),
        read_p95=_p95(reads),
        unchanged_p95=_p95(unchanged),
    )


def figures_of(measured: StatusRead) -> Figures:
    """The figures by name."""
    return {
        "status_read_p50_ms": measured.read_p50,
        "status_read_p95_ms": measured.read_p95,
        "bare_invocation_p95_ms": measured.bare_p95,
        "status_read_p95_times_bare": measured.times_bare,
    }


def told(measured: StatusRead) -> str:
    """In a line."""
    return (
        f"p50 {measured.read_p50:.1f}, p95 {measured.read_p95:.1f} ms (unchanged {measured.unchanged_p95:.1f}); a bare "
        f"invocation p50 {measured.bare_p50:.1f}, p95 {measured.bare_p95:.1f} ms: {measured.times_bare:.1f} times"
    )


def _in_turns(*calls: Callable[[], object]) -> tuple[list[float], ...]:
    """Milliseconds of each call, taken in turns so that what disturbs one disturbs all; the first ones don't count."""
    taken: tuple[list[float], ...] = tuple([] for _ in calls)
    for number in range(WARM_UP + READS):
        for times, call in zip(taken, calls, strict=True):
            begun = time.perf_counter()
            call()
            if number >= WARM_UP:
                times.append((time.perf_counter() - begun) * 1000)
    return taken


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _answered(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise BenchError(f"a status read answered {answer.status_code}: {answer.text[:500]}")
    return answer


def _bare(here: Laptop) -> Callable[[], object]:
    """A function that does nothing, invoked."""
    client = here.emulator.session.client("lambda", endpoint_url=here.emulator.endpoint)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("bare.py", "def handler(event, context):\n    return {}\n")
    function = client.get_function_configuration(FunctionName=here.deployed.resources["ApiFunction"])
    client.create_function(
        FunctionName="bare",
        Runtime=function["Runtime"],
        Role=function["Role"],
        Handler="bare.handler",
        Code={"ZipFile": code.getvalue()},
        MemorySize=function["MemorySize"],
    )
    return lambda: client.invoke(FunctionName="bare", Payload=b"{}")["Payload"].read()


def _store_an_account(here: Laptop) -> None:
    stack = Stack(here.deployed.name, {})
    user = user_id(here.issuer.issuer, SUBJECT)
    feed = Feed(
        feed_id=ACCOUNT,
        user_id=user,
        connection_id="con_bench",
        connection_version=1,
        broker="oanda",
        plan=Plan.PRO,
        interval_min=15,
        accounts={"001": ACCOUNT},
        sync_enabled=False,
    )
    stack.feeds.create(feed)
    stack.accounts.ensure(
        TradingAccount(
            account_id=ACCOUNT,
            user_id=user,
            feed_id=ACCOUNT,
            connection_id="con_bench",
            broker="oanda",
            broker_account_id="001",
            masked_number="...",
            name="Bench",
            currency="EUR",
        )
    )
