"""What can be traded at the Alpaca simulator, and at which price: shares, crypto pairs and options on the shares."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

CENT: Final = Decimal("0.01")
_TENTH_OF_A_PERCENT = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something to trade. `symbol` is what activities call it, `held_as` what positions do; both say the same thing."""

    symbol: str
    held_as: str
    kind: str  # of the ledger: stock, crypto or option
    wire_class: str
    exchange: str
    multiplier: int = 1
    underlying: str = ""
    expiry: date | None = None
    right: str = ""
    strike: Decimal = Decimal(0)

    @property
    def id(self) -> str:
        """Alpaca's id of the asset."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.symbol))

    @property
    def contract(self) -> dict[str, str]:
        """What identifies an option."""
        if self.expiry is None:
            return {}
        return {
            "underlying": self.underlying,
            "expiry": self.expiry.isoformat(),
            "put_call": self.right,
            "strike": format(self.strike.normalize(), "f"),
        }


def _share(symbol: str, exchange: str) -> Asset:
    return Asset(symbol=symbol, held_as=symbol, kind="stock", wire_class="us_equity", exchange=exchange)


def _pair(symbol: str) -> Asset:
    return Asset(symbol=symbol, held_as=symbol.replace("/", ""), kind="crypto", wire_class="crypto", exchange="CRYPTO")


SHARES: Final = tuple(
    _share(symbol, exchange)
    for symbol, exchange in (("AAPL", "NASDAQ"), ("AMZN", "NASDAQ"), ("BRK.B", "NYSE"), ("F", "NYSE"), ("SPY", "ARCA"))
)
PAIRS: Final = tuple(_pair(symbol) for symbol in ("BTC/USD", "ETH/USD", "SHIB/USD"))
_STARTS: Final[Mapping[str, str]] = {
    "AAPL": "187.30",
    "AMZN": "2907.15",
    "BRK.B": "411.06",
    "F": "11.92",
    "SPY": "548.40",
    "BTC/USD": "64120.55",
    "ETH/USD": "3160.42",
    "SHIB/USD": "0.000018450",
}


def option(underlying: str, expiry: date, right: str, strike: Decimal) -> Asset:
    """An option on a share, named as the OCC does."""
    symbol = f"{underlying}{expiry:%y%m%d}{right}{int(strike * 1000):08d}"
    return Asset(
        symbol=symbol,
        held_as=symbol,
        kind="option",
        wire_class="us_option",
        exchange="",
        multiplier=100,
        underlying=underlying,
        expiry=expiry,
        right=right,
        strike=strike,
    )


class Market:
    """The prices. They move when `step` is called."""

    def __init__(self) -> None:
        self._prices = {symbol: Decimal(price) for symbol, price in _STARTS.items()}

    def step(self, rng: random.Random) -> None:
        """Move every price by up to half a percent."""
        for symbol, price in self._prices.items():
            moved = price * (1 + _TENTH_OF_A_PERCENT * rng.randint(-5, 5))
            self._prices[symbol] = max(moved.quantize(_tick(price)), _tick(price))

    def price(self, asset: Asset) -> Decimal:
        """What one of the asset costs now; of an option, one of its hundred shares."""
        if asset.kind != "option":
            return self._prices[asset.symbol]
        return max(self.worth_at_expiry(asset), CENT) + CENT * 35

    def worth_at_expiry(self, asset: Asset) -> Decimal:
        """What exercising an option would bring per share; 0 when nothing."""
        gain = self._prices[asset.underlying] - asset.strike
        return max(gain if asset.right == "C" else -gain, Decimal(0))


def _tick(price: Decimal) -> Decimal:
    """Alpaca gives crypto below a dollar with nine decimals."""
    return CENT if price >= 1 else Decimal("0.000000001")
