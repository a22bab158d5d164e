"""Prices for the MT5 simulator: a seeded random walk per symbol, and what a symbol's lots are worth."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A symbol's terms. `contract` units are one lot; `quote` is the currency of its prices, if its name tells it."""

    name: str
    start: Decimal
    digits: int
    contract: int
    quote: str
    named_quote: str


SYMBOLS: Final[Mapping[str, Symbol]] = {
    name: Symbol(
        name=name, start=Decimal(start), digits=digits, contract=contract, quote=quote, named_quote=named_quote
    )
    for name, start, digits, contract, quote, named_quote in (
        ("EURUSD", "1.08540", 5, 100_000, "USD", "USD"),
        ("GBPUSD.r", "1.26870", 5, 100_000, "USD", "USD"),
        ("USDJPY", "151.482", 3, 100_000, "JPY", "JPY"),
        ("EURGBP", "0.85551", 5, 100_000, "GBP", "GBP"),
        ("XAUUSD", "2331.50", 2, 100, "USD", "USD"),
        ("US30", "39012.5", 1, 1, "USD", ""),
    )
}
_IN_DOLLARS: Final = {"USD": Decimal(1), "EUR": Decimal("1.0854"), "GBP": Decimal("1.2687"), "JPY": Decimal("0.0066")}


class Market:
    """Current prices. Every step is a pure function of the random generator it is given."""

    def __init__(self) -> None:
        self._price = {name: symbol.start for name, symbol in SYMBOLS.items()}

    def step(self, rng: random.Random) -> None:
        """Move every price a little; they wander, but are drawn back to where they started."""
        for name, symbol in SYMBOLS.items():
            drift = (symbol.start / self._price[name] - 1) * Decimal("0.01")
            noise = Decimal(rng.randint(-1000, 1000)) / 1_000_000
            moved = self._price[name] * (1 + drift + noise)
            self._price[name] = moved.quantize(Decimal(1).scaleb(-symbol.digits), ROUND_HALF_EVEN)

    def price(self, name: str) -> Decimal:
        """The price now; the spread is left out."""
        return self._price[name]


def profit(symbol: str, volume: Decimal, opened: Decimal, closed: Decimal, currency: str) -> Decimal:
    """What signed lots (negative: sold) earn between two prices, in an account's currency."""
    terms = SYMBOLS[symbol]
    earned = (closed - opened) * volume * terms.contract
    return (earned * _IN_DOLLARS[terms.quote] / _IN_DOLLARS[currency]).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def margin(symbol: str, volume: Decimal, price: Decimal, currency: str) -> Decimal:
    """What is held back for lots, at a leverage of 1:500."""
    terms = SYMBOLS[symbol]
    value = abs(volume) * terms.contract * price / 500
    return (value * _IN_DOLLARS[terms.quote] / _IN_DOLLARS[currency]).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
