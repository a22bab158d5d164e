"""A seeded trader on one MT5 account: orders of every kind, and the balance operations of its broker."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from local.simulators.mt5_book import CASH_KINDS, Book, Position
from local.simulators.mt5_market import SYMBOLS

MOST_OPEN: Final = 16
"""With so many open positions the trader only closes."""

_LOT: Final = Decimal("0.01")
_COMMENTS: Final = {2: "Deposit", 3: "Credit in", 8: "Daily commission", 15: "Dividend US30", 17: "Tax"}


class Trader:
    """Does one thing at a time; `act` says how many executions it made. The same seed does the same things."""

    def __init__(self, book: Book, rng: random.Random) -> None:
        self._book = book
        self._rng = rng
        self._habits: Sequence[tuple[int, Callable[[int, int], int]]] = (
            (42, self._open),
            (28, self._close),
            (10, self._reduce),
            (6, self._equal_fills),
            (5, self._close_by),
            (5, self._reverse),
            (4, self._fund),
        )

    def act(self, ns: int, most: int) -> int:
        """Do something at this time, making at most `most` executions (at least 1); returns how many it made."""
        self._book.market.step(self._rng)
        if len(self._book.positions) >= MOST_OPEN:
            return self._close(ns, most)
        weights = [weight for weight, _ in self._habits]
        (_, habit) = self._rng.choices(self._habits, weights)[0]
        return habit(ns, most)

    def trade(self, ns: int) -> None:
        """Open one position, or more of one."""
        self._book.market.step(self._rng)
        self._open(ns, 1)

    def equal_fills(self, ns: int, count: int) -> None:
        """An order that fills in equal parts in the same millisecond: equal in everything but their tickets."""
        symbol = self._symbol()
        order = self._book.open(ns, symbol, part := self._lots(symbol)).id
        for _ in range(count - 1):
            self._book.open(ns, symbol, part, order=order)

    def every_balance_operation(self, ns: int) -> None:
        """One of each kind that a server knows, with its usual sign."""
        for kind in CASH_KINDS:
            amount = Decimal(self._rng.randint(100, 9_000)) / 100
            costs = kind in {4, 7, 8, 9, 17}
            self._book.cash(ns, kind, -amount if costs else amount, _COMMENTS.get(kind, ""))

    # --- habits -----------------------------------------------------------------------------------------------------

    def _open(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        symbol = self._symbol()
        reason = self._rng.choice(("CLIENT", "MOBILE", "WEB", "EXPERT"))
        position = self._book.open(ns, symbol, self._lots(symbol), reason=reason)
        if self._rng.random() < 0.3:
            step = position.price / 200 * position.direction
            digits = Decimal(1).scaleb(-SYMBOLS[symbol].digits)
            position.take_profit = (position.price + step).quantize(digits)
            position.stop_loss = (position.price - step).quantize(digits)
        return 1

    def _close(self, ns: int, most: int) -> int:
        position = self._any()
        if position is None:
            return self._open(ns, most)
        protected = position.take_profit and self._rng.random() < 0.5
        reason = self._rng.choice(("SL", "TP")) if protected else self._rng.choice(("CLIENT", "EXPERT", "SO"))
        self._book.close(ns, position, abs(position.lots), reason=reason)
        return 1

    def _reduce(self, ns: int, most: int) -> int:
        position = self._any()
        if position is None or abs(position.lots) <= _LOT:
            return self._open(ns, most)
        hundredths = int(abs(position.lots) / _LOT)
        self._book.close(ns, position, _LOT * self._rng.randint(1, hundredths - 1))
        return 1

    def _equal_fills(self, ns: int, most: int) -> int:
        count = min(most, self._rng.randint(2, 3))
        self.equal_fills(ns, count)
        return count

    def _close_by(self, ns: int, most: int) -> int:
        """Two opposite positions of one symbol close each other; only hedging accounts have such."""
        for one in self._book.positions.values():
            for other in self._book.positions.values():
                if most >= 2 and one.symbol == other.symbol and one.direction != other.direction:
                    self._book.close_by(ns, one, other)
                    return 2
        return self._open(ns, most)

    def _reverse(self, ns: int, most: int) -> int:
        position = self._any()
        if self._book.hedging or position is None:
            return self._open(ns, most)
        self._book.reverse(ns, position, abs(self._lots(position.symbol)))
        return 1

    def _fund(self, ns: int, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        amount = Decimal(self._rng.randint(1_000, 200_000)) / 100
        self._book.cash(ns, 2, -amount if self._rng.random() < 0.3 else amount, "Transfer")
        return 0

    # --- choices ----------------------------------------------------------------------------------------------------

    def _any(self) -> Position | None:
        held = list(self._book.positions.values())
        return self._rng.choice(held) if held else None

    def _symbol(self) -> str:
        return self._rng.choice(list(SYMBOLS))

    def _lots(self, symbol: str) -> Decimal:
        """Signed lots that open: where the account nets, in the direction of what is held."""
        held = None if self._book.hedging else self._book.held(symbol)
        direction = held.direction if held else self._rng.choice((1, -1))
        return _LOT * self._rng.randint(1, 120) * direction
