"""Round trips: what was bought and sold again (or the other way round), and what it earned. A pure view of executions.

Executions are paired by the broker's own position where it names one, else first in, first out among those of one
symbol. Inside a position, too, the first in is the first out. An execution that closes several lots is several round
trips, each with its share of quantity, fees and P&L; the shares add up exactly.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal, localcontext
from enum import StrEnum

from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import AssetClass, Effect, Execution, ExecutionKind, Side, StoredEntry

_DIGITS = 120  # of a product of stored numbers, which have 38 each: nothing is rounded but shares
_SHARE = Decimal("1e-10")  # to which a share of an amount is rounded; the last share takes what is left
_OPENS_FIRST = {Effect.OPEN: 0, None: 1, Effect.CLOSE_AND_OPEN: 2, Effect.CLOSE: 3}


class Direction(StrEnum):
    """Whether a round trip gains when the price rises."""

    LONG = "long"
    SHORT = "short"


class PairedBy(StrEnum):
    """Who says which executions belong together."""

    BROKER = "broker"
    FIFO = "fifo"


class PnlSource(StrEnum):
    """Where a round trip's P&L comes from; unknown when the entry is, or a broker that pairs doesn't say it."""

    BROKER = "broker"
    PRICES = "prices"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """A quantity that was opened by one execution and closed by another.

    Without a known entry (it is older than what we hold) entry price, time and id are missing. `gross_pnl` is without
    fees, in `currency`. `fees` are by currency, positive = cost, of both sides. `net_pnl` is None where the P&L is, or
    where a fee is in another currency.
    """

    symbol: str
    asset_class: AssetClass
    direction: Direction
    quantity: Decimal
    multiplier: Decimal
    entry_price: Decimal | None
    exit_price: Decimal
    opened_at: BrokerTime | None
    closed_at: BrokerTime
    entry_trade_id: str
    exit_trade_id: str
    currency: str
    gross_pnl: Decimal | None
    fees: Mapping[str, Decimal]
    pnl_source: PnlSource
    paired_by: PairedBy

    @property
    def round_trip_id(self) -> str:
        """Unique within the account: an entry and an exit meet once."""
        return f"{self.entry_trade_id}:{self.exit_trade_id}"

    @property
    def time_key(self) -> str:
        """Unique within the account, and sorts as text by the time of the exit."""
        return f"{self.closed_at.sort_key}#{self.round_trip_id}"

    @property
    def net_pnl(self) -> Decimal | None:
        """The P&L after the fees of both sides."""
        if self.gross_pnl is None or any(fee for currency, fee in self.fees.items() if currency != self.currency):
            return None
        with localcontext(prec=_DIGITS):
            return self.gross_pnl - self.fees.get(self.currency, Decimal(0))


@dataclass(slots=True)
class _Part:
    """What is left of an execution, with its share of fees and P&L."""

    execution: Execution
    quantity: Decimal
    fees: Decimal
    pnl: Decimal | None

    @classmethod
    def whole(cls, execution: Execution) -> "_Part":
        return cls(execution, execution.quantity, sum(execution.fees.values(), Decimal(0)), execution.realised_pnl)

    def take(self, quantity: Decimal) -> "_Part":
        """Split off a part."""
        fees = self._share(self.fees, quantity)
        pnl = None if self.pnl is None else self._share(self.pnl, quantity)
        self.quantity -= quantity
        self.fees -= fees
        self.pnl = None if self.pnl is None or pnl is None else self.pnl - pnl
        return _Part(self.execution, quantity, fees, pnl)

    def _share(self, amount: Decimal, quantity: Decimal) -> Decimal:
        return amount if quantity == self.quantity else (amount * quantity / self.quantity).quantize(_SHARE)

    @property
    def fee_currency(self) -> str:
        return self.execution.fee_currency or self.execution.currency


@dataclass(slots=True)
class _Book:
    """Open lots of one position or symbol by side, oldest first."""

    lots: dict[Side, deque[_Part]] = field(default_factory=lambda: {Side.BUY: deque(), Side.SELL: deque()})


def round_trips(entries: Iterable[StoredEntry], account_currency: str) -> Sequence[RoundTrip]:
    """All round trips of one account that are closed, in the order of their exits.

    `account_currency` is that of a broker's P&L that comes without one. What was cancelled, and the rows that cancel,
    count for nothing.
    """
    executions = sorted(_effective(entries), key=_order)
    books: dict[tuple[str, ...], _Book] = {}
    found: list[RoundTrip] = []
    with localcontext(prec=_DIGITS):
        for execution in executions:
            found += _apply(books.setdefault(_key(execution), _Book()), execution, account_currency)
    return found


def _effective(entries: Iterable[StoredEntry]) -> Iterator[Execution]:
    for stored in entries:
        execution = stored.entry
        if isinstance(execution, Execution) and execution.kind is ExecutionKind.TRADE and not stored.cancelled_by:
            yield execution


def _order(execution: Execution) -> tuple[int, int, str]:
    """Of executions at the same time what opens comes first: what was closed in one second was open before."""
    return execution.executed_at.ns, _OPENS_FIRST[execution.effect], execution.source_trade_id


def _key(execution: Execution) -> tuple[str, ...]:
    if execution.position_id:
        return ("position", execution.position_id)
    conid = execution.contract.get("conid", "")
    return ("symbol", execution.symbol, execution.currency, str(execution.multiplier.normalize()), conid)


def _apply(book: _Book, execution: Execution, account_currency: str) -> Iterator[RoundTrip]:
    """Close what the execution closes, oldest lot first, and open what is left of it."""
    left = _Part.whole(execution)
    opposite = book.lots[Side.SELL if execution.side is Side.BUY else Side.BUY]
    closing = left.take(_closes(left, opposite))
    if closing.quantity and execution.effect is not Effect.CLOSE:
        closing.pnl, left.pnl = execution.realised_pnl, None  # what it opens has earned nothing yet
    while closing.quantity:
        quantity = min(closing.quantity, opposite[0].quantity)
        yield _closed(opposite[0].take(quantity), closing.take(quantity), account_currency)
        if not opposite[0].quantity:
            opposite.popleft()
    if left.quantity and execution.effect is Effect.CLOSE:
        yield _closed(None, left.take(left.quantity), account_currency)
    elif left.quantity:
        book.lots[execution.side].append(left)


def _closes(part: _Part, opposite: Iterable[_Part]) -> Decimal:
    """How much of the open lots an execution closes."""
    if part.execution.effect is Effect.OPEN:
        return Decimal(0)
    return min(part.quantity, sum((lot.quantity for lot in opposite), Decimal(0)))


def _closed(entry: _Part | None, exit_: _Part, account_currency: str) -> RoundTrip:
    closing = exit_.execution
    direction = Direction.LONG if closing.side is Side.SELL else Direction.SHORT
    source, pnl, currency = _pnl(entry, exit_, direction, account_currency)
    fees = {exit_.fee_currency: exit_.fees}
    if entry is not None:
        fees[entry.fee_currency] = fees.get(entry.fee_currency, Decimal(0)) + entry.fees
    return RoundTrip(
        symbol=closing.symbol,
        asset_class=closing.asset_class,
        direction=direction,
        quantity=exit_.quantity,
        multiplier=closing.multiplier,
        entry_price=entry.execution.price if entry else None,
        exit_price=closing.price,
        opened_at=entry.execution.executed_at if entry else None,
        closed_at=closing.executed_at,
        entry_trade_id=entry.execution.source_trade_id if entry else "",
        exit_trade_id=closing.source_trade_id,
        currency=currency,
        gross_pnl=pnl,
        fees={name: amount for name, amount in fees.items() if amount},
        pnl_source=source,
        paired_by=PairedBy.BROKER if closing.position_id else PairedBy.FIFO,
    )


def _pnl(
    entry: _Part | None, exit_: _Part, direction: Direction, account_currency: str
) -> tuple[PnlSource, Decimal | None, str]:
    """A broker that pairs knows best, down to the exchange rate; our own pairing takes the prices."""
    closing = exit_.execution
    if closing.position_id:
        currency = (closing.currency if closing.pnl_currency is None else closing.pnl_currency) or account_currency
        return (PnlSource.UNKNOWN if exit_.pnl is None else PnlSource.BROKER), exit_.pnl, currency
    if entry is None:
        return PnlSource.UNKNOWN, None, closing.currency
    rise = closing.price - entry.execution.price
    gained = rise if direction is Direction.LONG else -rise
    return PnlSource.PRICES, gained * exit_.quantity * closing.multiplier, closing.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlDay:
    """What round trips that were closed on a day earned, of one currency. Days without any are left out.

    `cumulative_pnl` adds up the net figures since the first day. `unknown` counts round trips whose net P&L isn't
    known, and which are in none of the sums.
    """

    day: str
    currency: str
    gross_pnl: Decimal
    fees: Decimal
    net_pnl: Decimal
    cumulative_pnl: Decimal
    round_trips: int
    unknown: int


def pnl_by_day(trips: Iterable[RoundTrip], zone: tzinfo) -> Sequence[PnlDay]:
    """Realised P&L by the day of the exit in that zone, and by currency; oldest first."""
    days: dict[tuple[str, str], list[RoundTrip]] = {}
    for trip in trips:
        day = trip.closed_at.utc.astimezone(zone).date().isoformat()
        days.setdefault((day, trip.currency), []).append(trip)
    sums: dict[str, Decimal] = {}
    found: list[PnlDay] = []
    with localcontext(prec=_DIGITS):
        for (day, currency), closed in sorted(days.items()):
            known = [(trip.gross_pnl, trip.net_pnl) for trip in closed]
            gross = sum((pnl for pnl, net in known if pnl is not None and net is not None), Decimal(0))
            net = sum((net for _, net in known if net is not None), Decimal(0))
            sums[currency] = sums.get(currency, Decimal(0)) + net
            found.append(
                PnlDay(
                    day=day,
                    currency=currency,
                    gross_pnl=gross,
                    fees=gross - net,
                    net_pnl=net,
                    cumulative_pnl=sums[currency],
                    round_trips=len(closed),
                    unknown=sum(net is None for _, net in known),
                )
            )
    return found
