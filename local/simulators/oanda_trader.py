"""A seeded trader on one OANDA account: orders of every kind, and whatever else leaves transactions behind."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from local.simulators.oanda_book import ALIAS, Book, Trade
from local.simulators.oanda_fills import Part, fill
from local.simulators.oanda_market import INSTRUMENTS
from local.simulators.oanda_truth import text

MOST_OPEN: Final = 24
"""With so many open Trades the trader only closes."""

_PROTECTION = Decimal("0.001")  # how far from the price take profit and stop loss orders are
_PROTECTED: Final = 0.25
_GUARANTEED: Final = 0.05


class Trader:
    """Does one thing at a time; `act` says how many executions it made. The same seed does the same things."""

    def __init__(self, book: Book, rng: random.Random) -> None:
        self._book = book
        self._rng = rng
        self._habits: Sequence[tuple[int, Callable[[int, int], int]]] = (
            (40, self._open),
            (22, self._close_some),
            (8, self._reduce),
            (6, self._close_out),
            (5, self._flip),
            (6, self._equal_fills),
            (6, self._trigger),
            (5, self._place_or_cancel),
            (3, self._reject),
            (2, self._relabel),
            (2, self._fund),
            (2, self._collect_dividend),
            (1, self._violate_fifo),
            (1, self._reset),
        )

    def act(self, ns: int, most: int) -> int:
        """Do something at this time, making at most `most` executions (at least 1); returns how many it made."""
        self._book.advance(ns)
        self._book.market.step(self._rng)
        if len(self._book.open_trades) >= MOST_OPEN:
            return self._close_some(ns, most)
        weights = [weight for weight, _ in self._habits]
        (_, habit) = self._rng.choices(self._habits, weights)[0]
        return habit(ns, most)

    def watch(self) -> None:
        """Do nothing while prices move."""
        self._book.market.step(self._rng)

    def trade(self, ns: int) -> int:
        """Open one Trade at this time; returns 1."""
        self._book.advance(ns)
        self._book.market.step(self._rng)
        return self._open(ns, 1)

    def close_one(self, ns: int) -> int:
        """Close one Trade; returns 1, or 0 when there is none."""
        self._book.advance(ns)
        self._book.market.step(self._rng)
        return self._close_some(ns, 1) if self._book.open_trades else 0

    def reduce_one(self, ns: int) -> int:
        """Close a part of a Trade; returns 1, or 0 when there is none that can be divided."""
        self._book.advance(ns)
        self._book.market.step(self._rng)
        for trade in self._first_in_line():
            if part := self._some_of(trade):
                return self._divide(ns, trade, part)
        return 0

    # --- trading ----------------------------------------------------------------------------------------------------

    def _open(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        instrument = self._rng.choice(list(INSTRUMENTS))
        units = self._units(instrument) * self._direction(instrument)
        order = self._market_order(ns, instrument, units)
        guaranteed = self._rng.random() < _GUARANTEED
        own = fill(
            self._book,
            ns,
            order=order,
            instrument=instrument,
            units=units,
            reason="MARKET_ORDER",
            guaranteed=guaranteed,
        )
        if self._rng.random() < _PROTECTED:
            self._protect(ns, order, self._book.open_trades[own])
        return 1

    def _close_some(self, ns: int, most: int) -> int:
        """Close the oldest Trades of an instrument: by an opposite order, or one by one where the account hedges."""
        held = self._oldest_held()
        if not held:
            return self._open(ns, most)
        if self._book.hedging:
            return self._close_trade(ns, self._rng.choice(held))
        count = self._rng.randint(1, min(most, len(held), 3))
        parts = [(trade, abs(trade.units)) for trade in held[:count]]
        part = self._some_of(held[count]) if count < min(most, len(held)) else None
        if part is not None:
            parts.append((held[count], part))
        return self._opposite_order(ns, parts)

    def _reduce(self, ns: int, most: int) -> int:
        """Close a part of the oldest Trade; where others are before it, FIFO leaves no choice."""
        held = self._oldest_held()
        part = self._some_of(held[0]) if held else None
        return self._divide(ns, held[0], part) if part else self._open(ns, most)

    def _divide(self, ns: int, trade: Trade, part: Decimal) -> int:
        if self._book.hedging:
            return self._close_trade(ns, trade, part)
        return self._opposite_order(ns, [(trade, part)])

    def _close_out(self, ns: int, most: int) -> int:
        """Close every Trade of an instrument and side by one request: several legs in one fill."""
        held = self._oldest_held()
        if not held or len(held) > most:
            return self._open(ns, most)
        first = held[0]
        units = -sum((trade.units for trade in held), Decimal(0))
        side = "longPositionCloseout" if first.units > 0 else "shortPositionCloseout"
        closeout = {"instrument": first.instrument, "units": "ALL"}
        order = self._market_order(ns, first.instrument, units, "POSITION_CLOSEOUT", {side: closeout})
        parts = [(trade, abs(trade.units)) for trade in held]
        self._fill(ns, order, units, "MARKET_ORDER_POSITION_CLOSEOUT", parts)
        return len(held)

    def _flip(self, ns: int, most: int) -> int:
        """Sell more than is held: everything is closed and the rest opens the other way, in one fill."""
        held = self._oldest_held()
        if self._book.hedging or not held or len(held) + 1 > most:
            return self._open(ns, most)
        parts = [(trade, abs(trade.units)) for trade in held]
        return self._opposite_order(ns, parts, beyond=self._units(held[0].instrument)) + 1

    def _equal_fills(self, ns: int, most: int) -> int:
        """A limit order that fills in equal parts in the same nanosecond: equal in everything but their ids."""
        count = min(most, self._rng.randint(2, 3))
        instrument = self._rng.choice(list(INSTRUMENTS))
        part = self._units(instrument) * self._direction(instrument)
        order = self._limit_order(ns, instrument, part * count)
        for _ in range(count):
            fill(self._book, ns, order=order, instrument=instrument, units=part, reason="LIMIT_ORDER")
        return count

    def _trigger(self, ns: int, most: int) -> int:
        """A take profit or stop loss order of the oldest Trade of its kind is reached."""
        held = self._oldest_held()
        trade = held[0] if held else None
        target = (trade.take_profit or trade.stop_loss) if trade else None
        if trade is None or target is None:
            return self._open(ns, most)
        reason = "TAKE_PROFIT_ORDER" if trade.take_profit else "STOP_LOSS_ORDER"
        self._fill(ns, target[0], -trade.units, reason, [(trade, abs(trade.units))], filled=target[0])
        return 1

    def _close_trade(self, ns: int, trade: Trade, part: Decimal | None = None) -> int:
        closing = {"tradeID": trade.id, "units": text(part) if part else "ALL"}
        part = part or abs(trade.units)
        units = part.copy_sign(-trade.units)
        order = self._market_order(ns, trade.instrument, units, "TRADE_CLOSE", {"tradeClose": closing})
        self._fill(ns, order, units, "MARKET_ORDER_TRADE_CLOSE", [(trade, part)])
        return 1

    def _opposite_order(self, ns: int, parts: Sequence[Part], beyond: Decimal = Decimal(0)) -> int:
        first = parts[0][0]
        units = (sum((part for _, part in parts), Decimal(0)) + beyond).copy_sign(-first.units)
        order = self._market_order(ns, first.instrument, units)
        self._fill(ns, order, units, "MARKET_ORDER", parts)
        return len(parts)

    def _fill(
        self, ns: int, order: str, units: Decimal, reason: str, parts: Sequence[Part], *, filled: str = ""
    ) -> None:
        """Fill an order that closes; orders that depended on a closed Trade are cancelled after it."""
        instrument = parts[0][0].instrument
        whole = [trade for trade, part in parts if part == abs(trade.units)]
        fill(self._book, ns, order=order, instrument=instrument, units=units, reason=reason, close=parts)
        for trade in whole:
            for dependent in (trade.take_profit, trade.stop_loss):
                if dependent and dependent[0] != filled:
                    fields = {"orderID": dependent[0], "reason": "LINKED_TRADE_CLOSED"}
                    self._book.record("ORDER_CANCEL", ns, fields, batch=order)

    # --- orders -----------------------------------------------------------------------------------------------------

    def _market_order(
        self,
        ns: int,
        instrument: str,
        units: Decimal,
        reason: str = "CLIENT_ORDER",
        extra: dict[str, dict[str, str]] | None = None,
    ) -> str:
        fields = {"instrument": instrument, "units": text(units), "timeInForce": "FOK", "positionFill": "DEFAULT"}
        return self._book.record("MARKET_ORDER", ns, {**fields, "reason": reason, **(extra or {})})

    def _limit_order(self, ns: int, instrument: str, units: Decimal) -> str:
        price = text(self._book.market.mid(instrument))
        fields = {"instrument": instrument, "units": text(units), "price": price, "timeInForce": "GTC"}
        return self._book.record("LIMIT_ORDER", ns, {**fields, "reason": "CLIENT_ORDER"})

    def _protect(self, ns: int, order: str, trade: Trade) -> None:
        step = trade.price * _PROTECTION * (1 if trade.units > 0 else -1)
        digits = Decimal(1).scaleb(-INSTRUMENTS[trade.instrument].digits)
        profit, loss = (trade.price + step).quantize(digits), (trade.price - step).quantize(digits)
        common = {"tradeID": trade.id, "timeInForce": "GTC", "reason": "ON_FILL"}
        record = self._book.record
        trade.take_profit = (
            record("TAKE_PROFIT_ORDER", ns, {**common, "price": text(profit)}, batch=order),
            profit,
        )
        trade.stop_loss = (record("STOP_LOSS_ORDER", ns, {**common, "price": text(loss)}, batch=order), loss)

    def _place_or_cancel(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        pending = self._book.pending
        if pending and self._rng.random() < 0.5:
            order = next(iter(pending))
            pending.remove(order)
            self._book.record("ORDER_CANCEL", ns, {"orderID": order, "reason": "CLIENT_REQUEST"})
        else:
            instrument = self._rng.choice(list(INSTRUMENTS))
            pending.append(self._limit_order(ns, instrument, self._units(instrument)))
        return 0

    def _reject(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        fields = {"instrument": "EUR_USD", "units": "100000000", "timeInForce": "FOK", "reason": "CLIENT_ORDER"}
        self._book.record("MARKET_ORDER_REJECT", ns, {**fields, "rejectReason": "UNITS_LIMIT_EXCEEDED"})
        return 0

    def _violate_fifo(self, ns: int, most: int) -> int:
        held = self._oldest_held()
        if self._book.hedging or len(held) < 2:
            return self._open(ns, most)
        closing = {"tradeClose": {"tradeID": held[-1].id, "units": "ALL"}}
        order = self._market_order(ns, held[-1].instrument, -held[-1].units, "TRADE_CLOSE", closing)
        self._book.record("ORDER_CANCEL", ns, {"orderID": order, "reason": "FIFO_VIOLATION"}, batch=order)
        return 0

    # --- the rest ---------------------------------------------------------------------------------------------------

    def _relabel(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        trade = next(iter(self._book.open_trades), "")
        if trade:
            fields = {"tradeID": trade, "tradeClientExtensionsModify": {"comment": "breakout"}}
            self._book.record("TRADE_CLIENT_EXTENSIONS_MODIFY", ns, fields)
        return 0

    def _fund(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        amount = Decimal(self._rng.randint(1_000, 400_000)) / 100
        reason = self._rng.choice(
            ("CLIENT_FUNDING", "CLIENT_FUNDING", "CLIENT_FUNDING", "ADJUSTMENT", "ACCOUNT_TRANSFER")
        )
        if self._rng.random() < 0.4:
            amount = -amount
        self._book.transfer(ns, amount, reason)
        return 0

    def _collect_dividend(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        instrument = self._rng.choice(("SPX500_USD", "DE30_EUR"))
        self._book.dividend(ns, instrument, Decimal(self._rng.randint(1, 40)) / 10_000)
        return 0

    def _reset(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        self._book.record("RESET_RESETTABLE_PL", ns)
        self._book.record("CLIENT_CONFIGURE", ns, {"alias": ALIAS})
        return 0

    # --- choices ----------------------------------------------------------------------------------------------------

    def _oldest_held(self) -> list[Trade]:
        """The Trades of one instrument and side, oldest first; empty when the account is flat."""
        trades = list(self._book.open_trades.values())
        if not trades:
            return []
        chosen = self._rng.choice(trades)
        return [
            trade
            for trade in trades
            if trade.instrument == chosen.instrument and (trade.units > 0) == (chosen.units > 0)
        ]

    def _first_in_line(self) -> list[Trade]:
        """The Trades that an order may reduce: any where the account hedges, else the oldest of each instrument."""
        trades = list(self._book.open_trades.values())
        if self._book.hedging:
            return trades
        return list({trade.instrument: trade for trade in reversed(trades)}.values())

    def _direction(self, instrument: str) -> int:
        """Buy or sell so that a new Trade opens: with the position where the account nets, else as it comes."""
        held = [trade for trade in self._book.open_trades.values() if trade.instrument == instrument]
        if held and not self._book.hedging:
            return 1 if held[0].units > 0 else -1
        return self._rng.choice((1, -1))

    def _units(self, instrument: str) -> Decimal:
        terms = INSTRUMENTS[instrument]
        return Decimal(terms.lot * self._rng.randint(2, 8 * 10**terms.unit_digits)).scaleb(-terms.unit_digits)

    def _some_of(self, trade: Trade) -> Decimal | None:
        """A part of a Trade's units; None when they can't be divided."""
        smallest = Decimal(1).scaleb(-INSTRUMENTS[trade.instrument].unit_digits)
        if abs(trade.units) <= smallest:
            return None
        part = (abs(trade.units) * Decimal(self._rng.randint(1, 9)) / 10).quantize(smallest)
        return min(max(part, smallest), abs(trade.units) - smallest)
