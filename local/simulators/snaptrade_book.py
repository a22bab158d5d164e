"""One account at an institution: what happened in it, its cash, and what it holds. SnapTrade only shows it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Required, TypedDict, Unpack
from zoneinfo import ZoneInfo

from brokersync.domain.money import plain
from brokersync.domain.times import to_ns
from local.simulators.snaptrade_market import Market, Security

ZERO: Final = Decimal(0)
NEW_YORK: Final = ZoneInfo("America/New_York")
Entry = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Event:
    """Something that happened: what the institution tells of it, and (`entry_kind`, `reason`) what it is in a ledger.

    `units` and `amount` are signed: into the account is positive. `booked` is when the institution told it first.
    """

    ordinal: int
    type: str
    happened: datetime
    booked: datetime
    entry_kind: str
    security: Security | None = None
    units: Decimal = ZERO
    price: Decimal = ZERO
    amount: Decimal = ZERO
    fee: Decimal = ZERO
    option_type: str = ""
    reference: str = ""
    reason: str = ""
    told: datetime
    """The time that the institution tells, and `day` its day in New York."""
    day: date
    first_id: str = ""
    """The id under which SnapTrade told it first: that is the one by which a ledger knows it."""


class What(TypedDict, total=False):
    """What an event is, beside its times."""

    entry_kind: Required[str]
    security: Security | None
    units: Decimal
    price: Decimal
    amount: Decimal
    fee: Decimal
    option_type: str
    reference: str
    reason: str


@dataclass(slots=True)
class Holding:
    """Units held, and what they cost."""

    units: Decimal = ZERO
    cost: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class Book:
    """An account. `days_only`: the institution tells days and no times; `masked`: SnapTrade shows no whole number."""

    institution: str
    institution_account_id: str
    number: str
    opened: datetime
    rng: random.Random
    days_only: bool = False
    market: Market = field(default_factory=Market)
    cash: Decimal = ZERO
    holdings: dict[str, Holding] = field(default_factory=dict)
    securities: dict[str, Security] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    executions: int = 0

    @property
    def identity(self) -> str:
        """What names the account wherever it is shown."""
        return f"{self.institution}:{self.institution_account_id or self.number}"

    def trade(
        self,
        at: datetime,
        security: Security,
        units: Decimal,
        price: Decimal,
        *,
        fee: Decimal = ZERO,
        kind: str = "",
        option_type: str = "",
        reason: str = "",
        booked: datetime | None = None,
    ) -> Event:
        """Buy (units above 0) or sell, at a price per share."""
        event = self._write(
            at,
            booked or at,
            kind or ("BUY" if units > 0 else "SELL"),
            entry_kind="trade",
            security=security,
            units=units,
            price=price,
            amount=-(units * price * security.multiplier) - fee,
            fee=fee,
            option_type=option_type,
            reference=f"O-{self.rng.getrandbits(48):012x}",
            reason=reason,
        )
        self._hold(security, units, price)
        return event

    def move(
        self,
        at: datetime,
        kind: str,
        amount: Decimal,
        *,
        entry_kind: str,
        security: Security | None = None,
        units: Decimal = ZERO,
    ) -> Event:
        """Move cash, or units that cost nothing."""
        event = self._write(at, at, kind, entry_kind=entry_kind, security=security, units=units, amount=amount)
        if security is not None and units:
            self._hold(security, units, ZERO)
        return event

    def correct(self, event: Event, price: Decimal) -> None:
        """The institution changes the price of what it told."""
        changed = -(event.units * (price - event.price)) * (event.security.multiplier if event.security else 1)
        event.price, event.amount = price, event.amount + changed
        self.cash += changed

    def held(self, symbol: str) -> Decimal:
        """How many units are held."""
        return self.holdings[symbol].units if symbol in self.holdings else ZERO

    def positions(self) -> Sequence[tuple[Security, Holding]]:
        """All that is held."""
        return [(self.securities[symbol], held) for symbol, held in sorted(self.holdings.items()) if held.units]

    def equity(self) -> Decimal:
        """Cash, and what is held at the last prices."""
        worth = (held.units * self.market.price(one) * one.multiplier for one, held in self.positions())
        return self.cash + sum(worth, ZERO)

    def entry(self, event: Event, source_id: str) -> Entry:
        """What the event is in a ledger, under its names."""
        owner: Entry = {"broker_account_id": self.identity}
        at = to_ns(event.told)
        traded = event.security
        if event.entry_kind != "trade" or traded is None:
            return owner | {
                "source_id": source_id,
                "kind": event.entry_kind,
                "amount": plain(event.amount),
                "currency": "USD",
                "occurred_at_ns": at,
                "symbol": traded.symbol if traded else "",
            }
        closes = event.reason == "expiry" or event.option_type.endswith("CLOSE")
        return owner | {
            "source_trade_id": source_id,
            "symbol": traded.symbol,
            "asset_class": traded.asset_class,
            "side": "buy" if event.units > 0 else "sell",
            "quantity": plain(abs(event.units)),
            "price": plain(event.price),
            "currency": "USD",
            "executed_at_ns": at,
            "kind": "trade",
            "multiplier": plain(traded.multiplier),
            "fees": {"fee": plain(event.fee)} if event.fee else {},
            "effect": ("close" if closes else "open") if event.option_type or closes else None,
            "order_id": event.reference,
            "reason": event.reason,
            "contract": dict(traded.contract),
        }

    def _write(self, at: datetime, booked: datetime, kind: str, **what: Unpack[What]) -> Event:
        local = at.astimezone(NEW_YORK)
        told = local.replace(hour=0, minute=0, second=0, microsecond=0) if self.days_only else local
        event = Event(
            ordinal=len(self.events),
            type=kind,
            happened=at,
            booked=booked,
            told=told.astimezone(UTC),
            day=local.date(),
            **what,
        )
        self.events.append(event)
        self.cash += event.amount
        self.executions += event.entry_kind == "trade"
        return event

    def _hold(self, security: Security, units: Decimal, price: Decimal) -> None:
        self.securities[security.symbol] = security
        self.market.price(security)
        held = self.holdings.setdefault(security.symbol, Holding())
        share = units / held.units if held.units and units * held.units < 0 else None
        held.cost += held.cost * share if share is not None else units * price
        held.units += units
        if not held.units:
            del self.holdings[security.symbol]
