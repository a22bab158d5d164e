"""What a symbol of Alpaca's is, told by its form: activities don't say the class of an asset. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from brokersync.domain.money import plain
from brokersync.domain.trades import AssetClass

# OCC's form: root, expiry, call or put, strike in thousandths (AAPL230721C00150000).
_OPTION = re.compile(r"([A-Z]{1,5}\d?)(\d{6})([CP])(\d{8})")
# A pair without its slash. Shares have at most five letters (and classes after a dot), so none looks like this.
_BARE_PAIR = re.compile(r"(?=[A-Z0-9]{6,})([A-Z0-9]+)(USDT|USDC|USD|BTC)")
_SHARES_PER_CONTRACT = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is traded. `currency` is what its price is in; empty where only the account tells."""

    symbol: str
    asset_class: AssetClass
    multiplier: Decimal = Decimal(1)
    currency: str = ""
    base: str = ""
    contract: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1024)  # a trader's symbols are few, and come again in every row
def instrument(symbol: str) -> Instrument:
    """The instrument of a symbol. Crypto pairs get the slash that positions and old fills leave out: BTC/USD."""
    if option := _OPTION.fullmatch(symbol):
        return _option(symbol, option)
    if "/" not in symbol and (pair := _BARE_PAIR.fullmatch(symbol)):
        symbol = f"{pair[1]}/{pair[2]}"
    base, slash, quote = symbol.partition("/")
    if slash:
        return Instrument(symbol=symbol, asset_class=AssetClass.CRYPTO, currency=quote, base=base)
    return Instrument(symbol=symbol, asset_class=AssetClass.STOCK)


def _option(symbol: str, option: re.Match[str]) -> Instrument:
    root, expiry, right, strike = option.groups()
    try:
        expires = datetime.strptime(expiry, "%y%m%d").date()  # noqa: DTZ007 (a date has no zone)
    except ValueError:
        return Instrument(symbol=symbol, asset_class=AssetClass.OTHER)
    contract = {
        "underlying": root,
        "expiry": expires.isoformat(),
        "put_call": right,
        "strike": plain(Decimal(strike) / 1000),
    }
    return Instrument(symbol=symbol, asset_class=AssetClass.OPTION, multiplier=_SHARES_PER_CONTRACT, contract=contract)
