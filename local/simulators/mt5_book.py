"""The books of one account at an MT5 trade server: deals, open positions, balance and credit."""

import random
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from typing import Final

from local.simulators.mt5_clock import DAY
from local.simulators.mt5_market import SYMBOLS, Market, margin, profit
from local.simulators.mt5_truth import TrueCashEvent, TrueExecution, Truth, text

_COMMISSION: Final = Decimal("-3.5")  # per lot and deal
_EXCHANGE_FEE: Final = Decimal("-0.1")  # per lot of an index
_SWAP: Final = {1: Decimal("-6.5"), -1: Decimal("1.2")}  # per lot and night
_CENT: Final = Decimal("0.01")
_SIDES: Final = {1: "buy", -1: "sell"}


class Entry(IntEnum):
    """What a deal does to its position, by MetaTrader's numbers."""

    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


_EFFECTS: Final = {Entry.IN: "open", Entry.OUT: "close", Entry.INOUT: "close_and_open", Entry.OUT_BY: "close"}
REASONS: Final = {"CLIENT": 0, "MOBILE": 1, "WEB": 2, "EXPERT": 3, "SL": 4, "TP": 5, "SO": 6}
# Balance operations by MetaTrader's numbers, and what each is in a ledger (a deposit that is taken out: withdrawal).
CASH_KINDS: Final = {
    2: "deposit",
    3: "other",
    4: "fee",
    5: "adjustment",
    6: "other",
    7: "fee",
    8: "fee",
    9: "fee",
    10: "fee",
    11: "fee",
    12: "interest",
    15: "dividend",
    16: "dividend",
    17: "tax",
}
CREDIT: Final = 3


@dataclass(slots=True, kw_only=True)
class Deal:
    """A deal as the server keeps it; `direction` is 1 for a buy, -1 for a sell, 0 for a balance operation."""

    ticket: int
    order: int
    ns: int
    type: int
    entry: Entry = Entry.IN
    position_id: int = 0
    reason: int = 0
    symbol: str = ""
    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    comment: str = ""


@dataclass(slots=True, kw_only=True)
class Position:
    """An open position; `lots` are signed."""

    id: int
    symbol: str
    lots: Decimal
    price: Decimal
    opened: int
    touched: int
    stop_loss: Decimal = Decimal(0)
    take_profit: Decimal = Decimal(0)

    @property
    def direction(self) -> int:
        """1 where it was bought, -1 where it was sold."""
        return 1 if self.lots > 0 else -1

    def swap(self, lots: Decimal, ns: int) -> Decimal:
        """What so many of its lots have earned or paid for the nights until now."""
        nights = ns // DAY - self.opened // DAY
        return (_SWAP[self.direction] * abs(lots) * nights).quantize(_CENT, ROUND_HALF_EVEN)


