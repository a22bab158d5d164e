"""Prices for the OANDA simulator: a seeded random walk per instrument, with spreads and conversion rates."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument's terms. Prices have `digits` decimals, units `unit_digits`; rates are per year of the value."""

    name: str
    start: Decimal
    digits: int
    half_spread: Decimal
    margin_rate: Decimal
    long_rate: Decimal
    short_rate: Decimal
    lot: int  # typical units of an order
    unit_digits: int = 0

    @property
    def quote(self) -> str:
        """The currency of its prices."""
        return self.name.rpartition("_")[2]


def _terms(name: str, start: str, digits: int, spread: str, margin: str, lot: int, unit_digits: int = 0) -> Instrument:
    return Instrument(
        name=name,
        start=Decimal(start),
        digits=digits,
        half_spread=Decimal(spread),
        margin_rate=Decimal(margin),
        long_rate=Decimal("-0.031"),
        short_rate=Decimal("0.009"),
        lot=lot,
        unit_digits=unit_digits,
    )


INSTRUMENTS: Final[Mapping[str, Instrument]] = {
    one.name: one
    for one in (
        _terms("EUR_USD", "1.08540", 5, "0.00007", "0.02", 1000),
        _terms("GBP_USD", "1.26870", 5, "0.00011", "0.03", 800),
        _terms("AUD_USD", "0.66120", 5, "0.00008", "0.03", 1500),
        _terms("USD_JPY", "151.482", 3, "0.008", "0.03", 1000),
        _terms("EUR_JPY", "164.418", 3, "0.011", "0.03", 900),
        _terms("EUR_GBP", "0.85551", 5, "0.00009", "0.03", 900),
        _terms("USD_CHF", "0.88410", 5, "0.00009", "0.03", 1000),
        _terms("XAU_USD", "2331.50", 3, "0.230", "0.05", 3),
        _terms("SPX500_USD", "5210.4", 1, "0.4", "0.05", 2, unit_digits=1),
        _terms("DE30_EUR", "18102.5", 1, "0.8", "0.05", 1, unit_digits=1),
    )
}

_USD_PAIRS: Final = {"EUR": "EUR_USD", "GBP": "GBP_USD", "AUD": "AUD_USD", "JPY": "USD_JPY", "CHF": "USD_CHF"}


class Market:
    """Current mid prices. Every step is a pure function of the random generator it is given."""

    def __init__(self) -> None:
        self._mid = {name: one.start for name, one in INSTRUMENTS.items()}

    def step(self, rng: random.Random) -> None:
        """Move every price a little; they wander, but are drawn back to where they started."""
        for name, one in INSTRUMENTS.items():
            drift = (one.start / self._mid[name] - 1) * Decimal("0.01")
            noise = Decimal(rng.randint(-1000, 1000)) / 1_000_000
            moved = self._mid[name] * (1 + drift + noise)
            self._mid[name] = _round(moved, one.digits)

    def mid(self, name: str) -> Decimal:
        """The middle of bid and ask."""
        return self._mid[name]

    def fill_price(self, name: str, units: Decimal) -> Decimal:
        """What an order pays now: the ask when buying (units above 0), else the bid."""
        spread = INSTRUMENTS[name].half_spread
        return self._mid[name] + (spread if units > 0 else -spread)

    def rate(self, currency: str, home: str) -> Decimal:
        """What one unit of a currency is worth in the home currency, to 8 decimals."""
        return _round(self._in_dollars(currency) / self._in_dollars(home), 8)

    def _in_dollars(self, currency: str) -> Decimal:
        if currency == "USD":
            return Decimal(1)
        pair = _USD_PAIRS[currency]
        return self._mid[pair] if pair.endswith("_USD") else 1 / self._mid[pair]


def _round(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
