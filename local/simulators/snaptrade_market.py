"""What is traded in the SnapTrade simulator, and at which prices."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

ONE: Final = Decimal(1)
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """A share, a fund, a coin or an option. `code` is SnapTrade's security type, `asset_class` the ledger's."""

    symbol: str
    code: str
    asset_class: str
    kind: str
    first_price: Decimal
    name: str
    exchange: str = "NASDAQ"
    multiplier: Decimal = ONE
    underlying: str = ""
    expiry: date | None = None
    strike: Decimal = ONE
    contract: Mapping[str, str] = field(default_factory=dict)

    @property
    def ticker(self) -> str:
        """An option's, as OCC writes it: its root filled up to six letters."""
        return f"{self.underlying:<6}{self.symbol[len(self.underlying) :]}"


SHARES: Final = (
    Security(
        symbol="AAPL", code="cs", asset_class="stock", kind="stock", first_price=Decimal("190.05"), name="Apple Inc"
    ),
    Security(
        symbol="VAB.TO",
        code="et",
        asset_class="fund",
        kind="etf",
        first_price=Decimal("23.41"),
        name="Vanguard Cdn Aggregate Bond",
        exchange="TSX",
    ),
    Security(
        symbol="MSFT", code="cs", asset_class="stock", kind="stock", first_price=Decimal("421.9"), name="Microsoft Corp"
    ),
)
COIN: Final = Security(
    symbol="BTC", code="crypto", asset_class="crypto", kind="crypto", first_price=Decimal(64_000), name="Bitcoin"
)


def call(underlying: str, expiry: date, strike: Decimal) -> Security:
    """A call option of OCC's form."""
    return Security(
        symbol=f"{underlying}{expiry:%y%m%d}C{int(strike * 1000):08d}",
        code="op",
        asset_class="option",
        kind="option",
        first_price=Decimal("2.35"),
        name=f"{underlying} {expiry:%m/%d} {strike} call",
        multiplier=Decimal(100),
        underlying=underlying,
        expiry=expiry,
        strike=strike,
        contract={
            "underlying": underlying,
            "expiry": expiry.isoformat(),
            "put_call": "C",
            "strike": f"{strike.normalize():f}",
        },
    )


@dataclass(slots=True)
class Market:
    """Prices by symbol; they move when somebody moves them."""

    prices: dict[str, Decimal] = field(default_factory=dict)

    def price(self, security: Security) -> Decimal:
        """The last price."""
        return self.prices.setdefault(security.symbol, security.first_price)

    def step(self, rng: random.Random) -> None:
        """Move every price a little."""
        for symbol, price in self.prices.items():
            self.prices[symbol] = max(CENT, (price * Decimal(rng.uniform(0.985, 1.016))).quantize(CENT))
