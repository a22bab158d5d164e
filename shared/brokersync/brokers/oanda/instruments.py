"""What an OANDA instrument is, from its name: BASE_QUOTE, as in EUR_USD, XAU_USD or SPX500_USD."""

from brokersync.domain.trades import AssetClass

# Every currency OANDA quotes. Metals have ISO 4217 codes as well, but are traded as CFDs.
# fmt: off
CURRENCIES = frozenset({
    "AUD", "CAD", "CHF", "CNH", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY", "KRW", "MXN", "MYR",
    "NOK", "NZD", "PLN", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR",
})
# fmt: on


def asset_class(instrument: str) -> AssetClass:
    """Forex for two currencies, CFD for anything else: metals, indices, commodities, bonds, crypto."""
    base, _, quote = instrument.partition("_")
    return AssetClass.FOREX if base in CURRENCIES and quote in CURRENCIES else AssetClass.CFD


def quote_currency(instrument: str) -> str:
    """The currency of the instrument's prices; empty when the name has no quote part."""
    return instrument.rpartition("_")[2] if "_" in instrument else ""
