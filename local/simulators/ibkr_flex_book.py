"""The books of one simulated IBKR account: executions and cash in the order they were booked, and what follows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from local.simulators.ibkr_flex_market import Contract, price_on, rate_to_base

ZERO: Final = Decimal(0)
_NANO: Final = Decimal("0.000000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution row. Wall-clock times of New York; `quantity` is signed; amounts have IBKR's signs (cost < 0).

    `booked` is the business day in whose statement the row appears first: a correction's is later than its `at`.
    """

    transaction_id: int
    trade_id: int | None
    order_id: int
    exec_id: str
    contract: Contract
    at: datetime
    booked: date
    quantity: Decimal
    price: Decimal
    effect: str
    kind: str = "ExchTrade"
    codes: tuple[str, ...] = ()
    commission: Decimal = ZERO
    commission_currency: str = ""
    tax: Decimal = ZERO
    pnl: Decimal = ZERO
    cancels: "Fill | None" = None

    @property
    def proceeds(self) -> Decimal:
        """What the buyer pays or the seller gets."""
        return -self.quantity * self.price * self.contract.multiplier


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """One booking of cash that is no trade."""

    transaction_id: int
    kind: str
    amount: Decimal
    currency: str
    at: datetime
    booked: date
    description: str
    contract: Contract | None = None


@dataclass(slots=True)
class Holding:
    """What is held of one contract: signed quantity, and what it cost, commission included."""

    contract: Contract
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    since: Fill | None = None

    @property
    def average(self) -> Decimal:
        """Cost per unit, as a price."""
        return (self.cost / (self.quantity * self.contract.multiplier)).quantize(Decimal("0.00000001"))

    def effect_of(self, quantity: Decimal) -> str:
        """What a trade of so much does to it, as IBKR's indicator says it."""
        if self.quantity * quantity >= 0:
            return "O"
        return "C" if abs(quantity) <= abs(self.quantity) else "C;O"

    def take(self, fill: Fill) -> Decimal:
        """Apply an execution; returns the P&L that it realises, commissions included."""
        paid = -fill.proceeds - fill.commission - fill.tax
        closing = ZERO
        if self.quantity * fill.quantity < 0:
            closing = min(abs(fill.quantity), abs(self.quantity)) * (1 if fill.quantity > 0 else -1)
        if not closing:
            self._add(fill, fill.quantity, paid)
            return ZERO
        share = closing / fill.quantity
        cost_part = self.cost * (-closing / self.quantity)
        pnl = -(cost_part + paid * share)
        self.quantity += closing
        self.cost -= cost_part
        if not self.quantity:
            self.cost, self.since = ZERO, None
        rest = fill.quantity - closing
        if rest:
            self._add(fill, rest, paid * (rest / fill.quantity))
        return pnl.quantize(Decimal("0.00001"))

    def _add(self, fill: Fill, quantity: Decimal, cost: Decimal) -> None:
        self.quantity += quantity
        self.cost += cost
        self.since = self.since or fill


@dataclass(slots=True, kw_only=True)
class Book:
    """One account. Everything that will ever be booked is in it; what a statement may tell is what is known by then."""

    account: str
    base: str
    opened: date
    alias: str = ""
    fills: list[Fill] = field(default_factory=list)
    cash: list[Cash] = field(default_factory=list)
    _standings: dict[tuple[date, date, int], "Standing"] = field(default_factory=dict, init=False)

    def fills_known(self, first: date, last: date, built: date) -> Iterator[Fill]:
        """Executions of these days, booked by the day that is built."""
        return (one for one in self.fills if one.booked <= built and first <= one.at.date() <= last)

    def cash_known(self, first: date, last: date, built: date) -> Iterator[Cash]:
        """Cash of these days, booked by the day that is built."""
        return (one for one in self.cash if one.booked <= built and first <= one.at.date() <= last)

    def standing(self, day: date, built: date) -> "Standing":
        """What the account is worth and holds at the end of a day, by what is known when `built` is built."""
        key = day, built, len(self.fills) + len(self.cash)
        if key not in self._standings:
            self._standings[key] = self._stand(day, built)
        return self._standings[key]

    def _stand(self, day: date, built: date) -> "Standing":
        held: dict[int, Holding] = {}
        moved: dict[str, Decimal] = {}

        def move(currency: str, amount: Decimal) -> None:
            moved[currency] = moved.get(currency, ZERO) + amount

        for booking in self.cash_known(self.opened, day, built):
            move(booking.currency, booking.amount)
        for fill in self.fills_known(self.opened, day, built):
            contract = fill.contract
            move(fill.commission_currency or self.base, fill.commission)
            if contract.category == "CASH":
                continue
            held.setdefault(contract.conid, Holding(contract)).take(fill)
            move(contract.currency, fill.pnl if contract.category == "FUT" else fill.proceeds + fill.tax)
        cash = sum((amount * rate_to_base(currency, self.base) for currency, amount in moved.items()), ZERO)
        holdings = [one for one in held.values() if one.quantity]
        worth = sum((self._worth(one, day) for one in holdings), ZERO)
        return Standing(cash=cash.quantize(_NANO), net_value=(cash + worth).quantize(_NANO), holdings=holdings)

    def _worth(self, held: Holding, day: date) -> Decimal:
        worth = held.quantity * price_on(held.contract, day) * held.contract.multiplier
        if held.contract.category == "FUT":
            worth -= held.cost
        return worth * rate_to_base(held.contract.currency, self.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account at the end of a day: cash of all currencies, net asset value (both in base), and what is held."""

    cash: Decimal
    net_value: Decimal
    holdings: list[Holding]
