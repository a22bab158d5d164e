"""Activities and pages of SnapTrade, for tests of what they mean."""

import json
from datetime import UTC, datetime
from pathlib import Path

from brokersync.brokers.snaptrade.provider import provider
from brokersync.domain.pages import Normalised, RawPage

NUMBER = "ROBINHOOD:80000001"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "snaptrade"
RECEIVED = datetime(2026, 5, 19, 12, tzinfo=UTC)
FACTS = {"number": NUMBER, "currency": "USD", "worth": "25363.23", "as_of": "2026-05-19 11:42:46.561408+00:00"}

Row = dict[str, object]
USD: Row = {"id": "87b24961-b51e-4db8-9226-f198f6518a89", "code": "USD", "name": "US Dollar"}
APPLE: Row = {"symbol": "AAPL", "raw_symbol": "AAPL", "type": {"code": "cs"}}
CALL: Row = {
    "ticker": "AAPL  260515C00200000",
    "option_type": "CALL",
    "strike_price": 200,
    "expiration_date": "2026-05-15",
    "is_mini_option": False,
    "underlying_symbol": {"symbol": "AAPL"},
}


def activity(kind: str = "BUY", **fields: object) -> Row:
    """An activity: 10 AAPL bought at 190.05, unless the fields say otherwise."""
    usual: Row = {
        "id": "0f7dc9b3-5c33-4668-3440-000000000099",
        "type": kind,
        "symbol": APPLE,
        "option_symbol": None,
        "currency_universal_symbol": None,
        "currency": USD,
        "price": 190.05,
        "units": 10,
        "amount": -1900.5,
        "fee": 0,
        "option_type": "",
        "description": "",
        "trade_date": "2026-05-11T14:30:00.123456Z",
        "settlement_date": "2026-05-13T00:00:00Z",
        "external_reference_id": None,
    }
    return {**usual, **fields}


def moved(kind: str, amount: float, **fields: object) -> Row:
    """Cash that moved."""
    return activity(kind, **({"symbol": None, "price": 0, "units": 0, "amount": amount} | fields))


def page(section: str, body: object, **changes: object) -> RawPage:
    """A fetched page of the account."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    values: dict[str, object] = {
        "section": section,
        "method": "GET",
        "path": f"/{section}",
        "params": {},
        "status": 200,
        "received_at": RECEIVED,
        "body": text,
        "facts": FACTS,
    }
    return RawPage(**(values | changes))  # type: ignore[arg-type]


def activities(*rows: object) -> RawPage:
    """A page of activities."""
    return page("activities", {"data": rows, "pagination": {"offset": 0, "limit": 1000, "total": len(rows)}})


def read(*rows: object) -> Normalised:
    """What activities say."""
    return provider.normalise([activities(*rows)], [NUMBER])


def saved(name: str) -> RawPage:
    """A saved answer, as it is read from a file."""
    return provider.read_saved(name, (FIXTURES / name).read_bytes())
