"""What can be traded in the IBKR simulator, and at which prices."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

USD_RATES: Final = {"USD": Decimal(1), "EUR": Decimal("1.09"), "GBP": Decimal("1.27"), "JPY": Decimal("0.0067")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One tradable contract. `price` is what it costs about."""

    conid: int
    symbol: str
    description: str
    category: str
    currency: str
    exchange: str
    price: Decimal
    multiplier: int = 1
    isin: str = ""
    underlying: str = ""
    expiry: date | None = None
    strike: Decimal | None = None
    put_call: str = ""

    @property
    def tick(self) -> Decimal:
        """The step of its prices."""
        return Decimal("0.00005") if self.category == "CASH" else Decimal("0.01")


STOCKS: Final = (
    Contract(
        conid=265598,
        symbol="AAPL",
        description="APPLE INC",
        category="STK",
        currency="USD",
        exchange="NASDAQ",
        price=Decimal(212),
        isin="US0378331005",
    ),
    Contract(
        conid=272093,
        symbol="MSFT",
        description="MICROSOFT CORP",
        category="STK",
        currency="USD",
        exchange="NASDAQ",
        price=Decimal(431),
        isin="US5949181045",
    ),
    Contract(
        conid=4391,
        symbol="AMD",
        description="ADVANCED MICRO DEVICES",
        category="STK",
        currency="USD",
        exchange="DARK",
        price=Decimal(157),
        isin="US0079031078",
    ),
    Contract(
        conid=14094,
        symbol="BMW",
        description="BAYERISCHE MOTOREN WERKE AG",
        category="STK",
        currency="EUR",
        exchange="IBIS",
        price=Decimal(88),
        isin="DE0005190003",
    ),
    Contract(
        conid=29612193,
        symbol="SU",
        description="SCHNEIDER ELECTRIC SE & CIE",
        category="STK",
        currency="EUR",
        exchange="SBF",
        price=Decimal(224),
        isin="FR0000121972",
    ),
    Contract(
        conid=29651420,
        symbol="VOD",
        description="VODAFONE GROUP PLC",
        category="STK",
        currency="GBP",
        exchange="LSE",
        price=Decimal("0.71"),
        isin="GB00BH4HKS39",
    ),
)
FOREX: Final = (
    Contract(
        conid=12087792,
        symbol="EUR.USD",
        description="EUR.USD",
        category="CASH",
        currency="USD",
        exchange="IDEALFX",
        price=Decimal("1.09"),
    ),
    Contract(
        conid=12087797,
        symbol="GBP.USD",
        description="GBP.USD",
        category="CASH",
        currency="USD",
        exchange="IDEALFX",
        price=Decimal("1.27"),
    ),
)
_MONTHS: Final = "FGHJKMNQUVXZ"


def future(day: date) -> Contract:
    """The crude oil future of the month after next."""
    year, month = divmod(day.year * 12 + day.month + 1, 12)
    expiry = date(year, month + 1, 19)
    return Contract(
        conid=70_000_000 + year * 12 + month,
        symbol=f"CL{_MONTHS[month]}{year % 10}",
        description=f"CL {expiry:%b%y}".upper(),
        category="FUT",
        currency="USD",
        exchange="NYMEX",
        price=Decimal(74),
        multiplier=1000,
        underlying="CL",
        expiry=expiry,
    )


def option(stock: Contract, day: date, strike: Decimal, put_call: str) -> Contract:
    """An option on a stock that expires on the Friday of next week."""
    expiry = day + timedelta(days=11 - day.weekday())
    code = f"{stock.symbol:<6}{expiry:%y%m%d}{put_call}{int(strike * 1000):08d}"
    return Contract(
        conid=800_000_000 + random.Random(code).randrange(10**8),  # noqa: S311 (the same code, the same number)
        symbol=code,
        description=f"{stock.symbol} {expiry:%d%b%y} {strike} {put_call}".upper(),
        category="OPT",
        currency=stock.currency,
        exchange="CBOE",
        price=Decimal("2.50"),
        multiplier=100,
        underlying=stock.symbol,
        expiry=expiry,
        strike=strike,
        put_call=put_call,
    )


def price_on(contract: Contract, day: date) -> Decimal:
    """What a contract costs on a day: the same whenever it is asked."""
    swing = random.Random(f"{contract.conid} {day.toordinal()}").uniform(0.94, 1.06)  # noqa: S311 (a simulation)
    ticks = (contract.price * Decimal(str(round(swing, 4))) / contract.tick).to_integral_value()
    return max(ticks, Decimal(1)) * contract.tick


def rate_to_base(currency: str, base: str) -> Decimal:
    """How much of the base currency one unit is worth."""
    return (USD_RATES[currency] / USD_RATES[base]).quantize(Decimal("0.00001"))
