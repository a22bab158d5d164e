"""A sync of the OANDA simulator without an engine: fetch over real HTTP, normalise at each checkpoint, keep by id."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import httpx
from starlette.types import ASGIApp

from brokersync.brokers.oanda.provider import provider
from brokersync.domain.pages import Checkpoint, Normalised, RawPage
from brokersync.domain.trades import CashEvent, Execution
from brokersync.ports.brokers import FetchContext
from local.simulators.control import Control
from local.simulators.oanda_http import make_app
from local.simulators.oanda_time import DAY, SECOND, parse
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.serving import RunningServer
from tests.simulators.engineless import PlainHttp, chunks

ACCOUNT = "101-004-1000001-001"
TOKEN = "a-token-of-the-simulator"
END = parse("2026-05-11T09:00:00Z")
NOW = datetime(2026, 5, 11, 9, 30, tzinfo=UTC)


@dataclass
class Kept:
    """What a ledger would hold after some syncs, and where the feed stands."""

    cursor: str = ""
    executions: dict[str, Execution] = field(default_factory=dict)
    cash_events: dict[str, CashEvent] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    pages: list[RawPage] = field(default_factory=list)
    said: list[Normalised] = field(default_factory=list)
    came_twice: list[str] = field(default_factory=list)

    def keep(self, said: Normalised, checkpoint: Checkpoint) -> None:
        """Store a chunk, then move the cursor."""
        for entry in (*said.executions, *said.cash_events):
            kept = self.executions if isinstance(entry, Execution) else self.cash_events
            if entry.source_id in kept:
                self.came_twice.append(entry.source_id)
            kept[entry.source_id] = entry  # type: ignore[index]
        self.said.append(said)
        self.checkpoints.append(checkpoint)
        self.cursor = checkpoint.cursor


class Simulated:
    """A served world with one account, and syncs of it."""

    def __init__(self, world: World, control: Control, server: RunningServer) -> None:
        self.world, self.control, self.server = world, control, server

    @property
    def base_url(self) -> str:
        """What the provider is given."""
        return f"{self.server.base_url}/v3"

    def context(self, http: PlainHttp, kept: Kept, **changed: object) -> FetchContext:
        """The context of a run."""
        usual: dict[str, object] = {
            "credentials": {"token": TOKEN},
            "environment": provider.manifest.environment("practice"),
            "base_url": self.base_url,
            "accounts": (ACCOUNT,),
            "cursor": kept.cursor,
            "state": {},
            "history_start": None,
            "now": NOW,
            "http": http,
        }
        return FetchContext(**(usual | changed))  # type: ignore[arg-type]

    def sync(
        self,
        kept: Kept,
        *,
        checkpoints: int | None = None,
        before: Callable[[int], None] = lambda _ordinal: None,
        **changed: object,
    ) -> list[str]:
        """Fetch and keep, at most so many checkpoints; returns the addresses that were asked."""
        http = PlainHttp(before)
        try:
            fetched = chunks(
                provider.fetch(self.context(http, kept, **changed)),
                lambda pages: provider.normalise(pages, (ACCOUNT,)),
                kept.pages,
            )
            for said, checkpoint in islice(fetched, checkpoints):
                kept.keep(said, checkpoint)
            return [url.removeprefix(self.base_url) for url in http.requests]
        finally:
            http.close()

    def truth(self, since: str = "") -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]]]:
        """Executions and cash events that the simulator's own book holds, by their ids; asked over HTTP."""
        params = {"account": ACCOUNT} | ({"since": since} if since else {})
        (account,) = httpx.get(f"{self.server.base_url}/_sim/truth", params=params).json()["accounts"]
        return (
            {one["source_trade_id"]: one for one in account["executions"]},
            {one["source_id"]: one for one in account["cash_events"]},
        )


def simulate(server: RunningServer, **spec: object) -> tuple[ASGIApp, Simulated]:
    """A world with one account whose past ends at END; its clock then goes on by a second per look."""
    ticks = iter(range(END, END + DAY, SECOND))
    usual: dict[str, object] = {"account": ACCOUNT, "token": TOKEN, "executions": 60}
    world = World([AccountSpec(**(usual | spec))], clock=lambda: next(ticks), end=END)  # type: ignore[arg-type]
    app, control = make_app(world)
    return app, Simulated(world, control, server)


def as_truth(execution: Execution) -> dict[str, object]:
    """An execution in the words of the simulator's truth."""
    return {
        "broker_account_id": execution.broker_account_id,
        "source_trade_id": execution.source_trade_id,
        "symbol": execution.symbol,
        "side": execution.side.value,
        "quantity": text(execution.quantity),
        "price": text(execution.price),
        "currency": execution.currency,
        "executed_at_ns": execution.executed_at.ns,
        "effect": execution.effect.value if execution.effect else "",
        "order_id": execution.order_id,
        "position_id": execution.position_id,
        "reason": execution.reason,
        "realised_pnl": None if execution.realised_pnl is None else text(execution.realised_pnl),
        "pnl_currency": execution.pnl_currency,
        "fees": {name: text(amount) for name, amount in execution.fees.items()},
    }


def cash_as_truth(event: CashEvent) -> dict[str, object]:
    """A cash event in the words of the simulator's truth."""
    return {
        "broker_account_id": event.broker_account_id,
        "source_id": event.source_id,
        "kind": event.kind.value,
        "amount": text(event.amount),
        "currency": event.currency,
        "occurred_at_ns": event.occurred_at.ns,
        "symbol": event.symbol,
        "position_id": event.position_id,
    }


def text(number: object) -> str:
    """A number without trailing zeros."""
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def assert_kept_is_true(simulated: Simulated, kept: Kept, since: str = "") -> None:
    """Everything that the simulator holds is kept, entry by entry, and nothing else."""
    executions, cash_events = simulated.truth(since)
    assert {key: as_truth(one) for key, one in kept.executions.items()} == executions
    assert {key: cash_as_truth(one) for key, one in kept.cash_events.items()} == cash_events
    assert kept.came_twice == []
    assert [row for said in kept.said for row in said.unmapped] == []
