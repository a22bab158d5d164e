"""What Alpaca's endpoints answer about an account, made of its book. Shapes: the Trading API's OpenAPI."""

from decimal import Decimal

from local.simulators.alpaca_book import ZERO, Book, Holding
from local.simulators.alpaca_market import Asset
from local.simulators.alpaca_time import rfc3339
from local.simulators.alpaca_truth import text

Json = dict[str, object]
_HALF, _THIRTY_PERCENT = Decimal("0.5"), Decimal("0.3")


def account(book: Book) -> Json:
    """GET /v2/account."""
    values = [book.market_value(asset, holding.units) for asset, holding in book.positions()]
    long = sum((value for value in values if value > 0), ZERO)
    short = sum((value for value in values if value < 0), ZERO)
    equity = book.equity()
    exposure = long - short
    return {
        "id": book.alpaca_id,
        "admin_configurations": {},
        "user_configurations": None,
        "account_number": book.number,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "options_approved_level": 2,
        "options_trading_level": 2,
        "currency": "USD",
        "buying_power": text(max(equity * 2 - exposure, ZERO)),
        "regt_buying_power": text(max(equity * 2 - exposure, ZERO)),
        "daytrading_buying_power": "0",
        "non_marginable_buying_power": text(max(book.cash, ZERO)),
        "bod_dtbp": "0",
        "cash": text(book.cash),
        "accrued_fees": "0",
        "portfolio_value": text(equity),
        "pattern_day_trader": False,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "created_at": rfc3339(book.created),
        "trade_suspended_by_user": False,
        "multiplier": "2",
        "shorting_enabled": True,
        "equity": text(equity),
        "last_equity": text(equity),
        "long_market_value": text(long),
        "short_market_value": text(short),
        "position_market_value": text(long + short),
        "initial_margin": text(initial_margin(book)),
        "maintenance_margin": text(exposure * _THIRTY_PERCENT),
        "last_maintenance_margin": "0",
        "sma": "0",
        "daytrade_count": 0,
    }


def initial_margin(book: Book) -> Decimal:
    """Half of what is held, long and short."""
    values = (abs(book.market_value(asset, holding.units)) for asset, holding in book.positions())
    return sum(values, ZERO) * _HALF


def positions(book: Book) -> list[Json]:
    """GET /v2/positions."""
    return [_position(book, asset, holding) for asset, holding in book.positions()]


def _position(book: Book, asset: Asset, holding: Holding) -> Json:
    value = book.market_value(asset, holding.units)
    cost = holding.units * holding.price * asset.multiplier
    gain = value - cost
    return {
        "asset_id": asset.id,
        "symbol": asset.held_as,
        "exchange": asset.exchange,
        "asset_class": asset.wire_class,
        "asset_marginable": asset.kind == "stock",
        "qty": text(holding.units),
        "avg_entry_price": text(holding.price),
        "side": "long" if holding.units > 0 else "short",
        "market_value": text(value),
        "cost_basis": text(cost),
        "unrealized_pl": text(gain),
        "unrealized_plpc": text((gain / abs(cost)).quantize(Decimal("0.0000000001")) if cost else ZERO),
        "unrealized_intraday_pl": text(gain),
        "unrealized_intraday_plpc": "0",
        "current_price": text(book.market.price(asset)),
        "lastday_price": text(book.market.price(asset)),
        "change_today": "0",
        "qty_available": text(holding.units),
    }