@dataclass(slots=True, kw_only=True)
class Book:
    """Hold the world's lock while looking at it. `truth` is what a ledger should say of it."""

    login: str
    currency: str
    hedging: bool
    rng: random.Random
    first_ticket: int
    balance: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    deals: list[Deal] = field(default_factory=list)
    positions: dict[int, Position] = field(default_factory=dict)
    market: Market = field(default_factory=Market)
    truth: Truth = field(default_factory=Truth)
    _issued: int = 0

    # --- what happens -----------------------------------------------------------------------------------------------

    def cash(self, ns: int, kind: int, amount: Decimal, comment: str = "") -> Deal:
        """A balance operation: a deposit, a charge, a credit, ..."""
        deal = Deal(ticket=self._number(), order=0, ns=ns, type=kind, profit=amount, comment=comment)
        self.deals.append(deal)
        if kind == CREDIT:
            self.credit += amount
        else:
            self.balance += amount
        name = "withdrawal" if kind == 2 and amount < 0 else CASH_KINDS[kind]
        self._true_cash(deal, str(deal.ticket), name, amount)
        return deal

    def open(self, ns: int, symbol: str, lots: Decimal, *, order: int = 0, reason: str = "CLIENT") -> Position:
        """Buy (or sell: negative lots): a new position, or more of the one that a netting account holds.

        An order that is filled in parts makes one position.
        """
        order = order or self._number()
        price = self.market.price(symbol)
        held = self.positions.get(order) if self.hedging else self.held(symbol)
        if held is None:
            held = Position(id=order, symbol=symbol, lots=lots, price=price, opened=ns, touched=ns)
            self.positions[held.id] = held
        else:
            digits = Decimal(1).scaleb(-SYMBOLS[symbol].digits)
            held.price = ((held.price * held.lots + price * lots) / (held.lots + lots)).quantize(digits)
            held.lots += lots
            held.touched = ns
        self._deal(ns, held, lots, price, Entry.IN, order, reason)
        return held

    def close(self, ns: int, position: Position, lots: Decimal, *, reason: str = "CLIENT") -> Deal:
        """Close so many (unsigned) lots of a position at the price now."""
        price = self.market.price(position.symbol)
        return self._close(ns, position, lots, price, Entry.OUT, reason)

    def close_by(self, ns: int, one: Position, other: Position) -> None:
        """Close two opposite positions of a hedging account by one another: two deals."""
        lots = min(abs(one.lots), abs(other.lots))
        first, second = one.price, other.price
        self._close(ns, one, lots, second, Entry.OUT_BY, "CLIENT")
        self._close(ns, other, lots, second, Entry.OUT_BY, "CLIENT", shown=first)

    def reverse(self, ns: int, position: Position, beyond: Decimal) -> None:
        """Trade more than a netting account holds: one deal closes and opens. `beyond` is what is held after it."""
        price, before = self.market.price(position.symbol), position.lots
        earned = profit(position.symbol, before, position.price, price, self.currency)
        swap = position.swap(before, ns)
        lots = -before - beyond * position.direction
        position.lots, position.price = -beyond * position.direction, price
        position.opened = position.touched = ns
        self._deal(ns, position, lots, price, Entry.INOUT, self._number(), "CLIENT", earned=earned, swap=swap)

    def _close(
        self, ns: int, position: Position, lots: Decimal, price: Decimal, entry: Entry, reason: str, *,
        shown: Decimal | None = None,
    ) -> Deal:  # fmt: skip
        part = lots * position.direction
        earned = profit(position.symbol, part, position.price, price, self.currency)
        swap = position.swap(lots, ns)
        position.lots -= part
        position.touched = ns
        if not position.lots:
            del self.positions[position.id]
        return self._deal(ns, position, -part, shown or price, entry, self._number(), reason, earned=earned, swap=swap)

    def _deal(
        self, ns: int, position: Position, lots: Decimal, price: Decimal, entry: Entry, order: int, reason: str, *,
        earned: Decimal = Decimal(0), swap: Decimal = Decimal(0),
    ) -> Deal:  # fmt: skip
        per_lot = _EXCHANGE_FEE if position.symbol == "US30" else Decimal(0)
        deal = Deal(
            ticket=self._number(),
            order=order,
            ns=ns,
            type=0 if lots > 0 else 1,
            entry=entry,
            position_id=position.id,
            reason=REASONS[reason],
            symbol=position.symbol,
            volume=abs(lots),
            price=price,
            commission=(_COMMISSION * abs(lots)).quantize(_CENT, ROUND_HALF_EVEN),
            fee=(per_lot * abs(lots)).quantize(_CENT, ROUND_HALF_EVEN),
            swap=swap,
            profit=earned,
        )
        self.deals.append(deal)
        self.balance += deal.profit + deal.swap + deal.commission + deal.fee
        self._true_execution(deal, 1 if lots > 0 else -1, reason)
        if swap:
            self._true_cash(deal, f"{deal.ticket}:swap", "financing", swap)
        return deal

    # --- what the server's people do --------------------------------------------------------------------------------

    def cancel(self, deal: Deal, ns: int) -> None:
        """Cancel a deal as MetaTrader does: another type, no profit, and a balance operation that takes the money."""
        deal.type = {0: 13, 1: 14}[deal.type]
        taken, deal.profit = deal.profit, Decimal(0)
        self.truth.cancel(str(deal.ticket))
        if taken:
            self.cash(ns, 2, -taken, f"cancelled deal {deal.ticket}")

    def correct_commission(self, deal: Deal, commission: Decimal) -> None:
        """Charge another commission for a deal that was told before."""
        self.balance += commission - deal.commission
        deal.commission = commission
        self.truth.charge(str(deal.ticket), "commission", -commission)

    # --- how it stands ----------------------------------------------------------------------------------------------

    def held(self, symbol: str) -> Position | None:
        """The oldest position in a symbol."""
        return next((one for one in self.positions.values() if one.symbol == symbol), None)

    def unrealised(self, position: Position) -> Decimal:
        """What a position would earn now, without swap."""
        price = self.market.price(position.symbol)
        return profit(position.symbol, position.lots, position.price, price, self.currency)

    def equity(self, ns: int) -> Decimal:
        """Balance and credit, with what open positions have earned."""
        open_now = self.positions.values()
        floating = sum((self.unrealised(one) + one.swap(one.lots, ns) for one in open_now), Decimal(0))
        return self.balance + self.credit + floating

    def margin(self) -> Decimal:
        """What is held back for the open positions."""
        found = (margin(one.symbol, one.lots, one.price, self.currency) for one in self.positions.values())
        return sum(found, Decimal(0))

    # --- writing down -----------------------------------------------------------------------------------------------

    def _number(self) -> int:
        """Tickets of a server grow, and its other clients take some of them."""
        self._issued += self.rng.randint(1, 9)
        return self.first_ticket + self._issued

    def _true_execution(self, deal: Deal, direction: int, reason: str) -> None:
        fees = {"commission": -deal.commission, "fee": -deal.fee}
        self.truth.executions[str(deal.ticket)] = TrueExecution(
            broker_account_id=self.login,
            source_trade_id=str(deal.ticket),
            symbol=deal.symbol,
            side=_SIDES[direction],
            quantity=text(deal.volume),
            price=text(deal.price),
            currency=SYMBOLS[deal.symbol].named_quote,
            executed_at_ns=deal.ns,
            kind="trade",
            effect=_EFFECTS[deal.entry],
            order_id=str(deal.order),
            position_id=str(deal.position_id),
            reason=reason,
            realised_pnl=None if deal.entry is Entry.IN else text(deal.profit),
            pnl_currency=self.currency,
            fee_currency=self.currency,
            fees={name: text(amount) for name, amount in fees.items() if amount},
        )

    def _true_cash(self, deal: Deal, source_id: str, kind: str, amount: Decimal) -> None:
        if not amount:
            return
        self.truth.cash_events[source_id] = TrueCashEvent(
            broker_account_id=self.login,
            source_id=source_id,
            kind=kind,
            amount=text(amount),
            currency=self.currency,
            occurred_at_ns=deal.ns,
            symbol=deal.symbol,
            position_id=str(deal.position_id) if deal.position_id else "",
        )
