"""What SnapTrade's endpoints answer. Shapes: the OpenAPI document of its SDKs."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

from local.simulators.snaptrade_book import Event, Holding
from local.simulators.snaptrade_market import Security
from local.simulators.snaptrade_world import Account, Connection, World

Json = dict[str, object]
_USD: Json = {"id": "87b24961-b51e-4db8-9226-f198f6518a89", "code": "USD", "name": "US Dollar"}
_NO_CURRENCY: Json = {"id": None, "code": None, "name": None}


def connection(one: Connection, now: datetime) -> Json:
    """A brokerage authorization."""
    name = one.institution.capitalize()
    return {
        "id": one.id,
        "created_date": _time(one.created),
        "brokerage": {
            "id": _named(one.institution),
            "slug": one.institution,
            "name": name,
            "display_name": name,
            "url": f"https://{name.lower()}.example.com",
            "enabled": True,
            "maintenance_mode": False,
            "brokerage_type": {"id": _named("type"), "name": "Traditional Brokerage"},
        },
        "name": "Connection-1",
        "type": "read",
        "disabled": one.disabled is not None,
        "disabled_date": _time(one.disabled) if one.disabled else None,
        "meta": {},
        "updated_date": _time(now),
    }


def account(world: World, one: Account) -> Json:
    """An account. What its transactions hold is told by days, what its figures hold by the second."""
    now = world.clock()
    activities = world.activities(one)
    ready = now >= one.ready
    return {
        "id": one.id,
        "brokerage_authorization": one.connection.id,
        "name": f"{one.connection.institution.capitalize()} Individual",
        "number": one.book.number,
        "institution_account_id": one.book.institution_account_id or None,
        "institution_name": one.connection.institution.capitalize(),
        "created_date": _time(one.created),
        "funding_date": None,
        "opening_date": _time(one.book.opened),
        "sync_status": {
            "transactions": {
                "initial_sync_completed": ready,
                "last_successful_sync": world.waterline(one).isoformat() if ready else None,
                "first_transaction_date": activities[-1][1].happened.date().isoformat() if activities else None,
            },
            "holdings": {
                "initial_sync_completed": True,
                "last_successful_sync": (one.connection.disabled or now).astimezone(UTC).isoformat(sep=" "),
            },
        },
        "balance": {"total": {"amount": _number(one.book.equity()), "currency": "USD"}},
        "status": "open",
        "raw_type": "Margin",
        "account_category": "INVESTMENT",
        "meta": {"type": "Margin", "status": "ACTIVE"},
        "portfolio_group": _named(one.id),
        "cash_restrictions": [],
        "is_paper": False,
    }


def activity(one: Account, activity_id: str, event: Event) -> Json:
    """A transaction."""
    security = event.security
    option = security is not None and security.expiry is not None
    coin = security is not None and security.code == "crypto"
    return {
        "id": activity_id,
        "symbol": _symbol(security) if security and not option else None,
        "option_symbol": _option(security) if security and option else None,
        "currency_universal_symbol": {"id": _named("USD"), "symbol": "USD", "raw_symbol": "USD"} if coin else None,
        "price": _number(event.price),
        "units": _number(event.units),
        "amount": _number(event.amount),
        "currency": dict(_NO_CURRENCY) if coin else _USD,
        "type": event.type,
        "option_type": event.option_type,
        "description": f"{event.type} {security.name if security else ''}".strip().upper(),
        "trade_date": _time(event.told),
        "settlement_date": _time(event.told),
        "fee": _number(event.fee),
        "fx_rate": None,
        "institution": one.connection.institution.capitalize(),
        "external_reference_id": event.reference or None,
    }


def balances(one: Account) -> list[Json]:
    """The cash of each currency."""
    return [{"currency": _USD, "cash": _number(one.book.cash), "buying_power": _number(one.book.cash * 2)}]


def positions(one: Account, now: datetime) -> Json:
    """Everything that is held."""
    return {
        "results": [_position(one, security, held) for security, held in one.book.positions()],
        "data_freshness": {"as_of": _time(one.connection.disabled or now)},
    }


def _position(one: Account, security: Security, held: Holding) -> Json:
    instrument: Json = {"kind": security.kind, "id": _named(security.symbol), "symbol": security.symbol}
    if security.expiry is not None:
        instrument |= {
            "symbol": security.ticker,
            "option_type": "CALL",
            "strike_price": f"{security.strike.normalize():f}",
            "expiration_date": security.expiry.isoformat(),
            "underlying": {"id": _named(security.underlying), "symbol": security.underlying},
        }
    else:
        instrument |= {"raw_symbol": security.symbol.partition(".")[0], "description": security.name, "currency": "USD"}
    return {
        "instrument": instrument,
        "units": f"{held.units:f}",
        "price": f"{one.book.market.price(security):f}",
        "cost_basis": f"{(held.cost / held.units).quantize(Decimal('0.0001')):f}",
        "currency": "USD",
        "cash_equivalent": False,
    }


def _symbol(security: Security) -> Json:
    return {
        "id": _named(security.symbol),
        "symbol": security.symbol,
        "raw_symbol": security.symbol.partition(".")[0],
        "description": security.name.upper(),
        "currency": _USD,
        "exchange": {"id": _named(security.exchange), "code": security.exchange, "timezone": "America/New_York"},
        "type": {"id": _named(security.code), "code": security.code, "description": security.kind},
        "figi_code": None,
        "figi_instrument": None,
    }


def _option(security: Security) -> Json:
    return {
        "id": _named(security.symbol),
        "ticker": security.ticker,
        "option_type": "CALL",
        "strike_price": _number(security.strike),
        "expiration_date": security.expiry.isoformat() if security.expiry else None,
        "is_mini_option": False,
        "underlying_symbol": {
            "id": _named(security.underlying),
            "symbol": security.underlying,
            "raw_symbol": security.underlying,
            "currency": dict(_NO_CURRENCY),
            "type": {"id": None, "code": None, "description": None},
        },
    }


def _number(amount: Decimal) -> int | float:
    """As JSON tells it; amounts here are short enough that a float keeps their digits."""
    if amount == amount.to_integral_value():
        return int(amount)
    told = float(amount)
    if Decimal(repr(told)) != amount:
        raise ValueError(f"{amount} can't be told in JSON without losing a digit")
    return told


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _named(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
